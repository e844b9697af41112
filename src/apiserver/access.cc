#include "apiserver/access.h"

#include <algorithm>

namespace breakwater::apiserver {
namespace {

constexpr kube::Kind kRoles{"rbac.authorization.k8s.io", "v1", "Role", "roles", true, false};
constexpr kube::Kind kClusterRoles{
    "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false, false};
constexpr kube::Kind kRoleBindings{
    "rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true, false};
constexpr kube::Kind kClusterRoleBindings{"rbac.authorization.k8s.io", "v1",  "ClusterRoleBinding",
                                          "clusterrolebindings",       false, false};

bool contains(const Json& list, std::string_view value) {
  return std::any_of(list.items().begin(), list.items().end(),
                     [&](const Json& item) { return item.as_string() == value; });
}

bool contains_or_star(const Json& list, std::string_view value) {
  return contains(list, "*") || contains(list, value);
}

bool allows_resource(const Json& rule, const Access& access) {
  if (!contains_or_star(rule["verbs"], access.verb)) return false;
  if (!contains_or_star(rule["apiGroups"], access.group)) return false;
  const Json& names = rule["resourceNames"];
  if (!names.empty() && !contains(names, access.name)) return false;
  const Json& resources = rule["resources"];
  if (access.subresource.empty()) return contains_or_star(resources, access.resource);
  return contains_or_star(resources, access.resource + "/" + access.subresource) ||
         contains(resources, "*/" + access.subresource);
}

bool allows_path(const Json& rule, const Access& access) {
  if (!contains_or_star(rule["verbs"], access.verb)) return false;
  for (const Json& url : rule["nonResourceURLs"].items()) {
    std::string_view pattern = url.as_string();
    if (pattern == access.path) return true;
    if (!pattern.ends_with('*')) continue;
    pattern.remove_suffix(1);
    if (std::string_view(access.path).starts_with(pattern)) return true;
  }
  return false;
}

bool allows(const Json& rules, const Access& access) {
  for (const Json& rule : rules.items()) {
    if (access.path.empty() ? allows_resource(rule, access) : allows_path(rule, access))
      return true;
  }
  return false;
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

// The rules of a ClusterRole, with those of the roles it aggregates.
bool cluster_role_allows(kube::Reader& reader, const kube::Object& role, const Access& access) {
  if (allows(role["rules"], access)) return true;
  for (const Json& selector : role["aggregationRule"]["clusterRoleSelectors"].items()) {
    const auto labels = kube::LabelSelector::from_json(selector);
    if (!labels || labels->everything()) continue;
    const auto roles = reader.list(kClusterRoles, "", *labels);
    for (const kube::Object& other : roles ? *roles : std::vector<kube::Object>()) {
      if (allows(other["rules"], access)) return true;
    }
  }
  return false;
}

bool role_allows(kube::Reader& reader, const Json& ref, const std::string& ns,
                 const Access& access) {
  const std::string& name = ref["name"].as_string();
  if (ref["kind"].as_string() == "ClusterRole") {
    const auto role = reader.get(kClusterRoles, {"", name});
    return role && cluster_role_allows(reader, *role, access);
  }
  const auto role = reader.get(kRoles, {ns, name});
  return role && allows((*role)["rules"], access);
}

// The bindings of `kind` in `ns` that name the user; whether one of their roles allows the access.
std::string allowing_binding(kube::Reader& reader, const kube::Kind& kind, const std::string& ns,
                             const User& user, const Access& access) {
  const auto bindings = reader.list(kind, ns);
  if (!bindings) return "";
  for (const kube::Object& binding : *bindings) {
    const Json::Array& subjects = binding["subjects"].items();
    const bool named = std::any_of(subjects.begin(), subjects.end(), [&](const Json& subject) {
      return names_user(subject, user, ns);
    });
    if (named && role_allows(reader, binding["roleRef"], ns, access)) {
      return fmt::format("RBAC: allowed by {} \"{}\" of {} \"{}\"", kind.kind,
                         binding.key().to_string(), binding["roleRef"]["kind"].as_string(),
                         binding["roleRef"]["name"].as_string());
    }
  }
  return "";
}

std::string describe(const Access& access) {
  if (!access.path.empty()) return fmt::format("cannot {} path \"{}\"", access.verb, access.path);
  const std::string resource =
      access.subresource.empty() ? access.resource : access.resource + "/" + access.subresource;
  const std::string scope = access.ns.empty() ? "at the cluster scope"
                                              : fmt::format("in the namespace \"{}\"", access.ns);
  return fmt::format("cannot {} resource \"{}\" in API group \"{}\" {}", access.verb, resource,
                     access.group, scope);
}

}  // namespace

bool User::in_group(std::string_view group) const {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

User admin_user() { return {"admin", {"system:masters", "system:authenticated"}, ""}; }

User anonymous_user() { return {"system:anonymous", {"system:unauthenticated"}, ""}; }

User service_account_user(std::string_view ns, std::string_view name) {
  return {fmt::format("system:serviceaccount:{}:{}", ns, name),
          {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", ns),
           "system:authenticated"},
          ""};
}

Verdict authorize(kube::Reader& reader, const User& user, const Access& access) {
  if (user.in_group("system:masters")) return {true, "group system:masters may do everything"};
  std::string by = allowing_binding(reader, kClusterRoleBindings, "", user, access);
  if (by.empty() && access.path.empty() && !access.ns.empty()) {
    by = allowing_binding(reader, kRoleBindings, access.ns, user, access);
  }
  return {!by.empty(), by};
}

Result<> require_access(kube::Reader& reader, const User& user, const Access& access) {
  if (authorize(reader, user, access).allowed) return {};
  const std::string_view what = access.path.empty() ? access.resource : access.path;
  return fail(Code::kForbidden, "{}{}{}{} is forbidden: User \"{}\" {}", what,
              access.name.empty() ? "" : " \"", access.name, access.name.empty() ? "" : "\"",
              user.name, describe(access));
}

}  // namespace breakwater::apiserver
