// Turns a saved object into the one that is created. Pure.
#pragma once

#include "velero/restore_plan.h"

namespace breakwater::velero {

// Removes what belonged to the old object (uid, resourceVersion, times, owners, status, …), sets
// the target namespace and the labels velero.io/backup-name, restore-name and restore-uid, and per
// kind what tied it to the old place: a claim's volume, bind annotations and data source (a moved
// claim gets the selector velero.io/dynamic-pv-restore instead), a Service's addresses, a Pod's
// node. A VirtualMachine follows the Restore's labels velero.kubevirt.io/restore-run-strategy,
// clear-mac-address and generate-new-firmware-uuid.
kube::Object restored_object(const kube::Object& restore, const std::string& backup_name,
                             const RestoreItem& item);

// The VolumeSnapshot (and VolumeSnapshotContent, of the same name) by which a claim takes up a
// snapshot: one that stayed in the cluster, or one of what a VolumeSnapshotRestore restored.
// `claim` is the restored one.
std::string restored_snapshot_name(const kube::Object& restore, const kube::Key& claim);

// Whether `object` was created by this Restore.
bool is_restored_by(const kube::Object& object, const kube::Object& restore);

}  // namespace breakwater::velero
