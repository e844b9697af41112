// The long steps of a Restore, run on the Operations pool: reading the archive, creating objects,
// writing to the bucket. Each may be repeated from the start after a crash.
#pragma once

#include "base/cancel.h"
#include "velero/context.h"
#include "velero/restore_plan.h"

namespace breakwater::velero {

// Looks at what the Restore would do and at what is in its way, and writes nothing. Returns
// {"errors": […], "wait": ""}: sentences that forbid the Restore (nothing selected; an existing
// PersistentVolumeClaim or VirtualMachine; a left-over VolumeSnapshotContent), or what to wait for
// (a namespace, claim or machine that is still being deleted).
Result<Json> check_restore(const Context& context, const kube::Object& restore);

// Creates namespaces, objects, DataDownloads and VolumeSnapshotRestores, and writes the Restore's
// files. What an earlier try of the same Restore created is taken as done. Returns the next status.
Result<Json> apply_restore(const Context& context, const kube::Object& restore,
                           const CancelToken& cancel);

// Takes in what became of the data moves and rewrites the files. Returns the final status.
Result<Json> finalize_restore(const Context& context, const kube::Object& restore,
                              Duration timeout);

// Removes the Restore's files. A location that is gone is success.
Result<> remove_restore_files(const Context& context, const kube::Object& restore);

// The labels by which a Restore's DataDownloads and VolumeSnapshotRestores are found.
kube::LabelSelector of_restore(const kube::Object& restore);

}  // namespace breakwater::velero
