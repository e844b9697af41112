#include "blob/store_factory.h"

#include <string_view>

#include "blob/local_store.h"

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

Result<std::unique_ptr<ObjectStore>> open_local(const StoreLocation& location, Random& random) {
  const auto path = location.config.find("path");
  if (path == location.config.end() || !path->second.starts_with('/')) {
    return fail(Code::kInvalid,
                "a storage location of provider {} needs config.path, the absolute "
                "path of a directory",
                kLocalProvider);
  }
  const std::string bucket = trim_slashes(location.bucket);
  const std::string prefix = trim_slashes(location.prefix);
  for (const auto& [name, value] : {std::pair("bucket", bucket), std::pair("prefix", prefix)}) {
    if (leaves_its_place(value)) return fail(Code::kInvalid, "{} '{}' is no path", name, value);
  }
  LocalSettings settings;
  settings.root = std::filesystem::path(path->second) / bucket;
  auto store = make_local_store(std::move(settings), random);
  if (prefix.empty()) return store;
  return prefixed_store(std::move(store), prefix);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_store(const StoreLocation& location, Random& random) {
  if (location.provider == kLocalProvider) return open_local(location, random);
  return fail(Code::kUnsupported,
              "storage provider '{}' is not available; this build stores in directories "
              "(provider {})",
              location.provider, kLocalProvider);
}

}  // namespace breakwater::blob
