#include "apiserver/bootstrap.h"

namespace breakwater::apiserver {
namespace {

constexpr const char* kRbac = "rbac.authorization.k8s.io";

Json strings(std::initializer_list<const char*> items) {
  Json list = Json::array();
  for (const char* item : items) list.push_back(item);
  return list;
}

Json read_verbs() { return strings({"get", "list", "watch"}); }
Json write_verbs() { return strings({"create", "delete", "deletecollection", "patch", "update"}); }

Json rule(Json groups, Json resources, Json verbs) {
  return Json::object({{"apiGroups", std::move(groups)},
                       {"resources", std::move(resources)},
                       {"verbs", std::move(verbs)}});
}

Json paths(Json urls) {
  return Json::object({{"nonResourceURLs", std::move(urls)}, {"verbs", strings({"get"})}});
}

kube::Object named(const char* api_version, const char* kind, const char* name) {
  return kube::Object(Json::object(
      {{"apiVersion", api_version}, {"kind", kind}, {"metadata", Json::object({{"name", name}})}}));
}

kube::Object role(const char* name, Json rules) {
  kube::Object object = named("rbac.authorization.k8s.io/v1", "ClusterRole", name);
  object.set_label("kubernetes.io/bootstrapping", "rbac-defaults");
  object.set({"rules"}, std::move(rules));
  return object;
}

// A role to which others add rules by their label rbac.authorization.k8s.io/aggregate-to-<name>.
kube::Object aggregated(const char* name, Json rules) {
  kube::Object object = role(name, std::move(rules));
  const std::string label = std::string("rbac.authorization.k8s.io/aggregate-to-") + name;
  object.set(
      {"aggregationRule"},
      Json::object(
          {{"clusterRoleSelectors",
            Json::array({Json::object({{"matchLabels", Json::object({{label, "true"}})}})})}}));
  return object;
}

kube::Object binding(const char* name, const char* role_name,
                     std::initializer_list<const char*> groups) {
  kube::Object object = named("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name);
  object.set_label("kubernetes.io/bootstrapping", "rbac-defaults");
  object.set({"roleRef"},
             Json::object({{"apiGroup", kRbac}, {"kind", "ClusterRole"}, {"name", role_name}}));
  Json subjects = Json::array();
  for (const char* group : groups) {
    subjects.push_back(Json::object({{"apiGroup", kRbac}, {"kind", "Group"}, {"name", group}}));
  }
  object.set({"subjects"}, std::move(subjects));
  return object;
}

Json workloads() {
  return strings(
      {"configmaps", "events", "persistentvolumeclaims", "pods", "serviceaccounts", "services"});
}

Json view_rules() {
  return Json::array(
      {rule(strings({""}), workloads(), read_verbs()),
       rule(strings({""}), strings({"namespaces", "pods/log", "pods/status"}), read_verbs())});
}

Json edit_rules() {
  Json rules = view_rules();
  rules.push_back(rule(strings({""}), strings({"secrets"}), read_verbs()));
  rules.push_back(rule(strings({""}), workloads(), write_verbs()));
  rules.push_back(rule(strings({""}), strings({"secrets"}), write_verbs()));
  rules.push_back(rule(strings({"coordination.k8s.io"}), strings({"leases"}), strings({"*"})));
  return rules;
}

Json admin_rules() {
  Json rules = edit_rules();
  rules.push_back(rule(strings({kRbac}), strings({"roles", "rolebindings"}), strings({"*"})));
  return rules;
}

void add_roles(std::vector<kube::Object>& objects) {
  Json everything = rule(strings({"*"}), strings({"*"}), strings({"*"}));
  Json all_paths = Json::object({{"nonResourceURLs", strings({"*"})}, {"verbs", strings({"*"})}});
  objects.push_back(role("cluster-admin", Json::array({everything, all_paths})));
  objects.push_back(aggregated("admin", admin_rules()));
  objects.push_back(aggregated("edit", edit_rules()));
  objects.push_back(aggregated("view", view_rules()));
  objects.push_back(role("system:discovery",
                         Json::array({paths(strings({"/api", "/api/*", "/apis", "/apis/*",
                                                     "/healthz", "/livez", "/openapi", "/openapi/*",
                                                     "/readyz", "/version", "/version/"}))})));
  objects.push_back(role(
      "system:public-info-viewer",
      Json::array({paths(strings({"/healthz", "/livez", "/readyz", "/version", "/version/"}))})));
  objects.push_back(
      role("system:basic-user",
           Json::array({rule(strings({"authorization.k8s.io"}),
                             strings({"selfsubjectaccessreviews", "selfsubjectrulesreviews"}),
                             strings({"create"}))})));
  // For whoever binds it to bootstrap tokens: enough to ask for a certificate and to fetch it.
  objects.push_back(role(
      "system:node-bootstrapper",
      Json::array({rule(strings({"certificates.k8s.io"}), strings({"certificatesigningrequests"}),
                        strings({"create", "get", "list", "watch"}))})));
}

}  // namespace

std::vector<kube::Object> bootstrap_objects() {
  std::vector<kube::Object> objects;
  for (const char* ns : {"default", "kube-node-lease", "kube-public", "kube-system"}) {
    objects.push_back(named("v1", "Namespace", ns));
  }
  add_roles(objects);
  objects.push_back(binding("cluster-admin", "cluster-admin", {"system:masters"}));
  objects.push_back(binding("system:basic-user", "system:basic-user", {"system:authenticated"}));
  objects.push_back(binding("system:discovery", "system:discovery", {"system:authenticated"}));
  objects.push_back(binding("system:public-info-viewer", "system:public-info-viewer",
                            {"system:authenticated", "system:unauthenticated"}));
  return objects;
}

}  // namespace breakwater::apiserver
