#include "velero/snapshot_restores.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"
#include "velero/names.h"
#include "velero/restore_item.h"
#include "velero/restore_operations.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using kube::Object;

// How a claim stands with its volume.
enum class ClaimState { kGone, kBound, kWaitsForUse, kPending };

kube::Key claim_of(const Object& vsr) {
  return {vsr.ns(),
          vsr.spec()["volumeSnapshotMoverBackupRef"]["sourcePVCData"]["name"].as_string()};
}

Result<bool> waits_for_first_use(kube::Client& client, const Object& claim) {
  if (!claim.annotation(api::kSelectedNodeAnnotation).empty()) return false;
  const std::string& name = claim.spec()["storageClassName"].as_string();
  auto found = client.get(api::kStorageClass, {"", name});
  if (!found && found.error().is(Code::kNotFound)) return false;
  const Object storage_class = TRY(std::move(found));
  return storage_class["volumeBindingMode"].as_string() == "WaitForFirstConsumer";
}

Result<ClaimState> claim_state(kube::Client& client, const Object& vsr) {
  auto found = client.get(api::kPersistentVolumeClaim, claim_of(vsr));
  if (!found && found.error().is(Code::kNotFound)) return ClaimState::kGone;
  const Object claim = TRY(std::move(found));
  if (claim.label(api::kRestoreUidLabel) != vsr.label(api::kRestoreUidLabel))
    return ClaimState::kGone;  // another one took its place
  if (!claim.spec()["volumeName"].as_string().empty()) return ClaimState::kBound;
  return TRY(waits_for_first_use(client, claim)) ? ClaimState::kWaitsForUse : ClaimState::kPending;
}

Result<> create_if_absent(kube::Client& client, const kube::Kind& kind, const Object& object) {
  auto created = client.create(kind, object);
  if (created || created.error().is(Code::kAlreadyExists)) return {};
  return while_doing(Result<>(tl::unexpected<Error>(created.error())), "creating {} {}", kind.kind,
                     object.name());
}

// The spec of the content in which the mover left the snapshot: it names the driver that knows the
// handle. Without it, the snapshot class does.
Result<Json> left_content(kube::Client& client, const Object& vsr) {
  const std::string& name = vsr.status()["volumeSnapshotContentName"].as_string();
  auto content = client.get(api::kVolumeSnapshotContent, {"", name});
  if (content) return content->spec();
  if (!content.error().is(Code::kNotFound)) return tl::unexpected<Error>(content.error());
  const std::string& class_name =
      vsr.spec()["volumeSnapshotMoverBackupRef"]["volumeSnapshotClassName"].as_string();
  const Object snapshot_class =
      TRY(while_doing(client.get(api::kVolumeSnapshotClass, {"", class_name}),
                      "looking for the driver of VolumeSnapshotRestore {}", vsr.key().to_string()));
  return Json::object({{"driver", snapshot_class["driver"]}});
}

// Deleting the VolumeSnapshot, or its namespace, takes the storage's snapshot along.
Result<> make_static_snapshot(kube::Client& client, const Object& restore, const Object& vsr) {
  const std::string name = restored_snapshot_name(restore, claim_of(vsr));
  auto there = client.get(api::kVolumeSnapshot, {vsr.ns(), name});
  if (there) return {};
  if (!there.error().is(Code::kNotFound)) return tl::unexpected<Error>(there.error());
  const Json left = TRY(left_content(client, vsr));
  Object content = Object::make(api::kVolumeSnapshotContent, {"", name});
  Object snapshot = Object::make(api::kVolumeSnapshot, {vsr.ns(), name});
  for (Object* object : {&content, &snapshot}) {
    object->set_label(api::kRestoreNameLabel, label_value(restore.name()));
    object->set_label(api::kRestoreUidLabel, restore.uid());
    object->set_label(api::kManagedByLabel, api::kManagedBy);
  }
  Json spec = Json::object(
      {{"deletionPolicy", "Delete"},
       {"driver", left["driver"]},
       {"source", Json::object({{"snapshotHandle", vsr.status()["snapshotHandle"]}})},
       {"volumeSnapshotRef", Json::object({{"apiVersion", api::kVolumeSnapshot.api_version()},
                                           {"kind", api::kVolumeSnapshot.kind},
                                           {"namespace", vsr.ns()},
                                           {"name", name}})}});
  for (const char* field : {"volumeSnapshotClassName", "sourceVolumeMode"})
    if (!left[field].is_null()) spec.set(field, left[field]);
  content.set({"spec"}, std::move(spec));
  TRY(create_if_absent(client, api::kVolumeSnapshotContent, content));
  snapshot.set({"spec", "source", "volumeSnapshotContentName"}, name);
  return create_if_absent(client, api::kVolumeSnapshot, snapshot);
}

