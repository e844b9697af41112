#include "cli/story_objects.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"

namespace breakwater::cli::story {
namespace {

using kube::Object;

}  // namespace

Object namespace_object(const std::string& name) {
  return Object::make(api::kNamespace, {"", name});
}

Object data_protection_application(const std::filesystem::path& backups) {
  Object dpa = Object::make(api::kDataProtectionApplication, {kEngineNamespace, "velero-sample"});
  const Json velero = Json::object(
      {{"provider", api::kLocalProvider},
       {"default", true},
       {"config", Json::object({{"path", backups.string()}})},
       {"objectStorage", Json::object({{"bucket", "vb-velero-backup"}, {"prefix", "cls1"}})}});
  dpa.set({"spec", "backupLocations"}, Json::array({Json::object({{"velero", velero}})}));
  dpa.set({"spec", "configuration", "velero", "defaultPlugins"},
          Json::array({"openshift", "csi", "kubevirt"}));
  return dpa;
}

Object repository_secret(const std::string& password) {
  Object secret =
      Object::make(api::kSecret, {kEngineNamespace, std::string(api::kRepositorySecret)});
  secret.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes(password)));
  return secret;
}

Object schedule_cron() {
  Object config =
      Object::make(api::kConfigMap, {kEngineNamespace, std::string(api::kScheduleCronCopy)});
  config.set({"data", kCron}, "@every 15s");
  return config;
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
