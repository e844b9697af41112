// The backup-sync controller: what other clusters, or we in an earlier life, left in a location
// becomes known here.
//
// Every location (ReadOnly ones too) that is Available is listed every spec.backupSyncPeriod ("0s"
// turns it off). A finished backup that the cluster does not know becomes a Backup object, as it
// was stored: labels, annotations, spec and status, with spec.storageLocation and the label
// velero.io/storage-location naming the location as it is called here, without owners. It is there
// to be restored from: nothing runs it, counts it for a Schedule or overwrites it.
//
// A Completed or PartiallyFailed Backup of the location whose files are gone loses its object, as
// Velero does, unless most of the location's go at once: then they stay, and one warning Event asks
// whether it is still the same place. Never is anything in the bucket touched. Where the name is
// taken in the cluster by one of another location, that stays, and the found one is called
// "<name>-<location>" here, with its own name in the annotation breakwater.dev/stored-name
// (clusters with the same cron give their Backups the same names). One warning Event on the
// location says so.
//
// The listing is an Operation. status.lastSyncedTime says when it last succeeded.
#pragma once

#include "kube/controller.h"
#include "velero/context.h"

namespace breakwater::velero {

inline constexpr char kBackupSyncController[] = "backup-sync";

kube::ControllerSpec make_backup_sync_controller(ContextPtr context);

// The object in `ns` for what velero-backup.json of the folder `name` holds, called `shown`.
// kInvalid if it is no Backup of that name. Pure.
Result<kube::Object> synced_backup(const Json& stored, const std::string& name,
                                   const std::string& ns, const std::string& location,
                                   const std::string& shown);

}  // namespace breakwater::velero