// The mover's content goes without the storage's snapshot, which ours holds by then (or nobody
// needs, with `and_snapshot`).
Result<> remove_left_content(kube::Client& client, const Object& vsr, bool and_snapshot) {
  const std::string& name = vsr.status()["volumeSnapshotContentName"].as_string();
  if (name.empty()) return {};
  Json policy = Json::object(
      {{"spec", Json::object({{"deletionPolicy", and_snapshot ? "Delete" : "Retain"}})}});
  auto patched =
      client.patch(api::kVolumeSnapshotContent, {"", name}, kube::PatchType::kMerge, policy);
  if (!patched && patched.error().is(Code::kNotFound)) return {};
  if (!patched) return tl::unexpected<Error>(patched.error());
  return kube::remove_if_exists(client, api::kVolumeSnapshotContent, {"", name});
}

Result<> release(kube::Client& client, const Object& restore, const Object& vsr) {
  const std::string name = restored_snapshot_name(restore, claim_of(vsr));
  auto snapshot = client.get(api::kVolumeSnapshot, {vsr.ns(), name});
  if (!snapshot && !snapshot.error().is(Code::kNotFound))
    return tl::unexpected<Error>(snapshot.error());
  TRY(remove_left_content(client, vsr, !snapshot));
  return kube::remove_if_exists(client, api::kVolumeSnapshot, {vsr.ns(), name});
}

// Whether a restored claim still has to be made of this snapshot.
Result<bool> is_waited_for(kube::Client& client, const Object& restore, const Object& snapshot) {
  auto claims = TRY(client.list(api::kPersistentVolumeClaim, snapshot.ns(), of_restore(restore)));
  return std::ranges::any_of(claims, [&](const Object& claim) {
    return claim.spec()["dataSource"]["name"].as_string() == snapshot.name() &&
           claim.spec()["volumeName"].as_string().empty();
  });
}

// The Backup's own content keeps the storage's snapshot; ours was one more way to it.
Result<> release_kept(kube::Client& client, const Object& snapshot) {
  TRY(kube::remove_if_exists(client, api::kVolumeSnapshotContent, {"", snapshot.name()}));
  return kube::remove_if_exists(client, api::kVolumeSnapshot, snapshot.key());
}

// How a VSR and what follows it stand.
Result<MoveState> advance(const Context& context, const Object& restore, const Object& vsr,
                          Duration timeout) {
  const Time now = context.services.clock.now();
  MoveState state = move_state(vsr, now, timeout);
  if (state != MoveState::kCompleted) return state;
  if (vsr.status()["snapshotHandle"].as_string().empty()) return MoveState::kFailed;
  kube::Client& client = context.services.client;
  ClaimState claim = TRY(claim_state(client, vsr));
  if (claim == ClaimState::kGone || claim == ClaimState::kBound) return MoveState::kCompleted;
  auto made = make_static_snapshot(client, restore, vsr);
  if (!made && is_transient(made.error())) return tl::unexpected<Error>(made.error());
  if (made) TRY(remove_left_content(client, vsr, false));
  if (!made)
    context.services.log.warning(
        "no snapshot for a restored claim",
        {{"restore", restore.name()}, {"error", made.error().to_string()}});
  if (claim == ClaimState::kWaitsForUse) return MoveState::kCompleted;
  return now - vsr.created() > timeout ? MoveState::kOverdue : MoveState::kRunning;
}

}  // namespace

