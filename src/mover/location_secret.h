// The Secret `<location>-volsync-restic` of each BackupStorageLocation in the engine's namespace,
// as the original Volume Snapshot Mover had it: what a VolumeSnapshotBackup refers to, and what
// restic needs besides the namespace's path.
//
// It exists while a DataProtectionApplication enables the data mover, and goes with its location.
// It has RESTIC_PASSWORD (from the data mover's Secret, looked at every minute), RESTIC_REPOSITORY
// (the location's URL, with its prefix), the provider's credentials, RESTIC_CUSTOM_CA, and what the
// DataProtectionApplication says of retention and pruning. Without a password it is not made: who
// needs it says so. A Secret of that name that is somebody else's is not touched.
//
// Source: volume-snapshot-mover.md 6.
#pragma once

#include "kube/controller.h"
#include "mover/settings.h"

namespace breakwater::mover {

// Both outlive the controller.
kube::ControllerSpec make_location_secret_controller(const Settings& settings,
                                                     const Environment& environment);

}  // namespace breakwater::mover
