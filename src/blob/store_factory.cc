#include "blob/store_factory.h"

#include <string_view>

#include "blob/local_store.h"
#include "blob/s3_location.h"

namespace breakwater::blob {
namespace {

std::string trim_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

bool leaves_its_place(std::string_view path) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "." || segment == ".." || (segment.empty() && !path.empty())) return true;
    begin = end + 1;
  }
  return false;
}

// Trims slashes at the ends, and refuses what leaves its place.
Result<std::string> path_of(std::string_view name, std::string_view value) {
  std::string path = trim_slashes(value);
  if (leaves_its_place(path)) return fail(Code::kInvalid, "{} '{}' is no path", name, path);
  return path;
}

Result<std::unique_ptr<ObjectStore>> open_local(const StoreLocation& location, Random& random) {
  const auto path = location.config.find("path");
  if (path == location.config.end() || !path->second.starts_with('/')) {
    return fail(Code::kInvalid,
                "a storage location of provider {} needs config.path, the absolute "
                "path of a directory",
                kLocalProvider);
  }
  LocalSettings settings;
  settings.root = std::filesystem::path(path->second) / TRY(path_of("bucket", location.bucket));
  return make_local_store(std::move(settings), random);
}

Result<std::unique_ptr<ObjectStore>> open_s3(const StoreLocation& location, Random& random) {
  S3Settings settings = TRY(s3_settings_of(location));
  return make_s3_store(std::move(settings), std::make_shared<SystemClock>(), random);
}

}  // namespace

Result<StoreLocation> location_of_spec(const Json& spec) {
  StoreLocation location;
  const Json& storage = spec["objectStorage"];
  location.provider = spec["provider"].as_string();
  location.bucket = storage["bucket"].as_string();
  location.prefix = trim_slashes(storage["prefix"].as_string());
  for (const auto& [name, value] : spec["config"].members()) {
    location.config[name] = value.as_string();
  }
  const auto ca = from_base64(storage["caCert"].as_string());
  if (!ca) return fail(Code::kInvalid, "objectStorage.caCert is not base64");
  location.ca_cert = as_text(*ca);
  return location;
}

Result<std::unique_ptr<ObjectStore>> open_store(const StoreLocation& location, Random& random) {
  const bool local = location.provider == kLocalProvider;
  if (!local && location.provider != kS3Provider) {
    return fail(Code::kUnsupported,
                "storage provider '{}' is not available; this build stores in S3 (provider {}) and "
                "in directories (provider {})",
                location.provider, kS3Provider, kLocalProvider);
  }
  std::string prefix = TRY(path_of("prefix", location.prefix));
  auto store = TRY(local ? open_local(location, random) : open_s3(location, random));
  if (prefix.empty()) return store;
  return prefixed_store(std::move(store), std::move(prefix));
}

}  // namespace breakwater::blob
