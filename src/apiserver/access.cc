#include "apiserver/access.h"

#include <algorithm>

namespace breakwater::apiserver {
namespace {

using kube::Object;

constexpr kube::Kind kRole{"rbac.authorization.k8s.io", "v1", "Role", "roles", true, false};
constexpr kube::Kind kClusterRole{"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles",
                                  false, false};
constexpr kube::Kind kRoleBinding{"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings",
                                  true, false};
constexpr kube::Kind kClusterRoleBinding{"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding",
                                         "clusterrolebindings", false, false};

bool lists(const Json& values, std::string_view wanted) {
  return std::any_of(values.items().begin(), values.items().end(), [&](const Json& value) {
    return value.as_string() == "*" || value.as_string() == wanted;
  });
}

// "pods", "pods/log", "*/log"
bool lists_resource(const Json& resources, const Access& access) {
  if (access.subresource.empty()) return lists(resources, access.resource);
  const std::string whole = access.resource + "/" + access.subresource;
  return lists(resources, whole) || lists(resources, "*/" + access.subresource);
}

// "/healthz", "/api/*"
bool lists_path(const Json& urls, std::string_view path) {
  return std::any_of(urls.items().begin(), urls.items().end(), [&](const Json& url) {
    std::string_view pattern = url.as_string();
    if (!pattern.ends_with('*')) return pattern == path;
    pattern.remove_suffix(1);
    return path.starts_with(pattern);
  });
}

bool rule_allows(const Json& rule, const Access& access) {
  if (!lists(rule["verbs"], access.verb)) return false;
  if (!access.path.empty()) return lists_path(rule["nonResourceURLs"], access.path);
  if (!lists(rule["apiGroups"], access.group) || !lists_resource(rule["resources"], access)) {
    return false;
  }
  const Json& names = rule["resourceNames"];
  return names.empty() || lists(names, access.name);
}

bool names_user(const Json& subject, const User& user, const std::string& binding_ns) {
  const std::string& kind = subject["kind"].as_string();
  const std::string& name = subject["name"].as_string();
  if (kind == "User") return name == user.name;
  if (kind == "Group") return user.in_group(name);
  if (kind != "ServiceAccount") return false;
  const std::string ns = subject["namespace"].as_string_or(binding_ns);
  return user.name == "system:serviceaccount:" + ns + ":" + name;
}

bool binds(const Object& binding, const User& user) {
  const auto& subjects = binding["subjects"].items();
  return std::any_of(subjects.begin(), subjects.end(), [&](const Json& subject) {
    return names_user(subject, user, binding.ns());
  });
}

bool role_allows(kube::Reader& reader, const Object& binding, const Access& access) {
  const Json& reference = binding["roleRef"];
  const std::string& name = reference["name"].as_string();
  const bool cluster_role = reference["kind"].as_string() == kClusterRole.kind;
  const auto role = cluster_role ? reader.get(kClusterRole, {"", name})
                                 : reader.get(kRole, {binding.ns(), name});
  if (!role) return false;
  const auto& rules = (*role)["rules"].items();
  return std::any_of(rules.begin(), rules.end(),
                     [&](const Json& rule) { return rule_allows(rule, access); });
}

}  // namespace

bool User::in_group(std::string_view group) const {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

User admin_user() { return {"admin", {"system:masters", "system:authenticated"}, ""}; }

User anonymous_user() { return {"system:anonymous", {"system:unauthenticated"}, ""}; }

User service_account_user(std::string_view ns, std::string_view name) {
  const std::string space(ns);
  return {"system:serviceaccount:" + space + ":" + std::string(name),
          {"system:serviceaccounts", "system:serviceaccounts:" + space, "system:authenticated"},
          ""};
}

Verdict authorize(kube::Reader& reader, const User& user, const Access& access) {
  if (user.in_group("system:masters")) return {true, "the user is in group system:masters"};
  std::vector<Object> bindings;
  if (auto found = reader.list(kClusterRoleBinding, "")) bindings = std::move(*found);
  if (!access.ns.empty()) {
    auto found = reader.list(kRoleBinding, access.ns);
    if (found) bindings.insert(bindings.end(), found->begin(), found->end());
  }
  for (const Object& binding : bindings) {
    if (binds(binding, user) && role_allows(reader, binding, access)) {
      return {true, "RBAC: allowed by " + std::string(binding.kind()) + " \"" +
                        binding.key().to_string() + "\""};
    }
  }
  return {};
}

}  // namespace breakwater::apiserver
