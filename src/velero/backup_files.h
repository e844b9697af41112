// The contents of a Backup's files in the bucket, built from objects. Pure; formats are Velero's
// (field names in Go's case where Velero has them so).
#pragma once

#include <string>
#include <vector>

#include "backupstore/archive.h"
#include "velero/data_moves.h"
#include "velero/findings.h"
#include "velero/move_method.h"
#include "velero/volumes.h"

namespace breakwater::velero {

// What is said about one volume once its snapshot is cut.
struct SavedVolume {
  Volume volume;
  VolumeProgress progress;
};

// Prepares the saved copies (never the cluster's objects) for restore: claims get the names of
// their VolumeSnapshot and DataUpload, DataVolumes that are done and their claims get CDI's
// "populated" annotations, so that nothing is imported again.
void annotate_items(backupstore::Archive& items, const kube::Object& backup, MoveMethod method,
                    const std::vector<SavedVolume>& volumes);

// {"v1/PersistentVolumeClaim": ["ns/name", …], "v1/Namespace": ["name"]}, sorted.
Json resource_list(const backupstore::Archive& items);

// The list of data movements as they start.
Json item_operations(const kube::Object& backup, MoveMethod method,
                     const std::vector<SavedVolume>& volumes, Time now);
// Brings each operation, of a backup or a restore, up to date with what moves its data; one whose
// move is gone has failed.
Json update_operations(const Json& operations, const std::vector<kube::Object>& moves, Time now,
                       Duration timeout);

// How each claim was saved or why not.
Json volume_infos(const kube::Object& backup, MoveMethod method,
                  const std::vector<SavedVolume>& volumes,
                  const std::vector<SkippedVolume>& skipped, Time now);
Json update_volume_infos(const Json& infos, const std::vector<kube::Object>& moves, Time now);

// One error for each failed operation, naming the claim and what moved its data.
void add_move_errors(const Json& operations, Findings& findings);

}  // namespace breakwater::velero
