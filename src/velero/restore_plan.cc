#include "velero/restore_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"
#include "base/quantity.h"
#include "velero/collector.h"
#include "velero/item_graph.h"
#include "velero/selection.h"

namespace breakwater::velero {
namespace {

using backupstore::Archive;
using backupstore::ItemKey;
using kube::Object;

constexpr std::string_view kNeverRestored[] = {"nodes",
                                               "events",
                                               "events.events.k8s.io",
                                               "backups.velero.io",
                                               "restores.velero.io",
                                               "backuprepositories.velero.io",
                                               "datauploads.velero.io",
                                               "datadownloads.velero.io",
                                               "volumesnapshotbackups.datamover.oadp.openshift.io",
                                               "volumesnapshotrestores.datamover.oadp.openshift.io",
                                               "deletebackuprequests.velero.io",
                                               "csinodes.storage.k8s.io",
                                               "volumeattachments.storage.k8s.io",
                                               "persistentvolumes",
                                               "volumesnapshots.snapshot.storage.k8s.io",
                                               "volumesnapshotcontents.snapshot.storage.k8s.io",
                                               "namespaces",
                                               "endpoints",
                                               "endpointslices.discovery.k8s.io",
                                               "leases.coordination.k8s.io"};

constexpr std::string_view kOrder[] = {"customresourcedefinitions.apiextensions.k8s.io",
                                       "storageclasses.storage.k8s.io",
                                       "volumesnapshotclasses.snapshot.storage.k8s.io",
                                       "persistentvolumeclaims",
                                       "clusterroles.rbac.authorization.k8s.io",
                                       "roles.rbac.authorization.k8s.io",
                                       "serviceaccounts",
                                       "clusterrolebindings.rbac.authorization.k8s.io",
                                       "rolebindings.rbac.authorization.k8s.io",
                                       "secrets",
                                       "configmaps",
                                       "limitranges",
                                       "pods",
                                       "replicasets.apps",
                                       "services"};

bool left_out(const Object& object) {
  for (const Json& owner : object.metadata()["ownerReferences"].items())
    if (object.is(api::kVirtualMachineInstance) && owner["kind"].as_string() == "VirtualMachine")
      return true;
  if (object.is(api::kPod)) {
    const std::string& role = object.label("kubevirt.io");
    return role == "virt-launcher" || role == "hotplug-disk" || object.phase() == "Succeeded" ||
           object.phase() == "Failed";
  }
  if (object.is(api::kConfigMap))
    return object.name() == "kube-root-ca.crt" || object.name() == "openshift-service-ca.crt";
  if (object.is(api::kSecret))
    return object["type"].as_string() == "kubernetes.io/service-account-token";
  return false;
}

class Planner {
 public:
  Planner(const Object& restore, const Object& backup, const Archive& archive)
      : restore_(restore), backup_(backup), archive_(archive) {
    std::vector<std::string> errors;  // found when the Restore was validated
    selection_ = Selection::parse(restore.spec(), errors);
  }

  RestorePlan plan() {
    for (const auto& [key, json] : archive_.items())
      if (is_selected(key, Object(json))) add(key);
    while (!queue_.empty()) {
      Object object = std::move(queue_.front());
      queue_.pop_front();
      follow(object);
    }
    find_data();
    drop_machines_without_data();
    for (auto& [key, item] : items_) result_.items.push_back(std::move(item));
    std::ranges::stable_sort(result_.items, {}, [](const RestoreItem& item) {
      return std::pair(restore_priority(item.source.group_resource), item.source);
    });
    return std::move(result_);
  }

 private:
  bool can_restore(const ItemKey& key, const Object& object) const {
    return std::ranges::find(kNeverRestored, key.group_resource) == std::end(kNeverRestored) &&
           !left_out(object);
  }

  bool is_selected(const ItemKey& key, const Object& object) const {
    if (key.ns.empty()) {
      // Nothing of the cluster as a whole comes along unless asked for.
      if (selection_.cluster_resources() != true) return false;
    } else if (!selection_.allows_namespace(key.ns)) {
      return false;
    }
    return allows_kind(key) && selection_.matches_labels(object);
  }

  bool allows_kind(const ItemKey& key) const {
    size_t dot = key.group_resource.find('.');
    std::string_view plural = std::string_view(key.group_resource).substr(0, dot);
    std::string_view group = dot == std::string::npos
                                 ? std::string_view()
                                 : std::string_view(key.group_resource).substr(dot + 1);
    const Json* object = archive_.find(key);
    return selection_.allows_kind(
        {group, "", (*object)["kind"].as_string(), plural, !key.ns.empty()});
  }

