#include "policy/cluster_access.h"

#include "api/kinds.h"
#include "api/names.h"
#include "kube/names.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kRoleName = "breakwater:agent";
constexpr std::string_view kBootstrapRole = "breakwater:bootstrap";

using Words = std::initializer_list<std::string_view>;

Json words(Words items) {
  Json list = Json::array();
  for (std::string_view item : items) list.push_back(item);
  return list;
}

Json rule(std::string_view group, Words resources, Words verbs, Words names = {}) {
  Json rule = Json::object(
      {{"apiGroups", words({group})}, {"resources", words(resources)}, {"verbs", words(verbs)}});
  if (names.size() > 0) rule.set("resourceNames", words(names));
  return rule;
}

Object named(const kube::Kind& kind, const kube::Key& key, std::string_view cluster) {
  Object object = Object::make(kind, key);
  object.set_label(api::kManagedByLabel, api::kManagedBy);
  if (!cluster.empty()) object.set_label(api::kCsrClusterLabel, cluster);
  return object;
}

Object role(const kube::Kind& kind, const kube::Key& key, std::string_view cluster, Json rules) {
  Object object = named(kind, key, cluster);
  object.set({"rules"}, std::move(rules));
  return object;
}

Object binding(const kube::Kind& kind, const kube::Key& key, std::string_view cluster,
               std::string_view role_kind, std::string_view role_name, const std::string& group) {
  Object object = named(kind, key, cluster);
  object.set({"roleRef"},
             Json::object({{"apiGroup", kRbac}, {"kind", role_kind}, {"name", role_name}}));
  object.set(
      {"subjects"},
      Json::array({Json::object({{"apiGroup", kRbac}, {"kind", "Group"}, {"name", group}})}));
  return object;
}

std::string cluster_role_name(std::string_view cluster) {
  return fmt::format("breakwater:managedcluster:{}", cluster);
}

std::string bootstrap_binding_name(std::string_view cluster) {
  return fmt::format("{}:{}", kBootstrapRole, cluster);
}

Json requests_rule() {
  return rule("certificates.k8s.io", {"certificatesigningrequests"}, {"create", "get"});
}

Json namespace_rules() {
  constexpr std::string_view kPolicies = "policy.open-cluster-management.io";
  constexpr std::string_view kLeases = "coordination.k8s.io";
  return Json::array({rule(kPolicies, {"policies"}, {"get", "list", "watch", "patch"}),
                      rule(kPolicies, {"policies/status"}, {"get", "patch", "update"}),
                      rule(kLeases, {"leases"}, {"create"}),
                      rule(kLeases, {"leases"}, {"get", "patch", "update"}, {api::kClusterLease}),
                      rule("", {"secrets"}, {"get", "list", "watch"}),
                      rule("", {"events"}, {"create", "patch"})});
}

Json cluster_rules(const std::string& cluster) {
  constexpr std::string_view kClusters = "cluster.open-cluster-management.io";
  return Json::array(
      {rule(kClusters, {"managedclusters"}, {"get", "list", "watch"}, {cluster}),
       rule(kClusters, {"managedclusters/status"}, {"get", "patch", "update"}, {cluster}),
       requests_rule()});
}

// Whether every member that `wanted` gives is in `live`. Lists are equal as a whole.
bool covers(const Json& live, const Json& wanted) {
  if (!wanted.is_object()) return live == wanted;
  for (const auto& [name, value] : wanted.members()) {
    if (!covers(live[name], value)) return false;
  }
  return true;
}

Result<> correct(kube::Client& client, const Grant& grant) {
  auto edited =
      kube::edit(client, grant.kind, grant.object.key(), false, [&](Object& live) -> Result<bool> {
        if (covers(live.json(), grant.object.json())) return false;
        live.json() = kube::apply_merge_patch(live.json(), grant.object.json());
        return true;
      });
  if (!edited) return tl::unexpected(edited.error());
  return {};
}

Result<> apply(kube::Reader& reader, kube::Client& client, const Grant& grant) {
  auto live = reader.get(grant.kind, grant.object.key());
  if (!live && !live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
  if (live && (grant.kind == api::kNamespace || covers(live->json(), grant.object.json()))) {
    return {};
  }
  if (live) return correct(client, grant);
  auto created = client.create(grant.kind, grant.object);
  if (created) return {};
  if (!created.error().is(Code::kAlreadyExists)) return tl::unexpected(created.error());
  return grant.kind == api::kNamespace ? Result<>() : correct(client, grant);
}

}  // namespace

bool is_cluster_name(std::string_view name) {
  return kube::is_dns_label(name) && !name.starts_with("kube-") && name != "default" &&
         name != api::kHubNamespace && name != api::kAgentNamespace;
}

std::string agent_group(std::string_view cluster) {
  return fmt::format("{}{}", api::kAgentUserPrefix, cluster);
}

std::string bootstrap_group(std::string_view cluster) {
  return fmt::format("{}{}", api::kBootstrapGroupPrefix, cluster);
}

std::vector<Grant> access_objects(const std::string& cluster) {
  const kube::Key in_namespace{cluster, std::string(kRoleName)};
  const kube::Key of_cluster{"", cluster_role_name(cluster)};
  const std::string group = agent_group(cluster);
  return {{api::kNamespace, named(api::kNamespace, {"", cluster}, "")},
          {api::kRole, role(api::kRole, in_namespace, cluster, namespace_rules())},
          {api::kRoleBinding,
           binding(api::kRoleBinding, in_namespace, cluster, "Role", kRoleName, group)},
          {api::kClusterRole, role(api::kClusterRole, of_cluster, cluster, cluster_rules(cluster))},
          {api::kClusterRoleBinding, binding(api::kClusterRoleBinding, of_cluster, cluster,
                                             "ClusterRole", of_cluster.name, group)}};
}

std::vector<Grant> bootstrap_objects(const std::string& cluster) {
  const kube::Key shared{"", std::string(kBootstrapRole)};
  return {{api::kClusterRole, role(api::kClusterRole, shared, "", Json::array({requests_rule()}))},
          {api::kClusterRoleBinding,
           binding(api::kClusterRoleBinding, {"", bootstrap_binding_name(cluster)}, "",
                   "ClusterRole", kBootstrapRole, bootstrap_group(cluster))}};
}

Result<> apply_grants(kube::Reader& reader, kube::Client& client,
                      const std::vector<Grant>& grants) {
  for (const Grant& grant : grants) {
    TRY(while_doing(apply(reader, client, grant), "granting {} {}", grant.object.kind(),
                    grant.object.key().to_string()));
  }
  return {};
}

Result<> revoke_access(kube::Client& client, const std::string& cluster) {
  TRY(kube::remove_if_exists(client, api::kRoleBinding, {cluster, std::string(kRoleName)}));
  return kube::remove_if_exists(client, api::kClusterRoleBinding, {"", cluster_role_name(cluster)});
}

Result<> remove_access(kube::Client& client, const std::string& cluster) {
  TRY(kube::remove_if_exists(client, api::kClusterRoleBinding,
                             {"", bootstrap_binding_name(cluster)}));
  TRY(revoke_access(client, cluster));
  TRY(kube::remove_if_exists(client, api::kRole, {cluster, std::string(kRoleName)}));
  return kube::remove_if_exists(client, api::kClusterRole, {"", cluster_role_name(cluster)});
}

}  // namespace breakwater::policy
