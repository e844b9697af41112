#include "repo/snapshot.h"

#include "repo/json_reader.h"
#include "repo/json_writer.h"
#include "repo/repository.h"

namespace breakwater::repo {
namespace {

constexpr size_t kShortestPrefix = 1;

void write_strings(std::string_view name, const std::vector<std::string>& values,
                   JsonWriter& json) {
  json.name(name);
  json.begin_array();
  for (const std::string& value : values) json.string(value);
  json.end_array();
}

void write_summary(const Summary& summary, JsonWriter& json) {
  json.name("summary");
  json.begin_object();
  json.name("backup_start");
  json.time(summary.backup_start);
  json.name("backup_end");
  json.time(summary.backup_end);
  json.member("files_new", summary.files_new);
  json.member("files_changed", summary.files_changed);
  json.member("files_unmodified", summary.files_unmodified);
  json.member("dirs_new", summary.dirs_new);
  json.member("dirs_changed", summary.dirs_changed);
  json.member("dirs_unmodified", summary.dirs_unmodified);
  json.member("data_blobs", summary.data_blobs);
  json.member("tree_blobs", summary.tree_blobs);
  json.member("data_added", summary.data_added);
  json.member("data_added_packed", summary.data_added_packed);
  json.member("total_files_processed", summary.total_files_processed);
  json.member("total_bytes_processed", summary.total_bytes_processed);
  json.end_object();
}

Summary read_summary(JsonReader& json) {
  Summary summary;
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "backup_start")
      summary.backup_start = json.time();
    else if (name == "backup_end")
      summary.backup_end = json.time();
    else if (name == "files_new")
      summary.files_new = json.number();
    else if (name == "files_changed")
      summary.files_changed = json.number();
    else if (name == "files_unmodified")
      summary.files_unmodified = json.number();
    else if (name == "dirs_new")
      summary.dirs_new = json.number();
    else if (name == "dirs_changed")
      summary.dirs_changed = json.number();
    else if (name == "dirs_unmodified")
      summary.dirs_unmodified = json.number();
    else if (name == "data_blobs")
      summary.data_blobs = json.number();
    else if (name == "tree_blobs")
      summary.tree_blobs = json.number();
    else if (name == "data_added")
      summary.data_added = json.number();
    else if (name == "data_added_packed")
      summary.data_added_packed = json.number();
    else if (name == "total_files_processed")
      summary.total_files_processed = json.number();
    else if (name == "total_bytes_processed")
      summary.total_bytes_processed = json.number();
    else
      json.skip();
  }
  return summary;
}

std::vector<std::string> read_strings(JsonReader& json) {
  std::vector<std::string> values;
  if (json.take_null()) return values;
  json.begin_array();
  while (json.next_element()) values.push_back(json.string());
  return values;
}

}  // namespace

std::string encode_snapshot(const Snapshot& snapshot) {
  JsonWriter json;
  json.begin_object();
  json.name("time");
  json.time(snapshot.time);
  if (snapshot.parent) {
    json.name("parent");
    json.id(*snapshot.parent);
  }
  json.name("tree");
  json.id(snapshot.tree);
  write_strings("paths", snapshot.paths, json);
  json.member_unless_empty("hostname", snapshot.hostname);
  json.member_unless_empty("username", snapshot.username);
  if (!snapshot.tags.empty()) write_strings("tags", snapshot.tags, json);
  json.member_unless_empty("program_version", snapshot.program_version);
  if (snapshot.summary) write_summary(*snapshot.summary, json);
  json.end_object();
  return json.take();
}

Result<Snapshot> decode_snapshot(std::string_view text) {
  Snapshot snapshot;
  bool has_tree = false;
  JsonReader json(text);
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "time")
      snapshot.time = json.time();
    else if (name == "paths")
      snapshot.paths = read_strings(json);
    else if (name == "hostname")
      snapshot.hostname = json.string();
    else if (name == "username")
      snapshot.username = json.string();
    else if (name == "tags")
      snapshot.tags = read_strings(json);
    else if (name == "program_version")
      snapshot.program_version = json.string();
    else if (json.take_null())
      continue;
    else if (name == "parent")
      snapshot.parent = json.id();
    else if (name == "summary")
      snapshot.summary = read_summary(json);
    else if (name == "tree")
      has_tree = true, snapshot.tree = json.id();
    else
      json.skip();
  }
  TRY(json.finish("snapshot"));
  if (!has_tree) return fail(Code::kCorrupt, "snapshot has no tree");
  return snapshot;
}

Result<Snapshot> find_snapshot(const std::vector<Snapshot>& snapshots, std::string_view name) {
  if (snapshots.empty()) return fail(Code::kNotFound, "the repository has no snapshots");
  const Snapshot* found = nullptr;
  for (const Snapshot& snapshot : snapshots) {
    if (name == "latest") {
      if (!found || found->time <= snapshot.time) found = &snapshot;
    } else if (name.size() >= kShortestPrefix && snapshot.id.to_string().starts_with(name)) {
      if (found)
        return fail(Code::kInvalid, "snapshot id {} is ambiguous: {} and {} start so", name,
                    found->id.short_string(), snapshot.id.short_string());
      found = &snapshot;
    }
  }
  if (!found) return fail(Code::kNotFound, "there is no snapshot \"{}\"", name);
  return *found;
}

}  // namespace breakwater::repo
