// The long steps of a Backup, run on the Operations pool: collecting items and writing to the
// bucket.
//
// Each may be repeated from the start after a crash; none depends on memory of an earlier process.
#pragma once

#include <memory>

#include "base/cancel.h"
#include "velero/backup_files.h"

namespace breakwater::velero {

// What is known of a running Backup until its files are written. Lost with the process: it is
// collected again then.
struct BackupWork {
  backupstore::Archive items;
  Findings findings;
  VolumePlan plan;
};

// Claims the Backup's name in its location, then finds items and volumes. kAlreadyExists: another
// Backup has the name there.
Result<> collect_backup(const Context& context, const kube::Object& backup, BackupWork& work,
                        const CancelToken& cancel);

// Writes all files of the Backup. Returns its next status: waiting for data movement, or finalizing
// if there is none; velero-backup.json is written with it, last.
Result<Json> upload_backup(const Context& context, const kube::Object& backup,
                           const BackupWork& work, std::vector<SavedVolume> volumes);

// Takes in what became of the data moves, rewrites the files, and writes velero-backup.json with
// the final status. Returns that status. If the file already has a final status (of an earlier try
// that died before the cluster knew), that one is returned and nothing is written.
Result<Json> finalize_backup(const Context& context, const kube::Object& backup, Duration timeout);

}  // namespace breakwater::velero
