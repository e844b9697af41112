#include "velero/restore_files.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "backupstore/gzip.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "velero/names.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using backupstore::BackupStore;
using backupstore::RestoreFile;
using kube::Object;

constexpr size_t kRoom = 900 * 1024;  // a ConfigMap may have 1 MiB
constexpr size_t kLongestResults = 400 * 1024;
constexpr size_t kLongestName = 253;

constexpr const char kResultsKey[] = "results.json";
// In the order in which they get room.
constexpr std::pair<RestoreFile, const char*> kPacked[] = {
    {RestoreFile::kItemOperations, "itemoperations.json.gz"},
    {RestoreFile::kVolumeInfo, "volumeinfo.json.gz"},
    {RestoreFile::kResourceList, "resource-list.json.gz"}};
constexpr const char kLogKey[] = "logs.gz";

bool is_read_only(const Object& location) {
  return location.spec()["accessMode"].as_string() == "ReadOnly";
}

std::string config_map_name(const Object& restore) {
  return derived_name(fmt::format("restore-{}", restore.name()), restore.uid(), kLongestName);
}

const char* packed_key(RestoreFile file) {
  for (const auto& [packed, key] : kPacked)
    if (packed == file) return key;
  return "";
}

std::string packed(std::string_view text) { return to_base64(backupstore::gzip(text)); }

// What a ConfigMap can hold of the results.
Json short_results(const Json& results) {
  if (to_json(results, 2).size() <= kLongestResults) return results;
  Findings all = Findings::from_json(results), counted;
  if (all.warnings() > 0)
    counted.warning("", fmt::format("{} warnings are too many to be kept here", all.warnings()));
  if (all.errors() > 0)
    counted.error("", fmt::format("{} errors are too many to be kept here", all.errors()));
  return counted.to_json();
}

}  // namespace

void note_restore_files(Object& restore, const Object& location) {
  if (is_read_only(location))
    restore.set_annotation(api::kRestoreFilesAnnotation, config_map_name(restore));
}

std::string where_results_are(const Object& restore) {
  const std::string& name = restore.annotation(api::kRestoreFilesAnnotation);
  if (name.empty()) return "";
  return fmt::format(
      "the results are in ConfigMap {}, because BackupStorageLocation {} is ReadOnly", name,
      restore.annotation(api::kStorageLocationLabel));
}

Result<RestoreFiles> RestoreFiles::open(const Context& context, const Object& restore) {
  RestoreFiles files(context, restore);
  const std::string& name = restore.annotation(api::kStorageLocationLabel);
  auto location =
      context.services.client.get(api::kBackupStorageLocation, {context.settings.ns, name});
  if (!location && location.error().is(Code::kNotFound))
    return fail(Code::kNotFound, "BackupStorageLocation {} does not exist", name);
  const Object object = TRY(std::move(location));
  files.in_cluster_ =
      is_read_only(object) || !restore.annotation(api::kRestoreFilesAnnotation).empty();
  files.store_ = TRY(
      while_doing(context.services.open_store(object), "opening BackupStorageLocation {}", name));
  return files;
}

Result<Json> RestoreFiles::get_json(RestoreFile file) {
  if (in_cluster_) {
    auto kept = context_->services.client.get(api::kConfigMap, config_map().key());
    if (!kept && !kept.error().is(Code::kNotFound)) return tl::unexpected<Error>(kept.error());
    if (kept && file == RestoreFile::kResults)
      return parse_json((*kept)["data"][kResultsKey].as_string());
    if (kept) {
      Bytes bytes = TRY(from_base64((*kept)["binaryData"][packed_key(file)].as_string()));
      return parse_json(TRY(backupstore::gunzip(bytes)));
    }
  }
  return backup().get_json(restore_->name(), file);
}

Result<Findings> RestoreFiles::get_results() {
  return Findings::from_json(TRY(get_json(RestoreFile::kResults)));
}

void RestoreFiles::put_json(RestoreFile file, Json value) { values_[file] = std::move(value); }
void RestoreFiles::put_logs(std::string text) { log_ = std::move(text); }
void RestoreFiles::put_results(const Findings& findings) {
  put_json(RestoreFile::kResults, findings.to_json());
}

Result<> RestoreFiles::commit() { return in_cluster_ ? commit_to_cluster() : commit_to_bucket(); }

Result<> RestoreFiles::commit_to_bucket() {
  BackupStore files(*store_);
  if (!log_.empty()) TRY(files.put_logs(restore_->name(), RestoreFile::kLogs, log_));
  for (const auto& [file, value] : values_) TRY(files.put_json(restore_->name(), file, value));
  return {};
}

Object RestoreFiles::config_map() const {
  Object object = Object::make(api::kConfigMap, {restore_->ns(), config_map_name(*restore_)});
  object.set_label(api::kRestoreNameLabel, label_value(restore_->name()));
  object.set_label(api::kRestoreUidLabel, restore_->uid());
  object.set_label(api::kManagedByLabel, api::kManagedBy);
  object.add_owner(*restore_, true);
  return object;
}

Result<> RestoreFiles::commit_to_cluster() {
  kube::Client& client = context_->services.client;
  auto created = client.create(api::kConfigMap, config_map());
  if (!created && !created.error().is(Code::kAlreadyExists))
    return tl::unexpected<Error>(created.error());
  auto fill = [&](Object& object) -> Result<bool> {
    if (auto found = values_.find(RestoreFile::kResults); found != values_.end())
      object.set({"data", kResultsKey}, to_json(short_results(found->second), 2) + "\n");
    for (const auto& [file, key] : kPacked)
      if (auto found = values_.find(file); found != values_.end())
        object.set({"binaryData", key}, packed(to_json(found->second)));
    if (!log_.empty()) object.set({"binaryData", kLogKey}, packed(log_));
    for (const char* key :
         {kLogKey, packed_key(RestoreFile::kResourceList), packed_key(RestoreFile::kVolumeInfo)})
      if (to_json(object.json()).size() > kRoom) object.erase({"binaryData", key});
    return true;
  };
  auto edited = kube::edit(client, api::kConfigMap, config_map().key(), false, fill);
  if (!edited) return tl::unexpected<Error>(edited.error());
  return {};
}

Result<> RestoreFiles::remove() {
  TRY(kube::remove_if_exists(context_->services.client, api::kConfigMap, config_map().key()));
  if (in_cluster_) return {};
  return backup().delete_restore(restore_->name());
}

}  // namespace breakwater::velero
