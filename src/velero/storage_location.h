// The BackupStorageLocation controller: can the bucket be used, and does it hold nothing foreign?
//
// Looks every minute (spec.validationFrequency; "0s" turns it off) and writes status.phase
// Available or Unavailable, status.message and status.lastValidationTime. The look itself is an
// Operation.
#pragma once

#include "kube/controller.h"
#include "velero/context.h"

namespace breakwater::velero {

inline constexpr char kStorageLocationController[] = "backup-storage-location";

kube::ControllerSpec make_storage_location_controller(ContextPtr context);

}  // namespace breakwater::velero
