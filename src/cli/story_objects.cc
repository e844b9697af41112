#include "cli/story_objects.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"

namespace breakwater::cli::story {
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

Json crons() { return Json::object({{kCron, "@every 15s"}}); }

Object repository_secret(const std::string& password) {
  Object secret =
      Object::make(api::kSecret, {kEngineNamespace, std::string(api::kRepositorySecret)});
  secret.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes(password)));
  return secret;
}

Object disk_claim(const std::string& size) {
  Object claim = Object::make(api::kPersistentVolumeClaim, {kNamespace, kDisk});
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, "Block");
  claim.set({"spec", "resources", "requests", "storage"}, size);
  return claim;
}

Object virtual_machine() {
  Object vm = Object::make(api::kVirtualMachine, {kNamespace, kVm});
  vm.set({"spec", "runStrategy"}, "Always");
  const Json disk = Json::object({{"name", "root"}, {"disk", Json::object({{"bus", "virtio"}})}});
  vm.set({"spec", "template", "spec", "domain", "devices", "disks"}, Json::array({disk}));
  vm.set({"spec", "template", "spec", "domain", "resources", "requests", "memory"}, "1Gi");
  const Json volume = Json::object(
      {{"name", "root"}, {"persistentVolumeClaim", Json::object({{"claimName", kDisk}})}});
  vm.set({"spec", "template", "spec", "volumes"}, Json::array({volume}));
  return vm;
}

Object restore_by_uid(const std::string& name, const std::string& backup, const std::string& uid) {
  Object restore = Object::make(api::kRestore, {kEngineNamespace, name});
  restore.set({"spec", "backupName"}, backup);
  restore.set({"spec", "restorePVs"}, true);
  restore.set({"spec", "labelSelector", "matchLabels", api::kBackupVmUidLabel}, uid);
  return restore;
}

}  // namespace breakwater::cli::story
