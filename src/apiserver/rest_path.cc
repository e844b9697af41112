#include "apiserver/rest_path.h"

#include <vector>

namespace breakwater::apiserver {

namespace {

// Empty if a segment is empty, apart from one trailing slash.
std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.empty() || path.front() != '/') return {};
  path.remove_prefix(1);
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty()) return {};
    segments.push_back(segment);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return segments;
}

}  // namespace

std::optional<ResourcePath> parse_resource_path(std::string_view path) {
  const std::vector<std::string_view> segments = split_path(path);
  ResourcePath result;
  size_t at = 0;
  if (segments.size() >= 3 && segments[0] == "api") {
    result.version = segments[1];
    at = 2;
  } else if (segments.size() >= 4 && segments[0] == "apis") {
    result.group = segments[1];
    result.version = segments[2];
    at = 3;
  } else {
    return std::nullopt;
  }
  // namespaces/<ns>/<plural>… but namespaces/<name>/status is a subresource of the Namespace.
  const size_t left = segments.size() - at;
  if (segments[at] == "namespaces" && left >= 3 &&
      !(left == 3 && (segments[at + 2] == "status" || segments[at + 2] == "finalize"))) {
    result.ns = segments[at + 1];
    at += 2;
  }
  if (segments.size() - at > 3) return std::nullopt;
  result.plural = segments[at];
  if (at + 1 < segments.size()) result.name = segments[at + 1];
  if (at + 2 < segments.size()) result.subresource = segments[at + 2];
  return result;
}

}  // namespace breakwater::apiserver
