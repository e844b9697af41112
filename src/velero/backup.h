// The Backup controller: from New to Completed, one phase at a time.
//
//   New ─► FailedValidation
//    └──► InProgress ─► WaitingForPluginOperations ─► Finalizing ─► Completed | PartiallyFailed
//              └──► Failed
//
// InProgress: claim the name in the bucket, collect items, cut all snapshots at once, start all
// DataUploads, write the files. Waiting: until every DataUpload has ended, or is overdue and
// cancelled. Finalizing: the files are rewritten with the outcome; velero-backup.json has its final
// phase before the cluster says so. Unlike Velero, a Backup that was interrupted goes on where it
// was.
#pragma once

#include <memory>

#include "kube/controller.h"
#include "velero/context.h"

namespace breakwater::velero {

inline constexpr char kBackupController[] = "backup";

kube::ControllerSpec make_backup_controller(ContextPtr context);

}  // namespace breakwater::velero
