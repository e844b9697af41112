// The names of the files of one backup or restore in a bucket, as Velero 1.16 to 1.18 writes and
// reads them (reference: Velero's object store layout). Pure functions; keys are relative to the
// location's prefix.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace breakwater::backupstore {

// Files of one backup. All but kMetadata are gzipped; kContents is a tarball
// (backupstore/archive.h), kLogs is text, everything else JSON.
enum class BackupFile {
  kMetadata,          // velero-backup.json: the Backup object; the backup exists when this does
  kContents,          // <name>.tar.gz
  kLogs,              // <name>-logs.gz
  kResourceList,      // {"v1/PersistentVolumeClaim": ["ns/name", …]}
  kItemOperations,    // data movement
  kVolumeInfo,        // how each volume was saved
  kResults,           // {"warnings": …, "errors": …}
  kPodVolumeBackups,  // file-system backups: always an empty list here
  kVolumeSnapshots,   // native snapshots: always an empty list here
};
inline constexpr BackupFile kBackupFiles[] = {
    BackupFile::kMetadata,     BackupFile::kContents,         BackupFile::kLogs,
    BackupFile::kResourceList, BackupFile::kItemOperations,   BackupFile::kVolumeInfo,
    BackupFile::kResults,      BackupFile::kPodVolumeBackups, BackupFile::kVolumeSnapshots};

// Files of one restore.
enum class RestoreFile { kLogs, kResults, kResourceList, kItemOperations, kVolumeInfo };

// "backups/<name>/", "restores/<name>/".
std::string backup_directory(std::string_view name);
std::string restore_directory(std::string_view name);
// "backups/<name>/<name>-results.gz", …
std::string backup_key(std::string_view name, BackupFile file);
std::string restore_key(std::string_view name, RestoreFile file);

// Whether Velero's validation accepts a folder of this name ("backups", without '/') at the top of
// a location; any other makes the whole location unavailable to it.
bool is_known_top_level(std::string_view folder);

}  // namespace breakwater::backupstore
