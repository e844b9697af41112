// VolumeSnapshotRestore: one snapshot of a repository into a CSI snapshot, with the fields and
// phases of the original Volume Snapshot Mover.
//
// The data goes into a volume of its own in the engine's namespace; of that a snapshot is taken,
// and everything else is removed. When the object is Completed, status.snapshotHandle is the
// storage's snapshot and status.volumeSnapshotContentName a VolumeSnapshotContent (deletionPolicy
// Retain) that holds it. Both go with the object (restored_snapshot.h says when they do not).
//
// resticrepository "…#<id>" restores exactly that snapshot, without "#" the newest. It must lie in
// the location that resticSecretRef stands for, and be of the object's own namespace: a repository
// of another namespace or cluster, or one of the original mover, whose path names no application,
// is refused, unless the Restore that the object belongs to restores that namespace to this one.
//
// Sources: volume-snapshot-mover.md 2–9; decisions.md, "Data mover".
#pragma once

#include <memory>

#include "mover/data_move.h"

namespace breakwater::mover {

std::unique_ptr<Direction> make_snapshot_restore_direction(const Settings& settings,
                                                           const Environment& environment);

}  // namespace breakwater::mover
