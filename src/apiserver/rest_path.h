// Which resource a URL path names, as Kubernetes lays paths out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace breakwater::apiserver {

// /api/v1/namespaces/ns/pods/name/log → version v1, ns, plural pods, name, subresource log.
struct ResourcePath {
  std::string group;  // "" for /api
  std::string version;
  std::string ns;  // "" for cluster-scoped kinds and for collections over all namespaces
  std::string plural;
  std::string name;         // "" for a collection
  std::string subresource;  // "", "status", "log", …
  friend bool operator==(const ResourcePath&, const ResourcePath&) = default;
};

// Nothing if `path` (decoded, without query) is not the path of a resource: discovery documents
// ("/apis/apps/v1"), other paths, and resource paths with too many or empty segments. A Namespace
// itself is plural "namespaces" with a name and no ns.
std::optional<ResourcePath> parse_resource_path(std::string_view path);

}  // namespace breakwater::apiserver
