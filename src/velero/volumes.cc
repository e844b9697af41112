#include "velero/volumes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"
#include "velero/move_method.h"
#include "velero/names.h"
#include "velero/snapshot_backups.h"

namespace breakwater::velero {
namespace {

// Errors that stay when the same is tried again.
bool is_final(const Error& error) {
  return error.is(Code::kInvalid) || error.is(Code::kForbidden) || error.is(Code::kNotFound);
}

kube::Object make_snapshot(const Context& context, const kube::Object& backup,
                           const Volume& volume) {
  kube::Object snapshot = kube::Object::make(
      api::kVolumeSnapshot,
      {volume.pvc.ns, snapshot_name(backup.uid(), volume.pvc.name, volume.pvc_uid)});
  set_backup_labels(snapshot, backup);
  snapshot.set_label(api::kManagedByLabel, api::kManagedBy);
  if (move_method(context, backup) != MoveMethod::kNone)
    snapshot.set_annotation(kTransientSnapshot, backup.key().to_string());
  snapshot.set({"spec", "volumeSnapshotClassName"}, volume.snapshot_class);
  snapshot.set({"spec", "source", "persistentVolumeClaimName"}, volume.pvc.name);
  return snapshot;
}

VolumeProgress progress_of(kube::Object snapshot, Time now, Duration timeout) {
  VolumeProgress progress;
  if (snapshot.status()["readyToUse"].as_bool() &&
      !snapshot.status()["boundVolumeSnapshotContentName"].as_string().empty()) {
    progress.state = VolumeProgress::State::kReady;
  } else if (now - snapshot.created() > timeout) {
    progress.state = VolumeProgress::State::kFailed;
    const std::string& why = snapshot.status()["error"]["message"].as_string();
    progress.error = fmt::format("VolumeSnapshot {} is not ready after {}{}{}", snapshot.name(),
                                 format_duration(timeout), why.empty() ? "" : ": ", why);
  }
  progress.snapshot = std::move(snapshot);
  return progress;
}

Result<VolumeProgress> start_snapshot(const Context& context, const kube::Object& backup,
                                      const Volume& volume, Duration timeout) {
  kube::Object wanted = make_snapshot(context, backup, volume);
  auto created = context.services.client.create(api::kVolumeSnapshot, wanted);
  if (!created && created.error().is(Code::kAlreadyExists))
    created = context.services.client.get(api::kVolumeSnapshot, wanted.key());
  if (created) return progress_of(std::move(*created), context.services.clock.now(), timeout);
  if (!is_final(created.error())) return tl::unexpected<Error>(created.error());
  VolumeProgress progress;
  progress.state = VolumeProgress::State::kFailed;
  progress.error = fmt::format("VolumeSnapshot {} cannot be created: {}", wanted.name(),
                               created.error().message());
  return progress;
}

// Live: a move that a stale cache does not show would get its snapshot cut a second time.
Result<std::set<kube::Key>> moves_under_way(const Context& context, const kube::Object& backup,
                                            MoveMethod method) {
  std::set<kube::Key> keys;
  if (method == MoveMethod::kNone) return keys;
  auto moves = TRY(context.services.client.list(kind_of(method), namespace_of(method, backup),
                                                of_backup(backup)));
  for (const kube::Object& move : moves) keys.insert(move.key());
  return keys;
}

Result<> create_data_upload(const Context& context, const kube::Object& backup,
                            const Volume& volume) {
  const EngineSettings& settings = context.settings;
  kube::Object upload = kube::Object::make(
      api::kDataUpload,
      {backup.ns(), data_upload_name(backup.name(), backup.uid(), volume.pvc_uid)});
  set_backup_labels(upload, backup);
  upload.set_label(api::kPvcUidLabel, volume.pvc_uid);
  upload.set_label(api::kAsyncOperationIdLabel,
                   label_value(operation_id("du", backup.uid(), volume.pvc_uid)));
  upload.add_owner(backup, true);
  upload.set(
      {"spec"},
      Json::object({{"snapshotType", "CSI"},
                    {"csiSnapshot",
                     Json::object({{"volumeSnapshot",
                                    snapshot_name(backup.uid(), volume.pvc.name, volume.pvc_uid)},
                                   {"storageClass", volume.storage_class},
                                   {"snapshotClass", volume.snapshot_class},
                                   {"driver", volume.driver}})},
                    {"sourcePVC", volume.pvc.name},
                    {"sourceNamespace", volume.pvc.ns},
                    {"datamover", backup.spec()["datamover"].as_string()},
                    {"backupStorageLocation", backup.spec()["storageLocation"].as_string()},
                    {"operationTimeout", backup.spec()["csiSnapshotTimeout"].as_string_or(
                                             settings.csi_snapshot_timeout)}}));
  if (backup.spec()["backupType"].as_string() == "Full")
    upload.set({"spec", "parentSnapshot"}, "none");
  upload.set({"status", "phase"}, api::data_phase::kNew);
  auto created = context.services.client.create(api::kDataUpload, upload);
  if (created || created.error().is(Code::kAlreadyExists)) return {};
  return while_doing(Result<>(tl::unexpected<Error>(created.error())), "creating DataUpload {}",
                     upload.name());
}

}  // namespace

void set_backup_labels(kube::Object& object, const kube::Object& backup) {
  object.set_label(api::kBackupNameLabel, label_value(backup.name()));
  object.set_label(api::kBackupUidLabel, backup.uid());
}

kube::LabelSelector of_backup(const kube::Object& backup) {
  return kube::LabelSelector::equals(api::kBackupUidLabel, backup.uid());
}

Result<std::vector<VolumeProgress>> advance_snapshots(const Context& context,
                                                      const kube::Object& backup,
                                                      const std::vector<Volume>& volumes,
                                                      Duration timeout) {
  const EngineServices& services = context.services;
  const MoveMethod method = move_method(context, backup);
  const std::set<kube::Key> moving = TRY(moves_under_way(context, backup, method));
  auto snapshots = TRY(services.reader.list(api::kVolumeSnapshot, "", of_backup(backup)));
  std::map<kube::Key, kube::Object> by_key;
  for (kube::Object& snapshot : snapshots) by_key[snapshot.key()] = std::move(snapshot);

  std::vector<VolumeProgress> result;
  for (const Volume& volume : volumes) {
    kube::Key key{volume.pvc.ns, snapshot_name(backup.uid(), volume.pvc.name, volume.pvc_uid)};
    auto known = by_key.find(key);
    VolumeProgress progress;
    if (method != MoveMethod::kNone &&
        moving.contains(move_key(method, backup, volume.pvc, volume.pvc_uid))) {
      progress.state = VolumeProgress::State::kMoving;
      if (known != by_key.end()) progress.snapshot = known->second;
    } else if (known != by_key.end()) {
      progress = progress_of(known->second, services.clock.now(), timeout);
    } else {
      progress = TRY(start_snapshot(context, backup, volume, timeout));
    }
    result.push_back(std::move(progress));
  }
  return result;
}

Result<> create_move(const Context& context, const kube::Object& backup, const Volume& volume,
                     const kube::Object& snapshot) {
  if (move_method(context, backup) == MoveMethod::kDataUpload)
    return create_data_upload(context, backup, volume);
  return create_snapshot_backup(context, backup, volume, snapshot);
}

Result<> retain_snapshot(const Context& context, const kube::Object& snapshot) {
  const std::string& content = snapshot.status()["boundVolumeSnapshotContentName"].as_string();
  Json patch = Json::object({{"spec", Json::object({{"deletionPolicy", "Retain"}})}});
  auto patched = context.services.client.patch(api::kVolumeSnapshotContent, {"", content},
                                               kube::PatchType::kMerge, patch);
  if (!patched) return tl::unexpected<Error>(patched.error());
  return {};
}

Result<> remove_unused_snapshots(const Context& context, const kube::Object& backup) {
  const MoveMethod method = move_method(context, backup);
  if (method == MoveMethod::kNone) return {};
  if (method == MoveMethod::kSnapshotBackup) {
    TRY(release_snapshots(context, backup));
    return {};
  }
  kube::Client& client = context.services.client;
  auto uploads = TRY(client.list(api::kDataUpload, backup.ns(), of_backup(backup)));
  std::set<kube::Key> taken;
  for (const kube::Object& upload : uploads)
    taken.insert({upload.spec()["sourceNamespace"].as_string(),
                  upload.spec()["csiSnapshot"]["volumeSnapshot"].as_string()});
  auto snapshots = TRY(client.list(api::kVolumeSnapshot, "", of_backup(backup)));
  for (const kube::Object& snapshot : snapshots) {
    if (taken.contains(snapshot.key())) continue;
    kube::DeleteOptions only_this;
    only_this.uid = snapshot.uid();
    TRY(kube::remove_if_exists(client, api::kVolumeSnapshot, snapshot.key(), only_this));
  }
  return {};
}

Result<> remove_orphaned_snapshots(const Context& context, const kube::Key& backup) {
  kube::Client& client = context.services.client;
  auto snapshots = TRY(context.services.reader.list(
      api::kVolumeSnapshot, "",
      kube::LabelSelector::equals(api::kBackupNameLabel, label_value(backup.name))));
  for (const kube::Object& snapshot : snapshots) {
    if (snapshot.annotation(kTransientSnapshot) != backup.to_string() || snapshot.is_deleting())
      continue;
    const std::string& uid = snapshot.label(api::kBackupUidLabel);
    auto owner = client.get(api::kBackup, backup);
    if (!owner && !owner.error().is(Code::kNotFound)) return tl::unexpected<Error>(owner.error());
    if (owner && owner->uid() == uid) continue;
    auto uploads = TRY(client.list(api::kDataUpload, backup.ns,
                                   kube::LabelSelector::equals(api::kBackupUidLabel, uid)));
    if (!uploads.empty()) continue;  // theirs; who moves data disposes of what it moved
    if (TRY(is_being_moved(context, snapshot))) continue;
    kube::DeleteOptions only_this;
    only_this.uid = snapshot.uid();
    TRY(kube::remove_if_exists(client, api::kVolumeSnapshot, snapshot.key(), only_this));
  }
  return {};
}

}  // namespace breakwater::velero
