#include "backupstore/backup_store.h"

#include "backupstore/gzip.h"

namespace breakwater::backupstore {
namespace {

const std::string& name_of(const Json& backup) { return backup["metadata"]["name"].as_string(); }

// Stores indent nothing; people who look at the file want lines.
std::string metadata_text(const Json& backup) { return to_json(backup, 2) + "\n"; }

}  // namespace

Result<std::vector<std::string>> BackupStore::list_folders() {
  constexpr std::string_view kTop = "backups/";
  std::vector<std::string> names;
  auto listing = TRY(while_doing(store_.list(std::string(kTop), true), "listing backups"));
  for (const std::string& folder : listing.prefixes)
    names.push_back(folder.substr(kTop.size(), folder.size() - kTop.size() - 1));
  return names;
}

Result<bool> BackupStore::has_backup(const std::string& name) {
  const std::string key = backup_key(name, BackupFile::kMetadata);
  auto head = store_.head(key);
  if (head) return true;
  if (head.error().is(Code::kNotFound)) return false;
  return while_doing(Result<bool>(tl::unexpected<Error>(head.error())), "looking for {}", key);
}

Result<std::vector<std::string>> BackupStore::list_backups() {
  std::vector<std::string> names;
  auto folders = TRY(list_folders());
  for (std::string& name : folders)
    if (TRY(has_backup(name))) names.push_back(std::move(name));
  return names;
}

Result<> BackupStore::check_layout() {
  auto listing = TRY(while_doing(store_.list("", true), "listing {}", store_.describe()));
  for (std::string_view folder : listing.prefixes) {
    folder.remove_suffix(1);
    if (!is_known_top_level(folder))
      return fail(
          Code::kUnavailable,
          "{} holds the folder \"{}\", which does not belong there: give backups a prefix of "
          "their own",
          store_.describe(), folder);
  }
  return {};
}

Result<> BackupStore::claim_backup(const Json& backup) {
  const std::string key = backup_key(name_of(backup), BackupFile::kMetadata);
  auto put = store_.put_new(key, as_bytes(metadata_text(backup)));
  if (put || !put.error().is(Code::kAlreadyExists))
    return while_doing(std::move(put), "claiming {}", key);
  const Json there = TRY(get_backup(name_of(backup)));
  const std::string& uid = there["metadata"]["uid"].as_string();
  if (!uid.empty() && uid == backup["metadata"]["uid"].as_string()) return {};
  return fail(Code::kAlreadyExists, "backup {} already exists in {}", name_of(backup),
              store_.describe());
}

Result<> BackupStore::put_backup(const Json& backup) {
  const std::string key = backup_key(name_of(backup), BackupFile::kMetadata);
  return while_doing(store_.put(key, as_bytes(metadata_text(backup))), "writing {}", key);
}

Result<Json> BackupStore::get_backup(const std::string& name) {
  const std::string key = backup_key(name, BackupFile::kMetadata);
  Bytes bytes = TRY(while_doing(store_.get(key), "reading {}", key));
  auto backup = parse_json(as_text(bytes));
  if (!backup || !backup->is_object()) return fail(Code::kCorrupt, "{} is no JSON object", key);
  return *backup;
}

Result<> BackupStore::put_contents(const std::string& name, const Archive& archive, Time modified) {
  const std::string key = backup_key(name, BackupFile::kContents);
  return while_doing(store_.put(key, archive.pack(modified)), "writing {}", key);
}

Result<Archive> BackupStore::get_contents(const std::string& name) {
  const std::string key = backup_key(name, BackupFile::kContents);
  Bytes bytes = TRY(while_doing(store_.get(key), "reading {}", key));
  return while_doing(Archive::unpack(bytes), "unpacking {}", key);
}

Result<> BackupStore::put_packed(const std::string& key, std::string_view text) {
  return while_doing(store_.put(key, gzip(text)), "writing {}", key);
}

Result<Json> BackupStore::get_packed_json(const std::string& key) {
  Bytes bytes = TRY(while_doing(store_.get(key), "reading {}", key));
  std::string text = TRY(while_doing(gunzip(bytes), "unpacking {}", key));
  auto value = parse_json(text);
  if (!value) return fail(Code::kCorrupt, "{} is no JSON", key);
  return *value;
}

Result<> BackupStore::put_json(const std::string& name, BackupFile file, const Json& value) {
  return put_packed(backup_key(name, file), to_json(value));
}
Result<Json> BackupStore::get_json(const std::string& name, BackupFile file) {
  return get_packed_json(backup_key(name, file));
}
Result<> BackupStore::put_json(const std::string& restore, RestoreFile file, const Json& value) {
  return put_packed(restore_key(restore, file), to_json(value));
}
Result<Json> BackupStore::get_json(const std::string& restore, RestoreFile file) {
  return get_packed_json(restore_key(restore, file));
}
Result<> BackupStore::put_logs(const std::string& name, BackupFile file, std::string_view text) {
  return put_packed(backup_key(name, file), text);
}
Result<> BackupStore::put_logs(const std::string& restore, RestoreFile file,
                               std::string_view text) {
  return put_packed(restore_key(restore, file), text);
}

Result<> BackupStore::delete_backup(const std::string& name) {
  const std::string metadata = backup_key(name, BackupFile::kMetadata);
  auto listing = TRY(store_.list(backup_directory(name)));
  for (const auto& object : listing.objects)
    if (object.key != metadata)
      TRY(while_doing(store_.remove(object.key), "deleting {}", object.key));
  return while_doing(store_.remove(metadata), "deleting {}", metadata);
}

Result<> BackupStore::delete_restore(const std::string& name) {
  auto listing = TRY(store_.list(restore_directory(name)));
  for (const auto& object : listing.objects)
    TRY(while_doing(store_.remove(object.key), "deleting {}", object.key));
  return {};
}

}  // namespace breakwater::backupstore
