// The Restore controller: brings back what a Backup saved.
//
//   New ─► FailedValidation
//    └──► InProgress ─► WaitingForPluginOperations ─► Finalizing ─► Completed | PartiallyFailed
//              └──► Failed
//
// Nothing is written before everything was looked at: a Backup that is unknown or did not end well,
// a claim or machine that exists, a left-over snapshot content, a selection that matches nothing
// are validation errors. While something in its place is still being deleted, a Restore stays New,
// for a bounded time. Deleting a Restore removes its files from the bucket (finalizer), never what
// it restored.
#pragma once

#include "kube/controller.h"
#include "velero/context.h"

namespace breakwater::velero {

inline constexpr char kRestoreController[] = "restore";

kube::ControllerSpec make_restore_controller(ContextPtr context);

}  // namespace breakwater::velero
