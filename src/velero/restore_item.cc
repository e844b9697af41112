#include "velero/restore_item.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/quantity.h"
#include "velero/names.h"

namespace breakwater::velero {
namespace {

using kube::Object;

constexpr std::string_view kRunStrategyLabel = "velero.kubevirt.io/restore-run-strategy";
constexpr std::string_view kClearMacLabel = "velero.kubevirt.io/clear-mac-address";
constexpr std::string_view kNewFirmwareLabel = "velero.kubevirt.io/generate-new-firmware-uuid";

void reset_metadata(Object& object) {
  for (const char* field : {"generateName", "selfLink", "uid", "resourceVersion", "generation",
                            "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                            "ownerReferences", "managedFields", "finalizers"})
    object.erase({"metadata", field});
  object.erase({"status"});
}

// A claim must not ask for less than the snapshot holds: drivers round sizes up.
void use_snapshot(Object& claim, const Object& restore, const RestoreItem& item) {
  claim.set({"spec", "dataSource"},
            Json::object({{"apiGroup", api::kVolumeSnapshot.group},
                          {"kind", api::kVolumeSnapshot.kind},
                          {"name", restored_snapshot_name(restore, item.target)}}));
  const Json& asked = claim.spec()["resources"]["requests"]["storage"];
  if (parse_quantity(asked.as_string()).value_or(0) < item.data.min_size)
    claim.set({"spec", "resources", "requests", "storage"}, format_quantity(item.data.min_size));
}

void reset_claim(Object& claim, const Object& restore, const RestoreItem& item) {
  for (std::string_view annotation :
       {api::kBindCompletedAnnotation, api::kBoundByControllerAnnotation,
        api::kStorageProvisionerAnnotation, api::kSelectedNodeAnnotation,
        api::kVolumeSnapshotNameLabel, api::kDataUploadNameAnnotation,
        std::string_view("volume.beta.kubernetes.io/storage-provisioner")})
    claim.erase({"metadata", "annotations", annotation});
  claim.erase({"metadata", "labels", api::kVolumeSnapshotNameLabel});
  for (const char* field : {"volumeName", "dataSource", "dataSourceRef", "selector"})
    claim.erase({"spec", field});
  if (item.data.kind == DataSource::Kind::kMoved)
    claim.set({"spec", "selector", "matchLabels", api::kDynamicPvRestoreLabel},
              dynamic_pv_value(restore.uid(), item.target.ns, item.target.name));
  if (item.data.kind == DataSource::Kind::kSnapshot ||
      item.data.kind == DataSource::Kind::kSnapshotBackup)
    use_snapshot(claim, restore, item);
}

// A UUID of version 4 in form, the same whenever this Restore restores this VM.
std::string firmware_uuid(const Object& restore, const Object& vm) {
  std::string identity = fmt::format("{}/{}", restore.uid(), vm.key().to_string());
  std::string hex = to_hex(sha256(as_bytes(identity)));
  return fmt::format("{}-{}-4{}-8{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 3),
                     hex.substr(15, 3), hex.substr(18, 12));
}

void reset_machine(Object& vm, const Object& restore) {
  if (const std::string& strategy = restore.label(kRunStrategyLabel); !strategy.empty()) {
    vm.set({"spec", "runStrategy"}, strategy);
    vm.erase({"spec", "running"});
  }
  if (restore.has_label(kClearMacLabel)) {
    Json interfaces = vm.json().at({"spec", "template", "spec", "domain", "devices", "interfaces"});
    for (size_t i = 0; i < interfaces.size(); ++i) {
      Json interface = interfaces[i];
      interface.erase("macAddress");
      interfaces.set_item(i, std::move(interface));
    }
    if (!interfaces.is_null())
      vm.set({"spec", "template", "spec", "domain", "devices", "interfaces"}, interfaces);
  }
  if (restore.has_label(kNewFirmwareLabel))
    vm.set({"spec", "template", "spec", "domain", "firmware", "uuid"}, firmware_uuid(restore, vm));
}

// Service accounts of a mapped namespace are those of the new one.
void map_subjects(Object& binding, const Object& restore) {
  Json subjects = binding["subjects"];
  for (size_t i = 0; i < subjects.size(); ++i) {
    Json subject = subjects[i];
    const std::string& ns = subject["namespace"].as_string();
    if (ns.empty()) continue;
    subject.set("namespace", target_namespace(restore, ns));
    subjects.set_item(i, std::move(subject));
  }
  if (!subjects.empty()) binding.set({"subjects"}, std::move(subjects));
}

void reset_service(Object& service) {
  if (service.spec()["clusterIP"].as_string() != "None") {
    service.erase({"spec", "clusterIP"});
    service.erase({"spec", "clusterIPs"});
  }
  service.erase({"spec", "healthCheckNodePort"});
}

}  // namespace

std::string restored_snapshot_name(const Object& restore, const kube::Key& claim) {
  return derived_name(fmt::format("velero-{}", claim.name),
                      fmt::format("{}/{}", restore.uid(), claim.to_string()));
}

bool is_restored_by(const Object& object, const Object& restore) {
  return object.label(api::kRestoreUidLabel) == restore.uid();
}

Object restored_object(const Object& restore, const std::string& backup_name,
                       const RestoreItem& item) {
  Object object = item.saved;
  reset_metadata(object);
  // What was looked at before is what is created, whatever the saved text calls itself.
  object.set({"metadata", "name"}, item.target.name);
  if (!item.target.ns.empty()) object.set({"metadata", "namespace"}, item.target.ns);
  if (object.is(api::kPersistentVolumeClaim)) reset_claim(object, restore, item);
  if (object.is(api::kVirtualMachine)) reset_machine(object, restore);
  if (object.api_version() == "v1" && object.kind() == "Service") reset_service(object);
  if (object.is(api::kRoleBinding) || object.is(api::kClusterRoleBinding))
    map_subjects(object, restore);
  if (object.is(api::kPod)) object.erase({"spec", "nodeName"});
  if (object.api_version() == "v1" && object.kind() == "ServiceAccount") object.erase({"secrets"});
  object.set_label(api::kBackupNameLabel, label_value(backup_name));
  object.set_label(api::kRestoreNameLabel, label_value(restore.name()));
  object.set_label(api::kRestoreUidLabel, restore.uid());
  return object;
}

}  // namespace breakwater::velero
