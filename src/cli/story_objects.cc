#include "cli/story_objects.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "base/yaml.h"
#include "cli/embedded_manifests.h"

namespace breakwater::cli::story {
namespace {

using kube::Object;

constexpr kube::Kind kManifestKinds[] = {api::kPolicy, api::kPolicySet, api::kPlacement,
                                         api::kPlacementBinding, api::kManagedClusterSetBinding};

Object config_map(const std::string& name, const Json& data) {
  Object config = Object::make(api::kConfigMap, {kHubNamespace, name});
  config.set({"data"}, data);
  return config;
}

const char* mode_text(DiskMode mode) { return mode == DiskMode::kBlock ? "Block" : "Filesystem"; }

}  // namespace

Result<std::vector<std::pair<kube::Kind, Object>>> virt_manifests(const std::string& ns) {
  std::vector<std::pair<kube::Kind, Object>> result;
  for (std::string_view file : embedded_virt_manifests()) {
    for (Json& json : TRY(parse_yaml(file))) {
      const std::string kind = json["kind"].as_string();
      const auto known = std::find_if(std::begin(kManifestKinds), std::end(kManifestKinds),
                                      [&](const kube::Kind& one) { return one.kind == kind; });
      if (known == std::end(kManifestKinds)) {
        return fail(Code::kInternal, "the manifests of virt/ have a {}", kind);
      }
      json.set({"metadata", "namespace"}, ns);
      result.emplace_back(*known, Object(std::move(json)));
    }
  }
  return result;
}

Object virt_config(const StoryStore& store) {
  Json spec = Json::object();
  spec.set("backupLocations", Json::array({Json::object({{"velero", store.location}})}));
  spec.set({"configuration", "velero", "defaultPlugins"},
           Json::array({"openshift", "csi", "kubevirt"}));
  return config_map(kConfig, Json::object({{"backupNS", kEngineNamespace},
                                           {"credentials_hub_secret_name", "hub-secret"},
                                           {"credentials_name", "cloud-credentials"},
                                           {"dpa_name", "dpa-vm-policy"},
                                           {"dpa_spec", to_json(spec)},
                                           {"scheduleTTL", "24h"},
                                           {"schedule_hub_config_name", "schedule-cron"},
                                           {"restore_hub_config_name", kRestoreConfig},
                                           {"passwordEscrowed", "true"}}));
}

Object schedule_cron() {
  return config_map("schedule-cron",
                    Json::object({{kCron, "@every 20s"}, {"daily_8am", "0 8 * * *"}}));
}

Object restore_config() { return config_map(kRestoreConfig, Json::object()); }

Object hub_secret(const StoryStore& store, const std::string& password) {
  Object secret = Object::make(api::kSecret, {kHubNamespace, "hub-secret"});
  secret.set({"data", "cloud"}, to_base64(as_bytes(store.credentials)));
  secret.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes(password)));
  return secret;
}

Object namespace_object(const std::string& name) {
  return Object::make(api::kNamespace, {"", name});
}

Object claim(const std::string& ns, const std::string& name, const std::string& size,
             DiskMode mode) {
  Object claim = Object::make(api::kPersistentVolumeClaim, {ns, name});
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, mode_text(mode));
  claim.set({"spec", "resources", "requests", "storage"}, size);
  return claim;
}

Object virtual_machine(const Vm& described) {
  Object vm = Object::make(api::kVirtualMachine, {described.ns, described.name});
  vm.set({"spec", "runStrategy"}, "Always");
  const Json disk = Json::object({{"name", "root"}, {"disk", Json::object({{"bus", "virtio"}})}});
  vm.set({"spec", "template", "spec", "domain", "devices", "disks"}, Json::array({disk}));
  vm.set({"spec", "template", "spec", "domain", "resources", "requests", "memory"}, "1Gi");
  const Json source = Json::object({{"claimName", described.disk()}});
  const Json volume = Json::object({{"name", "root"}, {"persistentVolumeClaim", source}});
  vm.set({"spec", "template", "spec", "volumes"}, Json::array({volume}));
  return vm;
}

Object volume_snapshot(const std::string& ns, const std::string& name, const std::string& claim) {
  Object snapshot = Object::make(api::kVolumeSnapshot, {ns, name});
  snapshot.set({"spec", "source", "persistentVolumeClaimName"}, claim);
  return snapshot;
}

Object volume_snapshot_backup(const std::string& ns, const std::string& name,
                              const std::string& content) {
  Object backup = Object::make(api::kVolumeSnapshotBackup, {ns, name});
  backup.set({"spec", "volumeSnapshotContent", "name"}, content);
  backup.set({"spec", "protectedNamespace"}, kEngineNamespace);
  return backup;
}

Object volume_snapshot_restore(const std::string& ns, const std::string& name,
                               const Object& backup) {
  Object restore = Object::make(api::kVolumeSnapshotRestore, {ns, name});
  const Json& status = backup.status();
  Json reference = Json::object({{"sourcePVCData", status["sourcePVCData"]},
                                 {"resticrepository", status["resticrepository"]}});
  reference.set("volumeSnapshotClassName", status["volumeSnapshotClassName"]);
  restore.set({"spec", "volumeSnapshotMoverBackupRef"}, std::move(reference));
  restore.set({"spec", "protectedNamespace"}, kEngineNamespace);
  return restore;
}

Object static_content(const std::string& ns, const std::string& name, const std::string& handle,
                      DiskMode mode) {
  Object content = Object::make(api::kVolumeSnapshotContent, {"", name});
  content.set({"spec", "driver"}, api::kSandboxDriver);
  content.set({"spec", "deletionPolicy"}, "Retain");
  content.set({"spec", "source", "snapshotHandle"}, handle);
  content.set({"spec", "sourceVolumeMode"}, mode_text(mode));
  content.set({"spec", "volumeSnapshotRef"}, Json::object({{"namespace", ns}, {"name", name}}));
  return content;
}

Object static_snapshot(const std::string& ns, const std::string& name) {
  Object snapshot = Object::make(api::kVolumeSnapshot, {ns, name});
  snapshot.set({"spec", "source", "volumeSnapshotContentName"}, name);
  return snapshot;
}

Object claim_from(const std::string& ns, const std::string& name, const std::string& size,
                  DiskMode mode, const std::string& snapshot) {
  Object object = claim(ns, name, size, mode);
  object.set({"spec", "dataSource"}, Json::object({{"apiGroup", "snapshot.storage.k8s.io"},
                                                   {"kind", "VolumeSnapshot"},
                                                   {"name", snapshot}}));
  return object;
}

}  // namespace breakwater::cli::story
