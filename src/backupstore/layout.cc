#include "backupstore/layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace breakwater::backupstore {
namespace {

std::string_view suffix(BackupFile file) {
  switch (file) {
    case BackupFile::kMetadata:
      return "";
    case BackupFile::kContents:
      return ".tar.gz";
    case BackupFile::kLogs:
      return "-logs.gz";
    case BackupFile::kResourceList:
      return "-resource-list.json.gz";
    case BackupFile::kItemOperations:
      return "-itemoperations.json.gz";
    case BackupFile::kVolumeInfo:
      return "-volumeinfo.json.gz";
    case BackupFile::kResults:
      return "-results.gz";
    case BackupFile::kPodVolumeBackups:
      return "-podvolumebackups.json.gz";
    case BackupFile::kVolumeSnapshots:
      return "-volumesnapshots.json.gz";
  }
  return "";
}

}  // namespace

std::string backup_directory(std::string_view name) { return fmt::format("backups/{}/", name); }
std::string restore_directory(std::string_view name) { return fmt::format("restores/{}/", name); }

std::string backup_key(std::string_view name, BackupFile file) {
  if (file == BackupFile::kMetadata) return backup_directory(name) + "velero-backup.json";
  return fmt::format("backups/{0}/{0}{1}", name, suffix(file));
}

std::string restore_key(std::string_view name, RestoreFile file) {
  switch (file) {
    case RestoreFile::kLogs:
      return fmt::format("restores/{0}/restore-{0}-logs.gz", name);
    case RestoreFile::kResults:
      return fmt::format("restores/{0}/restore-{0}-results.gz", name);
    case RestoreFile::kResourceList:
      return fmt::format("restores/{0}/restore-{0}-resource-list.json.gz", name);
    case RestoreFile::kItemOperations:
      return fmt::format("restores/{0}/restore-{0}-itemoperations.json.gz", name);
    case RestoreFile::kVolumeInfo:
      return fmt::format("restores/{0}/{0}-volumeinfo.json.gz", name);
  }
  return "";
}

bool is_known_top_level(std::string_view folder) {
  constexpr std::string_view kKnown[] = {"backups",  "restores", "restic",
                                         "metadata", "plugins",  "kopia"};
  return std::ranges::find(kKnown, folder) != std::end(kKnown);
}

}  // namespace breakwater::backupstore
