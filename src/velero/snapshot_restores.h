// VolumeSnapshotRestores (VSR): how data that a VolumeSnapshotBackup saved comes back.
//
// The claim is created at once and waits for a VolumeSnapshot of a derived name. The mover's
// controller restores the data into a volume of its own, cuts a snapshot of that and says its
// handle; from this handle the VolumeSnapshot is made, as a static one. Once the claim is bound,
// the snapshot has served: it and everything else that was made on the way is removed, the VSR
// aside, which tells what happened.
#pragma once

#include <vector>

#include "velero/context.h"
#include "velero/data_moves.h"
#include "velero/restore_plan.h"

namespace breakwater::velero {

// The VSR of a claim.
kube::Object make_snapshot_restore(const Context& context, const kube::Object& restore,
                                   const std::string& backup_name, const RestoreItem& item);

// A Restore's VSRs; none where the kind is not served.
Result<std::vector<kube::Object>> snapshot_restores_of(kube::Reader& from,
                                                       const kube::Object& restore);

// Makes the snapshot of every VSR that is done and sums up how they stand: one counts as completed
// when its claim is bound to a volume, or will be when somebody uses it (WaitForFirstConsumer), or
// is gone. `expected` VSRs that are not there count as failed.
Result<MoveSummary> watch_snapshot_restores(const Context& context, const kube::Object& restore,
                                            const std::vector<kube::Object>& vsrs, size_t expected,
                                            Duration timeout);

// One error for each VSR that is done and whose claim did not get its volume in time.
Result<> add_claim_errors(const Context& context, const std::vector<kube::Object>& vsrs,
                          Duration timeout, Findings& findings);

// Removes the VolumeSnapshots that the Restore made for claims that need them no more: of VSRs with
// the storage's snapshot, of those that a Backup left in the cluster without it. Returns whether
// none is left.
Result<bool> release_restored_snapshots(const Context& context, const kube::Object& restore);

}  // namespace breakwater::velero
