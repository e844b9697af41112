// One location's backups and restores: claim, write, read, list, delete.
//
// A BackupStore is a thin view on an object store that is already rooted at the location's prefix
// (blob/store_factory.h). It borrows the store and keeps no state of its own; thread-safe as the
// store is. Errors of the store pass through with "while …" context.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backupstore/archive.h"
#include "backupstore/layout.h"
#include "base/json.h"
#include "blob/object_store.h"

namespace breakwater::backupstore {

class BackupStore {
 public:
  // `store` outlives this.
  explicit BackupStore(blob::ObjectStore& store) : store_(store) {}

  // Names of all backups in the location: the folders below backups/ that hold a
  // velero-backup.json.
  Result<std::vector<std::string>> list_backups();
  // The names of the folders below backups/, whether or not there is a backup in them yet: one
  // listing, whole or an error.
  Result<std::vector<std::string>> list_folders();
  // Whether the backup exists: its velero-backup.json does.
  Result<bool> has_backup(const std::string& name);
  // kUnavailable, naming the folder, if something at the top level would make a Velero refuse the
  // location; errors of the store if it cannot be listed.
  Result<> check_layout();

  // Creates velero-backup.json. If it exists with the same metadata.uid it is our own from an
  // earlier try, which is success; of another Backup: kAlreadyExists, nothing is changed.
  Result<> claim_backup(const Json& backup);
  // Replaces velero-backup.json.
  Result<> put_backup(const Json& backup);
  Result<Json> get_backup(const std::string& name);

  Result<> put_contents(const std::string& name, const Archive& archive, Time modified);
  Result<Archive> get_contents(const std::string& name);

  // One of the gzipped JSON files.
  Result<> put_json(const std::string& name, BackupFile file, const Json& value);
  Result<Json> get_json(const std::string& name, BackupFile file);
  Result<> put_json(const std::string& restore, RestoreFile file, const Json& value);
  Result<Json> get_json(const std::string& restore, RestoreFile file);
  // Log lines, each ended by a newline.
  Result<> put_logs(const std::string& name, BackupFile file, std::string_view text);
  Result<> put_logs(const std::string& restore, RestoreFile file, std::string_view text);

  // Removes every file, velero-backup.json last: a deletion that was interrupted can be repeated,
  // as the backup is listed until it is gone. Deleting what is not there is success.
  Result<> delete_backup(const std::string& name);
  Result<> delete_restore(const std::string& name);

 private:
  Result<> put_packed(const std::string& key, std::string_view text);
  Result<Json> get_packed_json(const std::string& key);
  blob::ObjectStore& store_;
};

}  // namespace breakwater::backupstore
