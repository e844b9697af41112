#include <algorithm>

#include "datapath/worker.h"

namespace breakwater::datapath {
namespace {

constexpr int64_t kMostThreads = 256;

Json strings_to_json(const std::vector<std::string>& values) {
  return Json(Json::Array(values.begin(), values.end()));
}

// Reads members, remembering the first that has the wrong kind.
class MemberReader {
 public:
  MemberReader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  const Json* find(std::string_view name, Json::Kind kind, std::string_view what) {
    const Json* value = json_.find(name);
    if (!value || value->is_null()) return nullptr;
    if (value->kind() == kind) return value;
    complain(name, what);
    return nullptr;
  }
  void read(std::string_view name, std::string& out) {
    if (const Json* value = find(name, Json::Kind::kString, "a string")) out = value->as_string();
  }
  void read(std::string_view name, bool& out) {
    if (const Json* value = find(name, Json::Kind::kBool, "true or false")) out = value->as_bool();
  }
  void read(std::string_view name, int& out) {
    const Json* value = find(name, Json::Kind::kInt, "a number");
    if (!value) return;
    if (value->as_int() < 1 || value->as_int() > kMostThreads) complain(name, "from 1 to 256");
    out = static_cast<int>(std::clamp<int64_t>(value->as_int(), 1, kMostThreads));
  }
  void read(std::string_view name, std::vector<std::string>& out) {
    const Json* value = find(name, Json::Kind::kArray, "a list of strings");
    if (!value) return;
    out.clear();
    for (const Json& item : value->items()) {
      if (!item.is_string()) complain(name, "a list of strings");
      out.push_back(item.as_string());
    }
  }
  void read(std::string_view name, std::map<std::string, std::string>& out) {
    const Json* value = find(name, Json::Kind::kObject, "an object of strings");
    if (!value) return;
    for (const auto& [key, item] : value->members()) {
      if (!item.is_string()) complain(name, "an object of strings");
      out[key] = item.as_string();
    }
  }
  void complain(std::string_view name, std::string_view what) {
    if (result_) result_ = fail(Code::kInvalid, "{}{} is not {}", where_, name, what);
  }
  const Result<>& result() const { return result_; }

 private:
  const Json& json_;
  const std::string where_;
  Result<> result_;
};

}  // namespace

Json worker_config_to_json(const WorkerConfig& config) {
  const blob::StoreLocation& location = config.location;
  Json options = Json::object();
  for (const auto& [name, value] : location.config) options.set(name, value);
  const bool backup = config.operation == WorkerConfig::Operation::kBackup;
  Json json = Json::object({{"operation", backup ? "backup" : "restore"},
                            {"location", Json::object({{"provider", location.provider},
                                                       {"bucket", location.bucket},
                                                       {"prefix", location.prefix},
                                                       {"config", options}})},
                            {"volume", config.volume.string()},
                            {"threads", config.threads}});
  if (!location.ca_cert.empty()) json.set({"location", "caCert"}, location.ca_cert);
  if (!config.volume_mode.empty()) json.set("volumeMode", config.volume_mode);
  if (backup) {
    json.set("fileName", config.file_name);
    json.set("hostname", config.hostname);
    json.set("paths", strings_to_json(config.paths));
    json.set("tags", strings_to_json(config.tags));
    if (config.parent) json.set("parent", *config.parent);
    if (!config.changed_extents.empty()) {
      json.set("changedExtents", config.changed_extents.string());
    }
    if (!config.parent_volume.empty()) json.set("parentVolume", config.parent_volume.string());
    json.set("initIfMissing", config.init_if_missing);
  } else {
    json.set("snapshotID", config.snapshot);
    json.set("file", config.file);
    json.set("onlyDifferences", config.only_differences);
    json.set("lock", config.lock);
  }
  return json;
}

Result<WorkerConfig> worker_config_from_json(const Json& json) {
  if (!json.is_object()) return fail(Code::kInvalid, "a worker's configuration is a JSON object");
  WorkerConfig config;
  MemberReader reader(json, "");
  std::string operation, volume, parent, changed, parent_volume;
  reader.read("operation", operation);
  if (operation == "restore") {
    config.operation = WorkerConfig::Operation::kRestore;
  } else if (operation != "backup") {
    reader.complain("operation", "backup or restore");
  }
  reader.read("volume", volume);
  if (volume.empty()) reader.complain("volume", "the path of a volume");
  config.volume = volume;
  reader.read("volumeMode", config.volume_mode);
  if (!config.volume_mode.empty() && config.volume_mode != "Block" &&
      config.volume_mode != "Filesystem") {
    reader.complain("volumeMode", "Block or Filesystem");
  }
  reader.read("fileName", config.file_name);
  reader.read("hostname", config.hostname);
  reader.read("paths", config.paths);
  reader.read("tags", config.tags);
  reader.read("parent", parent);
  if (!parent.empty()) config.parent = parent;
  reader.read("changedExtents", changed);
  config.changed_extents = changed;
  reader.read("parentVolume", parent_volume);
  config.parent_volume = parent_volume;
  reader.read("initIfMissing", config.init_if_missing);
  reader.read("snapshotID", config.snapshot);
  reader.read("file", config.file);
  reader.read("onlyDifferences", config.only_differences);
  reader.read("lock", config.lock);
  reader.read("threads", config.threads);
  if (!reader.result()) return tl::unexpected(reader.result().error());
  MemberReader location(json["location"], "location.");
  location.read("provider", config.location.provider);
  location.read("bucket", config.location.bucket);
  location.read("prefix", config.location.prefix);
  location.read("config", config.location.config);
  location.read("caCert", config.location.ca_cert);
  if (config.location.provider.empty()) location.complain("provider", "the name of a provider");
  if (!location.result()) return tl::unexpected(location.result().error());
  return config;
}

}  // namespace breakwater::datapath