  void add(const ItemKey& key) {
    const Json* json = archive_.find(key);
    if (json == nullptr || items_.contains(key)) return;
    Object object(*json);
    if (!can_restore(key, object)) return;
    RestoreItem item{key, object, {target_namespace(restore_, key.ns), key.name}, {}};
    items_.emplace(key, std::move(item));
    queue_.push_back(std::move(object));
  }

  void follow(const Object& from) {
    for (const Related& related : related_items(from)) {
      ItemKey key = item_key(related.kind, related.key);
      const Json* json = archive_.find(key);
      if (json == nullptr) {
        if (related.need == Need::kData) missing_.insert(key);
        continue;
      }
      if (!key.ns.empty() && !selection_.allows_namespace(key.ns)) continue;
      if (allows_kind(key)) add(key);
    }
  }

  void find_data() {
    for (auto& [key, item] : items_) {
      if (key.group_resource != api::kPersistentVolumeClaim.group_resource()) continue;
      if (std::string why = find_data(item); !why.empty()) {
        result_.findings.error(item.target.ns,
                               fmt::format("PersistentVolumeClaim {}: {}: it is not restored",
                                           item.target.to_string(), why));
        missing_.insert(key);
      }
    }
    for (const ItemKey& key : missing_) items_.erase(key);
  }

  // "" and item.data set, or why there is no data.
  std::string find_data(RestoreItem& item) {
    const Object& claim = item.saved;
    if (restore_.spec()["restorePVs"].is_bool() && !restore_.spec()["restorePVs"].as_bool()) {
      result_.findings.warning(item.target.ns,
                               fmt::format("PersistentVolumeClaim {} is restored without its data: "
                                           "spec.restorePVs is false",
                                           item.target.to_string()));
      return "";
    }
    if (const std::string& upload = claim.annotation(api::kDataUploadNameAnnotation);
        !upload.empty())
      return find_upload(upload, item.data);
    if (const Json* vsb = find_snapshot_backup(claim)) return use_snapshot_backup(*vsb, item.data);
    const std::string& snapshot = claim.annotation(api::kVolumeSnapshotNameLabel);
    if (!snapshot.empty() && was_moved_by_snapshot_backup())
      return "its VolumeSnapshotBackup is not in the backup";
    if (!snapshot.empty()) return find_snapshot({claim.ns(), snapshot}, item.data);
    bool never_bound = claim.spec()["volumeName"].as_string().empty();
    bool without_data =
        backup_.spec()["snapshotVolumes"].is_bool() && !backup_.spec()["snapshotVolumes"].as_bool();
    if (never_bound) return "";
    if (!without_data) return "the backup holds no data of it";
    result_.findings.warning(
        item.target.ns, fmt::format("PersistentVolumeClaim {} is restored without its data: the "
                                    "backup was made with snapshotVolumes false",
                                    item.target.to_string()));
    return "";
  }

  std::string find_upload(const std::string& name, DataSource& data) const {
    size_t slash = name.find('/');
    kube::Key key{name.substr(0, slash), slash == std::string::npos ? "" : name.substr(slash + 1)};
    const Json* json = archive_.find(item_key(api::kDataUpload, key));
    if (json == nullptr) return fmt::format("DataUpload {} is not in the backup", name);
    const Object upload(*json);
    if (upload.phase() != api::data_phase::kCompleted)
      return fmt::format("DataUpload {} ended {}: {}", name,
                         upload.phase().empty() ? "New" : upload.phase(),
                         upload.status()["message"].as_string());
    data.kind = DataSource::Kind::kMoved;
    data.snapshot_id = upload.status()["snapshotID"].as_string();
    data.datamover = upload.spec()["datamover"].as_string();
    data.size = upload.status()["progress"]["totalBytes"].as_int();
    if (data.snapshot_id.empty()) return fmt::format("DataUpload {} has no snapshotID", name);
    return "";
  }

  bool was_moved_by_snapshot_backup() const {
    return backup_.annotation(api::kMoveMethodAnnotation) == api::kVolumeSnapshotBackup.kind;
  }

