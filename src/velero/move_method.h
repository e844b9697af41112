// Who takes a Backup's snapshots off the cluster (decisions.md, "Which mover"). Never two.
#pragma once

#include <string_view>

#include "kube/kind.h"
#include "kube/object.h"
#include "velero/context.h"

namespace breakwater::velero {

enum class MoveMethod {
  kNone,            // the CSI snapshots stay in the cluster
  kDataUpload,      // one DataUpload a claim, in the engine's namespace
  kSnapshotBackup,  // one VolumeSnapshotBackup a claim, in the claim's namespace
};

// As spec.snapshotMoveData of the Backup says; else kSnapshotBackup if a DataProtectionApplication
// of the engine's namespace has spec.features.dataMover.enable true; else kNone.
Result<MoveMethod> choose_move_method(const Context& context, const kube::Object& backup);

// What was chosen when the Backup started is noted on it, so that it does not change under way.
void note_move_method(kube::Object& backup, MoveMethod method);
MoveMethod move_method(const Context& context, const kube::Object& backup);

// What moves its data: VolumeSnapshotBackup or, otherwise, DataUpload.
const kube::Kind& kind_of(MoveMethod method);
// Where these lie: the Backup's namespace, or "" for all.
std::string namespace_of(MoveMethod method, const kube::Object& backup);
// What moves one claim; the name is derived.
kube::Key move_key(MoveMethod method, const kube::Object& backup, const kube::Key& pvc,
                   std::string_view pvc_uid);

}  // namespace breakwater::velero
