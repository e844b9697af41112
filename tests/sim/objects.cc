#include "tests/sim/objects.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/yaml.h"
#include "tests/sim/world.h"

namespace breakwater::sim {
namespace {

using kube::Object;

// The spec of the DataProtectionApplication, as it stands in the configuration.
Json application_spec(const std::filesystem::path& backups) {
  const Json velero = Json::object(
      {{"provider", api::kLocalProvider},
       {"default", true},
       {"config", Json::object({{"path", backups.string()}})},
       {"objectStorage", Json::object({{"bucket", "vb-velero-backup"}, {"prefix", "cls1"}})}});
  Json spec = Json::object();
  spec.set({"backupLocations"}, Json::array({Json::object({{"velero", velero}})}));
  spec.set({"configuration", "velero", "defaultPlugins"},
           Json::array({"openshift", "csi", "kubevirt"}));
  return spec;
}

Object policy(const kube::Kind& kind, std::string_view name, const std::filesystem::path& backups,
              const Json& crons) {
  Object policy = Object::make(kind, {kEngineNamespace, std::string(name)});
  policy.set({"spec", "remediationAction"}, "enforce");
  policy.set({"spec", "clusterName"}, "cls1");
  policy.set({"spec", "policyNamespace"}, "open-cluster-management-backup");
  policy.set({"spec", "configName"}, "acm-virt-config");
  policy.set({"spec", "config"}, Json::object({{"backupNS", kEngineNamespace},
                                               {"engine", api::kEngineBuiltin},
                                               {"prefixPerCluster", "false"},
                                               {"dpa_name", "velero-sample"},
                                               {"dpa_spec", to_json(application_spec(backups))},
                                               {"schedule_hub_config_name", "schedule-cron"}}));
  policy.set({"spec", "crons"}, crons);
  return policy;
}

constexpr kube::Kind kManifestKinds[] = {api::kPolicy, api::kPolicySet, api::kPlacement,
                                         api::kPlacementBinding, api::kManagedClusterSetBinding};

}  // namespace

Object namespace_object(const std::string& name) {
  return Object::make(api::kNamespace, {"", name});
}

Object install_policy(const std::filesystem::path& backups, const Json& crons) {
  return policy(api::kVirtInstallPolicy, api::kInstallPolicyName, backups, crons);
}

Object backup_policy(const std::filesystem::path& backups, const Json& crons) {
  return policy(api::kVirtBackupPolicy, api::kBackupPolicyName, backups, crons);
}

Object repository_secret(const std::string& password) {
  Object secret =
      Object::make(api::kSecret, {kEngineNamespace, std::string(api::kRepositorySecret)});
  secret.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes(password)));
  return secret;
}

Object restore_by_uid(const std::string& name, const std::string& backup, const std::string& uid) {
  Object restore = Object::make(api::kRestore, {kEngineNamespace, name});
  restore.set({"spec", "backupName"}, backup);
  restore.set({"spec", "restorePVs"}, true);
  restore.set({"spec", "labelSelector", "matchLabels", api::kBackupVmUidLabel}, uid);
  return restore;
}

Result<std::vector<Manifest>> virt_manifests(const std::string& ns) {
  namespace fs = std::filesystem;
  std::vector<Manifest> result;
  for (const char* folder : {"virt/policies", "virt/policy-sets"}) {
    std::vector<fs::path> files(fs::directory_iterator(folder), fs::directory_iterator{});
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      for (Json& json : TRY(parse_yaml(TRY(read_file(file))))) {
        const std::string kind = json["kind"].as_string();
        const auto known = std::find_if(std::begin(kManifestKinds), std::end(kManifestKinds),
                                        [&](const kube::Kind& one) { return one.kind == kind; });
        if (known == std::end(kManifestKinds)) continue;
        json.set({"metadata", "namespace"}, ns);
        result.push_back({*known, Object(std::move(json))});
      }
    }
  }
  return result;
}

}  // namespace breakwater::sim
