#include "velero/snapshot_backups.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "base/ids.h"
#include "velero/data_moves.h"
#include "velero/move_method.h"
#include "velero/names.h"

namespace breakwater::velero {

using kube::Object;

namespace {

const std::string& content_of(const Object& snapshot) {
  return snapshot.status()["boundVolumeSnapshotContentName"].as_string();
}

Result<> release(kube::Client& client, const Object& snapshot) {
  if (const std::string& content = content_of(snapshot); !content.empty()) {
    Json policy = Json::object({{"spec", Json::object({{"deletionPolicy", "Delete"}})}});
    auto patched =
        client.patch(api::kVolumeSnapshotContent, {"", content}, kube::PatchType::kMerge, policy);
    if (!patched && !patched.error().is(Code::kNotFound))
      return tl::unexpected<Error>(patched.error());
  }
  kube::DeleteOptions only_this;
  only_this.uid = snapshot.uid();
  return kube::remove_if_exists(client, api::kVolumeSnapshot, snapshot.key(), only_this);
}

}  // namespace

Result<> create_snapshot_backup(const Context& context, const Object& backup, const Volume& volume,
                                const Object& snapshot) {
  Object vsb =
      Object::make(api::kVolumeSnapshotBackup,
                   move_key(MoveMethod::kSnapshotBackup, backup, volume.pvc, volume.pvc_uid));
  set_backup_labels(vsb, backup);
  vsb.set_label(api::kVsbContentLabel, label_value(content_of(snapshot)));
  vsb.set_label(api::kPvcUidLabel, volume.pvc_uid);
  vsb.set_label(api::kManagedByLabel, api::kManagedBy);
  vsb.set({"spec", "volumeSnapshotContent", "name"}, content_of(snapshot));
  vsb.set({"spec", "protectedNamespace"}, context.settings.ns);
  vsb.set(
      {"spec", "resticSecretRef", "name"},
      fmt::format("{}{}", backup.spec()["storageLocation"].as_string(), api::kResticSecretSuffix));
  auto created = context.services.client.create(api::kVolumeSnapshotBackup, vsb);
  if (created || created.error().is(Code::kAlreadyExists)) return {};
  return while_doing(Result<>(tl::unexpected<Error>(created.error())),
                     "creating VolumeSnapshotBackup {}", vsb.key().to_string());
}

Object stored_snapshot_backup(const Object& vsb) {
  Object stored = vsb;
  const Json& status = vsb.status();
  const Json& claim = status["sourcePVCData"];
  const std::pair<std::string_view, const Json&> facts[] = {
      {api::kVsbRepositoryAnnotation, status["resticrepository"]},
      {api::kVsbPvcNameAnnotation, claim["name"]},
      {api::kVsbPvcSizeAnnotation, claim["size"]},
      {api::kVsbStorageClassAnnotation, claim["storageClassName"]},
      {api::kVsbVolumeModeAnnotation, claim["volumeMode"]},
      {api::kVsbSnapshotClassAnnotation, status["volumeSnapshotClassName"]}};
  for (const auto& [name, value] : facts)
    if (!value.as_string().empty()) stored.set_annotation(name, value.as_string());
  return stored;
}

Result<bool> is_being_moved(const Context& context, const Object& snapshot) {
  const std::string& uid = snapshot.label(api::kBackupUidLabel);
  auto vsbs = context.services.client.list(api::kVolumeSnapshotBackup, snapshot.ns(),
                                           kube::LabelSelector::equals(api::kBackupUidLabel, uid));
  if (!vsbs && vsbs.error().is(Code::kNotFound)) return false;  // the kind is not served
  const std::vector<Object> movers = TRY(std::move(vsbs));
  for (const Object& vsb : movers)
    if (vsb.spec()["volumeSnapshotContent"]["name"].as_string() == content_of(snapshot) &&
        !has_ended(vsb))
      return true;
  return false;
}

Result<bool> release_snapshots(const Context& context, const Object& backup) {
  kube::Client& client = context.services.client;
  auto snapshots = TRY(client.list(api::kVolumeSnapshot, "", of_backup(backup)));
  bool all_gone = true;
  for (const Object& snapshot : snapshots) {
    if (snapshot.annotation(kTransientSnapshot) != backup.key().to_string()) continue;
    if (TRY(is_being_moved(context, snapshot))) {
      all_gone = false;
    } else {
      TRY(release(client, snapshot));
    }
  }
  return all_gone;
}

}  // namespace breakwater::velero
