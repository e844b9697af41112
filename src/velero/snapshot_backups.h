// VolumeSnapshotBackups (VSB): the original Volume Snapshot Mover's way of taking a Backup's
// snapshots off the cluster. One for each claim, in the claim's namespace; the mover's controller
// does the work and leaves the snapshot alone, so its end is ours.
#pragma once

#include "velero/context.h"
#include "velero/volumes.h"

namespace breakwater::velero {

// Creates the VSB of a volume whose `snapshot` is ready. One that exists is success.
Result<> create_snapshot_backup(const Context& context, const kube::Object& backup,
                                const Volume& volume, const kube::Object& snapshot);

// The VSB as it is stored in a backup: with the annotations datamover.io/* that say what its status
// says, since objects in a backup are restored without status.
kube::Object stored_snapshot_backup(const kube::Object& vsb);

// Whether a VSB that has not ended uses this VolumeSnapshot.
Result<bool> is_being_moved(const Context& context, const kube::Object& snapshot);

// Deletes the Backup's transient VolumeSnapshots that no VSB uses any more, and the storage's
// snapshots with them, whatever the deletion policy of their class. Returns whether none is left.
Result<bool> release_snapshots(const Context& context, const kube::Object& backup);

}  // namespace breakwater::velero
