// Inputs of the install policy, and the mission's sample configuration.
#pragma once

#include <map>
#include <string>

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "policy/install_policy.h"
#include "tests/policy/fixtures.h"

namespace breakwater::policy::fixtures {

// acm-virt-config-14's dpa_spec, as a YAML reader folds it: one line, a trailing comma.
inline constexpr const char* kSampleSpec =
    R"({ "backupLocations": [ { "velero": { "config": { "profile": "default", "region": )"
    R"("us-east-1" }, "credential": { "key": "cloud", "name": "cloud-credentials" }, "default": )"
    R"(true, "objectStorage": { "bucket": "vb-velero-backup", "prefix": "hub-a" }, "provider": )"
    R"("aws" } } ], "configuration": { "nodeAgent": { "enable": true, "uploaderType": "kopia" }, )"
    R"("velero": { "defaultPlugins": [ "csi",        "openshift", "kubevirt", "aws" ], )"
    R"("podConfig": { "resourceAllocations": { "limits": { "cpu": "2", "memory": "1Gi" }, )"
    R"("requests": { "cpu": "500m", "memory": "256Mi" } } } } }, })";

// acm-virt-config-14 of the mission.
inline std::map<std::string, std::string> sample_config() {
  return {{"backupNS", "oadp-ns"},
          {"channel", "stable-1.4"},
          {"credentials_hub_secret_name", "hub-secret"},
          {"credentials_name", "cloud-credentials"},
          {"backup_label_name", "cluster.open-cluster-management.io/backup-vm"},
          {"dpa_name", "dpa-hub"},
          {"dpa_spec", kSampleSpec},
          {"scheduleTTL", "24h"},
          {"schedule_hub_config_name", "schedule-cron"},
          {"schedulePaused", "false"},
          {"restore_hub_config_name", "restore-config"}};
}

inline Json json_map(const std::map<std::string, std::string>& texts) {
  Json json = Json::object();
  for (const auto& [key, value] : texts) json.set(key, value);
  return json;
}

// A policy of the kind as the hub delivers it.
inline kube::Object delivered(const kube::Kind& kind, std::string_view name,
                              const std::map<std::string, std::string>& config) {
  kube::Object policy = kube::Object::make(kind, {"cls1", std::string(name)});
  policy.set({"spec", "clusterName"}, "cls1");
  policy.set({"spec", "policyNamespace"}, "acm");
  policy.set({"spec", "configName"}, "acm-virt-config-14");
  policy.set({"spec", "config"}, json_map(config));
  policy.set({"spec", "crons"}, json_map({{"hourly", "0 */1 * * *"}}));
  policy.set({"spec", "credentials", "name"}, "hub-secret");
  return policy;
}

inline kube::Object hub_secret_copy() {
  kube::Object secret = kube::Object::make(api::kSecret, {"cls1", "hub-secret"});
  secret.set({"data", "cloud"}, to_base64(as_bytes("[default]")));
  secret.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes("correct horse")));
  secret.set({"type"}, "Opaque");
  return secret;
}

inline InstallInputs install_inputs(const std::map<std::string, std::string>& config) {
  InstallInputs result;
  result.now = at(kNow);
  result.cluster_id = "cluster-1";
  result.policy = delivered(api::kVirtInstallPolicy, api::kInstallPolicyName, config);
  result.credentials = hub_secret_copy();
  return result;
}

inline kube::Object application(const std::string& name, const char* reconciled) {
  kube::Object dpa = kube::Object::make(api::kDataProtectionApplication, {"oadp-ns", name});
  dpa.set({"metadata", "uid"}, "uid-" + name);
  dpa.set({"metadata", "creationTimestamp"}, "2026-11-21T10:00:00Z");
  kube::set_condition(dpa, "Reconciled", reconciled, "Reason", "a reason", at(kNow));
  return dpa;
}

inline kube::Object location_of(const kube::Object& dpa, const std::string& phase) {
  kube::Object location =
      kube::Object::make(api::kBackupStorageLocation, {dpa.ns(), dpa.name() + "-1"});
  location.set({"metadata", "creationTimestamp"}, "2026-11-21T10:00:00Z");
  location.add_owner(dpa, true);
  location.set({"spec", "default"}, true);
  if (!phase.empty()) location.set({"status", "phase"}, phase);
  return location;
}

// A cluster on which everything that install asks for is there.
inline InstallInputs installed(std::map<std::string, std::string> config) {
  InstallInputs result = install_inputs(config);
  result.applications = {application("dpa-hub", "True")};
  result.locations = {location_of(result.applications[0], "Available")};
  kube::Object password =
      kube::Object::make(api::kSecret, {"oadp-ns", std::string(api::kRepositorySecret)});
  password.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes("correct horse")));
  result.secrets = {password};
  return result;
}

inline std::vector<std::string> desired_names(const Evaluation& evaluation) {
  std::vector<std::string> names;
  for (const Desired& desired : evaluation.desired) {
    names.push_back(std::string(desired.kind.kind) + " " + desired.object.key().to_string());
  }
  return names;
}

}  // namespace breakwater::policy::fixtures