  // The VolumeSnapshotBackup that saved a claim. The original's backups name claims, not uids, and
  // may hold those of earlier backups too.
  const Json* find_snapshot_backup(const Object& claim) const {
    const ItemKey first{api::kVolumeSnapshotBackup.group_resource(), claim.ns(), ""};
    const std::string ours = label_value(backup_.name());
    const Json* found = nullptr;
    for (auto at = archive_.items().lower_bound(first);
         at != archive_.items().end() && at->first.group_resource == first.group_resource &&
         at->first.ns == claim.ns();
         ++at) {
      const Object vsb(at->second);
      std::string name = vsb.annotation(api::kVsbPvcNameAnnotation);
      if (name.empty()) name = vsb.status()["sourcePVCData"]["name"].as_string();
      bool by_uid = !claim.uid().empty() && vsb.label(api::kPvcUidLabel) == claim.uid();
      if (name != claim.name() && !by_uid) continue;
      found = &at->second;
      if (vsb.label(api::kBackupNameLabel) == ours) break;
    }
    return found;
  }

  std::string use_snapshot_backup(const Json& json, DataSource& data) const {
    const Object vsb(json);
    data.repository = vsb.annotation(api::kVsbRepositoryAnnotation);
    // The original stores no phase; a repository is there when it is done.
    const std::string& phase = vsb.phase();
    if (data.repository.empty() || (!phase.empty() && phase != api::vsm_phase::kCompleted))
      return fmt::format("VolumeSnapshotBackup {} ended {}: {}", vsb.key().to_string(),
                         phase.empty() ? "New" : phase,
                         kube::find_condition(vsb, "Reconciled")["message"].as_string());
    data.kind = DataSource::Kind::kSnapshotBackup;
    data.vsb = vsb.name();
    data.claim_size = vsb.annotation(api::kVsbPvcSizeAnnotation);
    data.min_size = parse_quantity(data.claim_size).value_or(0);
    data.storage_class = vsb.annotation(api::kVsbStorageClassAnnotation);
    data.volume_mode = vsb.annotation(api::kVsbVolumeModeAnnotation);
    data.snapshot_class = vsb.annotation(api::kVsbSnapshotClassAnnotation);
    return "";
  }

  std::string find_snapshot(const kube::Key& key, DataSource& data) const {
    const Json* json = archive_.find(item_key(api::kVolumeSnapshot, key));
    if (json == nullptr)
      return fmt::format("VolumeSnapshot {} is not in the backup", key.to_string());
    const Object snapshot(*json);
    data.kind = DataSource::Kind::kSnapshot;
    data.handle = snapshot.annotation(api::kSnapshotHandleAnnotation);
    data.driver = snapshot.annotation(api::kCsiDriverAnnotation);
    data.min_size =
        parse_quantity(snapshot.annotation(api::kSnapshotRestoreSizeAnnotation)).value_or(0);
    if (data.handle.empty() || data.driver.empty())
      return fmt::format("VolumeSnapshot {} has no handle", key.to_string());
    return "";
  }

  void drop_machines_without_data() {
    std::vector<ItemKey> dropped;
    for (const auto& [key, item] : items_) {
      if (key.group_resource != api::kVirtualMachine.group_resource()) continue;
      for (const kube::Key& claim : data_claims(item.saved)) {
        if (!missing_.contains(item_key(api::kPersistentVolumeClaim, claim))) continue;
        result_.findings.error(
            item.target.ns,
            fmt::format("VirtualMachine {} is not restored: its PersistentVolumeClaim {} is not in "
                        "the backup or has no data there",
                        item.target.to_string(), claim.name));
        dropped.push_back(key);
        break;
      }
    }
    for (const ItemKey& key : dropped) items_.erase(key);
  }

  const Object& restore_;
  const Object& backup_;
  const Archive& archive_;
  Selection selection_;
  std::map<ItemKey, RestoreItem> items_;
  std::set<ItemKey> missing_;
  std::deque<Object> queue_;
  RestorePlan result_;
};

}  // namespace

int restore_priority(std::string_view group_resource) {
  const auto* found = std::ranges::find(kOrder, group_resource);
  return static_cast<int>(found - std::begin(kOrder));
}

std::string target_namespace(const Object& restore, const std::string& ns) {
  return restore.spec()["namespaceMapping"][ns].as_string_or(ns);
}

RestorePlan plan_restore(const Object& restore, const Object& backup, const Archive& archive) {
  return Planner(restore, backup, archive).plan();
}

}  // namespace breakwater::velero
