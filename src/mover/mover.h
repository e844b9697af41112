// The data mover's controllers: DataUpload and DataDownload of one engine's namespace, and the
// VolumeSnapshotBackups and -Restores of all namespaces whose protectedNamespace it is, and the
// Secrets of its locations.
#pragma once

#include <vector>

#include "kube/controller.h"
#include "mover/settings.h"

namespace breakwater::mover {

// For one Runner, whose reader and client `environment` holds. The controllers keep copies of both
// arguments; what `environment` refers to outlives them. Only one process at a time may run them
// (kube/leader.h).
std::vector<kube::ControllerSpec> make_mover_controllers(Settings settings,
                                                         Environment environment);

}  // namespace breakwater::mover