Object make_snapshot_restore(const Context& context, const Object& restore,
                             const std::string& backup_name, const RestoreItem& item) {
  Object vsr =
      Object::make(api::kVolumeSnapshotRestore,
                   {item.target.ns, snapshot_restore_name(restore.uid(), item.target.to_string())});
  vsr.set_label(api::kRestoreNameLabel, label_value(restore.name()));
  vsr.set_label(api::kRestoreUidLabel, restore.uid());
  vsr.set_label(api::kBackupNameLabel, label_value(backup_name));
  vsr.set_label(api::kVsrPvcLabel, label_value(item.target.name));
  vsr.set_label(api::kVsrBackupLabel, label_value(item.data.vsb));
  vsr.set_label(api::kManagedByLabel, api::kManagedBy);
  Json claim = Json::object({{"name", item.target.name},
                             {"size", item.data.claim_size},
                             {"storageClassName", item.data.storage_class}});
  if (!item.data.volume_mode.empty()) claim.set("volumeMode", item.data.volume_mode);
  vsr.set({"spec"},
          Json::object(
              {{"protectedNamespace", context.settings.ns},
               {"resticSecretRef",
                Json::object(
                    {{"name", fmt::format("{}{}", restore.annotation(api::kStorageLocationLabel),
                                          api::kResticSecretSuffix)}})},
               {"volumeSnapshotMoverBackupRef",
                Json::object({{"sourcePVCData", std::move(claim)},
                              {"resticrepository", item.data.repository},
                              {"volumeSnapshotClassName", item.data.snapshot_class}})}}));
  return vsr;
}

Result<std::vector<Object>> snapshot_restores_of(kube::Reader& from, const Object& restore) {
  auto vsrs = from.list(api::kVolumeSnapshotRestore, "", of_restore(restore));
  if (!vsrs && vsrs.error().is(Code::kNotFound)) return std::vector<Object>();
  return vsrs;
}

Result<MoveSummary> watch_snapshot_restores(const Context& context, const Object& restore,
                                            const std::vector<Object>& vsrs, size_t expected,
                                            Duration timeout) {
  MoveSummary summary;
  for (const Object& vsr : vsrs) {
    switch (TRY(advance(context, restore, vsr, timeout))) {
      case MoveState::kRunning:
        ++summary.running;
        break;
      case MoveState::kCompleted:
        ++summary.completed;
        break;
      case MoveState::kFailed:
      case MoveState::kOverdue:
        ++summary.failed;
        break;
    }
  }
  if (vsrs.size() < expected) summary.failed += expected - vsrs.size();
  return summary;
}

Result<> add_claim_errors(const Context& context, const std::vector<Object>& vsrs, Duration timeout,
                          Findings& findings) {
  for (const Object& vsr : vsrs) {
    if (move_state(vsr, context.services.clock.now(), timeout) != MoveState::kCompleted) continue;
    if (TRY(claim_state(context.services.client, vsr)) != ClaimState::kPending) continue;
    findings.error(vsr.ns(),
                   fmt::format("PersistentVolumeClaim {}: no volume was made of the restored "
                               "snapshot within {}",
                               claim_of(vsr).to_string(), format_duration(timeout)));
  }
  return {};
}

Result<bool> release_restored_snapshots(const Context& context, const Object& restore) {
  kube::Client& client = context.services.client;
  auto vsrs = TRY(snapshot_restores_of(client, restore));
  bool all_gone = true;
  std::set<kube::Key> of_vsrs;
  for (const Object& vsr : vsrs) {
    of_vsrs.insert({vsr.ns(), restored_snapshot_name(restore, claim_of(vsr))});
    const ClaimState claim = TRY(claim_state(client, vsr));
    const bool done = has_ended(vsr) && (vsr.phase() != api::vsm_phase::kCompleted ||
                                         claim == ClaimState::kGone || claim == ClaimState::kBound);
    if (done) TRY(release(client, restore, vsr));
    all_gone = all_gone && done;
  }
  auto snapshots = TRY(client.list(api::kVolumeSnapshot, "", of_restore(restore)));
  for (const Object& snapshot : snapshots) {
    if (of_vsrs.contains(snapshot.key())) continue;
    if (TRY(is_waited_for(client, restore, snapshot))) {
      all_gone = false;
    } else {
      TRY(release_kept(client, snapshot));
    }
  }
  return all_gone;
}

}  // namespace breakwater::velero
