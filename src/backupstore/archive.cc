#include "backupstore/archive.h"

#include <fmt/format.h>

#include <vector>

#include "backupstore/gzip.h"
#include "backupstore/tar.h"
#include "base/check.h"

namespace breakwater::backupstore {
namespace {

constexpr std::string_view kVersion = "1.1.0\n";
constexpr std::string_view kPreferred = "-preferredversion";

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t start = 0;;) {
    size_t end = path.find('/', start);
    parts.push_back(path.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

bool is_segment(std::string_view text) {
  return is_safe_entry_name(text) && text.find('/') == std::string_view::npos;
}

// "v1" of "v1" and of "velero.io/v1".
std::string_view version_of(const Json& object) {
  std::string_view api_version = object["apiVersion"].as_string();
  size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
}

std::string location_of(const ItemKey& key) {
  return key.ns.empty() ? fmt::format("cluster/{}.json", key.name)
                        : fmt::format("namespaces/{}/{}.json", key.ns, key.name);
}

// The key of a plain copy; nothing for a copy in a versioned folder. `parts` starts with
// "resources".
Result<std::optional<ItemKey>> key_of(std::string_view path,
                                      const std::vector<std::string_view>& parts) {
  auto wrong = [&] { return fail(Code::kCorrupt, "archive entry {} is in no known place", path); };
  if (parts.size() < 4) return wrong();
  bool cluster = parts[2] == "cluster", namespaced = parts[2] == "namespaces";
  if (!cluster && !namespaced) {
    // resources/<group resource>/<version>/…
    if (parts[3] == "cluster" || parts[3] == "namespaces") return std::nullopt;
    return wrong();
  }
  if (parts.size() != (cluster ? 4u : 5u) || !parts.back().ends_with(".json")) return wrong();
  std::string_view name = parts.back().substr(0, parts.back().size() - 5);
  if (name.empty()) return wrong();
  return ItemKey{std::string(parts[1]), cluster ? "" : std::string(parts[3]), std::string(name)};
}

}  // namespace

void Archive::put(ItemKey key, Json object) {
  CHECK(is_segment(key.group_resource) && is_segment(key.name));
  CHECK(key.ns.empty() || is_segment(key.ns));
  items_.insert_or_assign(std::move(key), std::move(object));
}

const Json* Archive::find(const ItemKey& key) const {
  auto found = items_.find(key);
  return found == items_.end() ? nullptr : &found->second;
}

Bytes Archive::pack(Time modified) const {
  std::map<std::string, std::string> entries;
  entries["metadata/version"] = kVersion;
  for (const auto& [key, object] : items_) {
    std::string text = to_json(object);
    std::string place = location_of(key);
    std::string_view version = version_of(object);
    if (is_segment(version))
      entries[fmt::format("resources/{}/{}{}/{}", key.group_resource, version, kPreferred, place)] =
          text;
    entries[fmt::format("resources/{}/{}", key.group_resource, place)] = std::move(text);
  }
  TarWriter tar(modified);
  for (const auto& [name, content] : entries) tar.add(name, content);
  return gzip(tar.finish());
}

Result<Archive> Archive::unpack(ByteSpan tar_gz) {
  std::string tar = TRY(gunzip(tar_gz));
  Archive archive;
  bool versioned = false;
  const std::vector<TarEntry> entries = TRY(read_tar(tar));
  for (const TarEntry& entry : entries) {
    if (entry.name == "metadata/version") {
      if (!entry.content.starts_with("1."))
        return fail(Code::kUnsupported, "archive has format version {}, 1.x is what we read",
                    entry.content.substr(0, 16));
      versioned = true;
      continue;
    }
    auto parts = split(entry.name);
    if (parts.front() != "resources") continue;
    auto key = TRY(key_of(entry.name, parts));
    if (!key) continue;
    auto object = parse_json(entry.content);
    if (!object || !object->is_object())
      return fail(Code::kCorrupt, "archive entry {} is no JSON object", entry.name);
    archive.items_.insert_or_assign(std::move(*key), std::move(*object));
  }
  if (!versioned) return fail(Code::kCorrupt, "archive has no metadata/version");
  return archive;
}

}  // namespace breakwater::backupstore
