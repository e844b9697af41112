#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "apiserver/rest_reply.h"
#include "apiserver/reviews.h"

namespace breakwater::apiserver {

namespace {

// Kubernetes' order of versions: v2, v1, v2beta1, v1beta2, v1alpha1, then everything else by name.
std::tuple<int, int, int> version_rank(std::string_view version) {
  const auto number = [&version] {
    int value = -1;
    const auto [end, problem] =
        std::from_chars(version.data(), version.data() + version.size(), value);
    if (problem != std::errc()) return -1;
    version.remove_prefix(static_cast<size_t>(end - version.data()));
    return value;
  };
  if (!version.starts_with('v')) return {0, 0, 0};
  version.remove_prefix(1);
  const int major = number();
  if (major < 0) return {0, 0, 0};
  if (version.empty()) return {3, major, 0};
  const bool beta = version.starts_with("beta");
  if (!beta && !version.starts_with("alpha")) return {0, 0, 0};
  version.remove_prefix(beta ? 4 : 5);
  return {beta ? 2 : 1, major, number()};
}

// Versions of each group, best first; the core group is not among them.
std::map<std::string, std::vector<std::string>> group_versions(const Registry& registry) {
  std::map<std::string, std::vector<std::string>> groups;
  const auto add = [&groups](const std::string& group, const std::string& version) {
    if (group.empty()) return;
    auto& versions = groups[group];
    if (std::find(versions.begin(), versions.end(), version) == versions.end()) {
      versions.push_back(version);
    }
  };
  for (const ServedKindPtr& kind : registry.all()) add(kind->group, kind->version);
  for (const ReviewKind& review : review_kinds()) add(std::string(review.group), "v1");
  for (auto& [group, versions] : groups) {
    std::stable_sort(versions.begin(), versions.end(), [](const auto& a, const auto& b) {
      return version_rank(a) > version_rank(b);
    });
  }
  return groups;
}

Json version_entry(const std::string& group, const std::string& version) {
  return Json::object({{"groupVersion", group + "/" + version}, {"version", version}});
}

// Kind and apiVersion are written only in a document of its own.
Json api_group(const std::string& group, const std::vector<std::string>& versions) {
  Json::Array entries;
  for (const std::string& version : versions) entries.push_back(version_entry(group, version));
  return Json::object({{"name", group},
                       {"versions", Json(std::move(entries))},
                       {"preferredVersion", version_entry(group, versions.front())}});
}

Json texts(const std::vector<std::string>& values) {
  Json::Array items(values.begin(), values.end());
  return Json(std::move(items));
}

Json resource(const ServedKind& kind, std::string_view subresource, Json verbs) {
  const std::string suffix = subresource.empty() ? "" : "/" + std::string(subresource);
  Json entry = Json::object({{"name", kind.plural + suffix},
                             {"singularName", subresource.empty() ? kind.singular : ""},
                             {"namespaced", kind.namespaced},
                             {"kind", kind.kind},
                             {"verbs", std::move(verbs)}});
  if (!subresource.empty()) return entry;
  if (!kind.short_names.empty()) entry.set("shortNames", texts(kind.short_names));
  if (!kind.categories.empty()) entry.set("categories", texts(kind.categories));
  return entry;
}

// Null if nothing of the group and version is served.
Json resource_list(const Registry& registry, const std::string& group, const std::string& version) {
  Json::Array resources;
  for (const ServedKindPtr& kind : registry.all()) {
    if (kind->group != group || kind->version != version) continue;
    resources.push_back(resource(*kind, "",
                                 Json::array({"create", "delete", "deletecollection", "get", "list",
                                              "patch", "update", "watch"})));
    if (kind->has_status_subresource) {
      resources.push_back(resource(*kind, "status", Json::array({"get", "patch", "update"})));
    }
    for (const std::string& subresource : kind->subresources) {
      resources.push_back(resource(*kind, subresource, Json::array({"get", "patch", "update"})));
    }
    if (group.empty() && kind->plural == "pods") {
      resources.push_back(resource(*kind, "log", Json::array({"get"})));
    }
  }
  for (const ReviewKind& review : review_kinds()) {
    if (review.group != group || version != "v1") continue;
    ServedKind kind;
    kind.kind = review.kind;
    kind.plural = review.plural;
    kind.namespaced = review.namespaced;
    for (const char c : kind.kind) kind.singular += static_cast<char>(c < 'a' ? c + 32 : c);
    resources.push_back(resource(kind, "", Json::array({"create"})));
  }
  if (resources.empty()) return {};
  return Json::object({{"kind", "APIResourceList"},
                       {"apiVersion", "v1"},
                       {"groupVersion", group.empty() ? version : group + "/" + version},
                       {"resources", Json(std::move(resources))}});
}

Json group_list(const Registry& registry) {
  Json::Array groups;
  for (const auto& [group, versions] : group_versions(registry)) {
    groups.push_back(api_group(group, versions));
  }
  return Json::object(
      {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", Json(std::move(groups))}});
}

Json core_versions() {
  return Json::object(
      {{"kind", "APIVersions"},
       {"versions", Json::array({"v1"})},
       {"serverAddressByClientCIDRs",
        Json::array({Json::object({{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", ""}})})}});
}

// The document at a path below /apis/, or null.
Json document_below_apis(const Registry& registry, std::string_view path) {
  const size_t slash = path.find('/');
  const std::string group(path.substr(0, slash));
  if (slash != std::string_view::npos) {
    return resource_list(registry, group, std::string(path.substr(slash + 1)));
  }
  const auto groups = group_versions(registry);
  const auto found = groups.find(group);
  if (found == groups.end()) return {};
  Json document = api_group(group, found->second);
  document.set("kind", "APIGroup");
  document.set("apiVersion", "v1");
  return document;
}

}  // namespace

std::optional<Response> serve_discovery(const RestContext& context, const Request& request) {
  const Registry& registry = context.server.registry();
  std::string_view path = request.path;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  Json document;
  if (path == "/api") {
    document = core_versions();
  } else if (path == "/apis") {
    document = group_list(registry);
  } else if (path.starts_with("/api/")) {
    document = resource_list(registry, "", std::string(path.substr(5)));
  } else if (path.starts_with("/apis/")) {
    document = document_below_apis(registry, path.substr(6));
  } else if (path == "/") {
    document =
        Json::object({{"paths", Json::array({"/api", "/apis", "/healthz", "/livez", "/openapi/v2",
                                             "/openapi/v3", "/readyz", "/version"})}});
  }
  if (document.is_null()) return std::nullopt;
  return reply(document);
}

}  // namespace breakwater::apiserver
