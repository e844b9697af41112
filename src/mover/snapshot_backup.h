// VolumeSnapshotBackup: one CSI snapshot of its own namespace into the repository of that
// namespace, with the fields and phases of the original Volume Snapshot Mover.
//
// The snapshot is the user's, or Velero's: it is read through a clone and not touched. When the
// object is Completed, status.resticrepository ends in "#<snapshot id>", and the annotations
// datamover.io/* say what the status does (a backup of the object saves no status). The namespace's
// repository is the one of DataUploads, so that all backups of a volume share their data.
//
// A VolumeSnapshotContent of another namespace is refused: whoever may create a
// VolumeSnapshotBackup would else read every volume of the cluster.
//
// Sources: volume-snapshot-mover.md 2–9; decisions.md, "Data mover".
#pragma once

#include <memory>

#include "mover/data_move.h"

namespace breakwater::mover {

std::unique_ptr<Direction> make_snapshot_backup_direction(const Settings& settings,
                                                          const Environment& environment);

}  // namespace breakwater::mover
