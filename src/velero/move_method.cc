#include "velero/move_method.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "velero/names.h"

namespace breakwater::velero {
namespace {

constexpr std::string_view kNames[] = {"None", "DataUpload", "VolumeSnapshotBackup"};

}  // namespace

Result<MoveMethod> choose_move_method(const Context& context, const kube::Object& backup) {
  if (backup.spec()["snapshotMoveData"].as_bool(context.settings.snapshot_move_data))
    return MoveMethod::kDataUpload;
  auto applications =
      TRY(context.services.reader.list(api::kDataProtectionApplication, context.settings.ns));
  bool enabled = std::ranges::any_of(applications, [](const kube::Object& dpa) {
    return dpa.spec()["features"]["dataMover"]["enable"].as_bool();
  });
  return enabled ? MoveMethod::kSnapshotBackup : MoveMethod::kNone;
}

void note_move_method(kube::Object& backup, MoveMethod method) {
  backup.set_annotation(api::kMoveMethodAnnotation, kNames[static_cast<size_t>(method)]);
}

MoveMethod move_method(const Context& context, const kube::Object& backup) {
  const std::string& noted = backup.annotation(api::kMoveMethodAnnotation);
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (noted == kNames[i]) return static_cast<MoveMethod>(i);
  return backup.spec()["snapshotMoveData"].as_bool(context.settings.snapshot_move_data)
             ? MoveMethod::kDataUpload
             : MoveMethod::kNone;
}

const kube::Kind& kind_of(MoveMethod method) {
  return method == MoveMethod::kSnapshotBackup ? api::kVolumeSnapshotBackup : api::kDataUpload;
}

std::string namespace_of(MoveMethod method, const kube::Object& backup) {
  return method == MoveMethod::kSnapshotBackup ? "" : backup.ns();
}

kube::Key move_key(MoveMethod method, const kube::Object& backup, const kube::Key& pvc,
                   std::string_view pvc_uid) {
  if (method == MoveMethod::kSnapshotBackup)
    return {pvc.ns, snapshot_backup_name(backup.uid(), pvc_uid)};
  return {backup.ns(), data_upload_name(backup.name(), backup.uid(), pvc_uid)};
}

}  // namespace breakwater::velero
