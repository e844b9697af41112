#include "kube/kind.h"

#include "base/encoding.h"

namespace breakwater::kube {

std::string Kind::api_version() const {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

std::string Kind::group_resource() const {
  return group.empty() ? std::string(plural) : fmt::format("{}.{}", plural, group);
}

std::string Kind::path(std::string_view ns, std::string_view name) const {
  std::string out = fmt::format("{}{}", group.empty() ? "/api/" : "/apis/", api_version());
  if (namespaced && !ns.empty()) out += "/namespaces/" + url_encode(ns);
  out += fmt::format("/{}", plural);
  if (!name.empty()) out += "/" + url_encode(name);
  return out;
}

std::string Key::to_string() const { return ns.empty() ? name : fmt::format("{}/{}", ns, name); }

}  // namespace breakwater::kube
