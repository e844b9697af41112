#include "velero/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "kube/names.h"

namespace breakwater::velero {
namespace {

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> result;
  for (const Json& item : list.items()) result.push_back(item.as_string());
  return result;
}

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

NameFilter filter(const Json& spec, std::string_view included, std::string_view excluded,
                  std::vector<std::string>& errors) {
  NameFilter result{strings(spec[included]), strings(spec[excluded])};
  if (result.includes.size() > 1 && contains(result.includes, "*"))
    errors.push_back(fmt::format("spec.{}: \"*\" must be the only entry", included));
  for (const std::string& name : result.includes)
    if (contains(result.excludes, name))
      errors.push_back(fmt::format("spec.{}: {} is in spec.{} as well", excluded, name, included));
  return result;
}

void check_namespaces(const Json& list, std::string_view field, std::vector<std::string>& errors) {
  for (const Json& item : list.items()) {
    const std::string& name = item.as_string();
    bool pattern = name.find_first_of("*?[]{},") != std::string::npos;
    if (!pattern && !kube::is_dns_label(name))
      errors.push_back(fmt::format("spec.{}: \"{}\" is no name of a namespace", field, name));
  }
}

void add_selector(const Json& selector, std::string_view field,
                  std::vector<kube::LabelSelector>& out, std::vector<std::string>& errors) {
  auto parsed = kube::LabelSelector::from_json(selector);
  if (!parsed) {
    errors.push_back(fmt::format("spec.{}: {}", field, parsed.error().message()));
  } else if (!parsed->everything()) {
    out.push_back(std::move(*parsed));
  }
}

constexpr const char* kScopedFields[] = {
    "includedClusterScopedResources", "excludedClusterScopedResources",
    "includedNamespaceScopedResources", "excludedNamespaceScopedResources"};
constexpr const char* kOldFields[] = {"includedResources", "excludedResources",
                                      "includeClusterResources"};

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0;
  size_t star = std::string_view::npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool NameFilter::unrestricted() const { return includes.empty() || contains(includes, "*"); }

bool NameFilter::allows(std::string_view name) const {
  auto matches = [&](const std::string& pattern) { return glob_matches(pattern, name); };
  if (std::ranges::any_of(excludes, matches)) return false;
  return includes.empty() || std::ranges::any_of(includes, matches);
}

Selection Selection::parse(const Json& spec, std::vector<std::string>& errors) {
  Selection result;
  result.namespaces_ = filter(spec, "includedNamespaces", "excludedNamespaces", errors);
  check_namespaces(spec["includedNamespaces"], "includedNamespaces", errors);
  check_namespaces(spec["excludedNamespaces"], "excludedNamespaces", errors);

  auto set = [&](const char* field) { return !spec[field].empty() || spec[field].is_bool(); };
  bool scoped = std::ranges::any_of(kScopedFields, set);
  if (scoped && std::ranges::any_of(kOldFields, set))
    errors.push_back(
        "spec: includedResources, excludedResources and includeClusterResources cannot be combined "
        "with the cluster-scoped and namespace-scoped filters");
  if (scoped) {
    result.namespaced_kinds_ = filter(spec, "includedNamespaceScopedResources",
                                      "excludedNamespaceScopedResources", errors);
    result.cluster_kinds_ =
        filter(spec, "includedClusterScopedResources", "excludedClusterScopedResources", errors);
    if (!result.cluster_kinds_.includes.empty()) result.cluster_resources_ = true;
    if (contains(result.cluster_kinds_.excludes, "*")) result.cluster_resources_ = false;
  } else {
    result.namespaced_kinds_ = filter(spec, "includedResources", "excludedResources", errors);
    result.cluster_kinds_ = result.namespaced_kinds_;
    const Json& cluster = spec["includeClusterResources"];
    if (cluster.is_bool()) result.cluster_resources_ = cluster.as_bool();
  }
  if (!spec["labelSelector"].empty() && !spec["orLabelSelectors"].empty())
    errors.push_back("spec: labelSelector and orLabelSelectors cannot both be given");
  add_selector(spec["labelSelector"], "labelSelector", result.selectors_, errors);
  for (const Json& selector : spec["orLabelSelectors"].items())
    add_selector(selector, "orLabelSelectors", result.selectors_, errors);
  return result;
}

bool Selection::allows_kind(const kube::Kind& kind) const {
  const NameFilter& kinds = kind.namespaced ? namespaced_kinds_ : cluster_kinds_;
  std::string singular(kind.kind);
  std::ranges::transform(singular, singular.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  const std::string names[] = {kind.group_resource(), std::string(kind.plural), singular};
  auto listed = [&](const std::vector<std::string>& patterns) {
    return std::ranges::any_of(patterns, [&](const std::string& pattern) {
      return std::ranges::any_of(names,
                                 [&](const auto& name) { return glob_matches(pattern, name); });
    });
  };
  return !listed(kinds.excludes) && (kinds.includes.empty() || listed(kinds.includes));
}

bool Selection::matches_labels(const kube::Object& object) const {
  if (selectors_.empty()) return true;
  return std::ranges::any_of(selectors_,
                             [&](const auto& selector) { return selector.matches(object); });
}

bool Selection::lists_cluster_scoped() const {
  if (cluster_resources_) return *cluster_resources_;
  return namespaces_.unrestricted() && namespaces_.excludes.empty();
}

}  // namespace breakwater::velero
