// RBAC, as a table and through a client.
#include "tests/apiserver/world.h"

namespace breakwater::apiserver::access_test {

constexpr kube::Kind kRole{"rbac.authorization.k8s.io", "v1", "Role", "roles", true, false};
constexpr kube::Kind kClusterRole{
    "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false, false};
constexpr kube::Kind kRoleBinding{
    "rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true, false};
constexpr kube::Kind kClusterRoleBinding{"rbac.authorization.k8s.io", "v1",  "ClusterRoleBinding",
                                         "clusterrolebindings",       false, false};

void create_all(World& world) {
  const auto add = [&world](const kube::Kind& kind, std::string_view text) {
    const auto made = world.admin->create(kind, kube::Object(yaml(text)));
    ASSERT_TRUE(made) << made.error().to_string();
  };
  add(kRole, R"({metadata: {name: reader, namespace: demo}, rules: [
        {apiGroups: [""], resources: [configmaps], verbs: [get, list]},
        {apiGroups: [""], resources: [pods/log], verbs: [get]},
        {apiGroups: [sea.test], resources: ["*"], resourceNames: [flag], verbs: ["*"]}]})");
  add(kRoleBinding, R"({metadata: {name: reader, namespace: demo},
        roleRef: {kind: Role, name: reader}, subjects: [{kind: User, name: ann}]})");
  add(kRoleBinding, R"({metadata: {name: viewers, namespace: demo},
        roleRef: {kind: ClusterRole, name: view}, subjects: [{kind: Group, name: crew}]})");
  add(kClusterRole, R"({metadata: {name: ops}, rules: [
        {nonResourceURLs: ["/metrics", "/debug/*"], verbs: [get]},
        {apiGroups: ["*"], resources: ["*/status"], verbs: [update]},
        {apiGroups: [""], resources: [nodes], verbs: ["*"]}]})");
  add(kClusterRoleBinding, R"({metadata: {name: ops}, roleRef: {kind: ClusterRole, name: ops},
        subjects: [{kind: ServiceAccount, name: bot, namespace: demo}]})");
  // What others add to the role "view".
  add(kClusterRole, R"({metadata: {name: view-ships,
          labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}},
        rules: [{apiGroups: [sea.test], resources: [ships], verbs: [get, list, watch]}]})");
}

struct AccessCase {
  User user;
  Access access;
  bool allowed;
};

Access resource(std::string verb, std::string group, std::string name, std::string ns,
                std::string object = "", std::string subresource = "") {
  return {std::move(verb),
          std::move(group),
          std::move(name),
          std::move(subresource),
          std::move(ns),
          std::move(object),
          ""};
}
Access path(std::string verb, std::string at) {
  return {std::move(verb), "", "", "", "", "", std::move(at)};
}

TEST(Rbac, JudgesAsKubernetesDoes) {
  World world;
  create_all(world);
  const User ann{"ann", {"system:authenticated"}, ""};
  const User sailor{"sam", {"crew"}, ""};
  const User bot = service_account_user("demo", "bot");
  const AccessCase cases[] = {
      {admin_user(), resource("delete", "", "nodes", "", "n"), true},
      {anonymous_user(), resource("get", "", "configmaps", "demo", "m"), false},
      {anonymous_user(), path("get", "/version"), true},
      {anonymous_user(), path("get", "/apis"), false},
      {ann, path("get", "/apis"), true},
      {ann, path("get", "/apis/velero.io/v1"), true},
      {ann, resource("get", "", "configmaps", "demo", "m"), true},
      {ann, resource("watch", "", "configmaps", "demo"), false},
      {ann, resource("get", "", "configmaps", "default", "m"), false},
      {ann, resource("list", "", "configmaps", ""), false},
      {ann, resource("get", "", "pods", "demo", "p", "log"), true},
      {ann, resource("get", "", "pods", "demo", "p"), false},
      {ann, resource("update", "sea.test", "ships", "demo", "flag"), true},
      {ann, resource("update", "sea.test", "ships", "demo", "other"), false},
      {ann, resource("list", "sea.test", "ships", "demo"), false},
      {sailor, resource("list", "", "pods", "demo"), true},
      {sailor, resource("list", "", "secrets", "demo"), false},
      {sailor, resource("watch", "sea.test", "ships", "demo"), true},
      {sailor, resource("create", "sea.test", "ships", "demo"), false},
      {bot, resource("create", "", "nodes", ""), true},
      {bot, resource("update", "sea.test", "ships", "any", "s", "status"), true},
      {bot, resource("update", "sea.test", "ships", "any", "s"), false},
      {bot, path("get", "/debug/pprof"), true},
      {bot, path("get", "/debugger"), false},
      {service_account_user("other", "bot"), resource("create", "", "nodes", ""), false},
  };
  for (const AccessCase& c : cases) {
    EXPECT_EQ(authorize(world.server->reader(), c.user, c.access).allowed, c.allowed)
        << c.user.name << " " << c.access.verb << " " << c.access.resource << c.access.path;
  }
}

TEST(Rbac, IsEnforcedForEveryVerb) {
  World world;
  create_all(world);
  world.create(kMapKind, "m");
  const auto ann = world.server->client({"ann", {}, ""});
  EXPECT_TRUE(ann->get(kMapKind, {"demo", "m"}));
  EXPECT_TRUE(ann->list_page(kMapKind, "demo", {}));
  const kube::Object map = kube::Object::make(kMapKind, {"demo", "n"});
  const auto denied = [](const Result<>& result) {
    return result ? std::string("allowed") : result.error().message();
  };
  const auto plain = [](const auto& result) {
    return result ? Result<>() : Result<>(tl::unexpected(result.error()));
  };
  EXPECT_EQ(
      denied(plain(ann->create(kMapKind, map))),
      "configmaps is forbidden: User \"ann\" cannot create resource \"configmaps\" in API group "
      "\"\" in the namespace \"demo\"");
  EXPECT_EQ(
      denied(plain(ann->list_page(kMapKind, "", {}))),
      "configmaps is forbidden: User \"ann\" cannot list resource \"configmaps\" in API group "
      "\"\" at the cluster scope");
  EXPECT_EQ(
      denied(ann->remove(kMapKind, {"demo", "m"})),
      "configmaps \"m\" is forbidden: User \"ann\" cannot delete resource \"configmaps\" in API "
      "group \"\" in the namespace \"demo\"");
  kube::Object ship = kube::Object::make(kShipKind, {"demo", "s"});
  EXPECT_EQ(
      denied(plain(ann->update_status(kShipKind, ship))),
      "ships.sea.test \"s\" is forbidden: User \"ann\" cannot update resource \"ships/status\" "
      "in API group \"sea.test\" in the namespace \"demo\"");
  EXPECT_TRUE(ann->update(kMapKind, map).error().is(Code::kForbidden));
  EXPECT_TRUE(ann->patch(kMapKind, {"demo", "m"}, kube::PatchType::kMerge, yaml("{}"))
                  .error()
                  .is(Code::kForbidden));
  EXPECT_TRUE(ann->watch(kMapKind, "demo", {}).error().is(Code::kForbidden));
}

TEST(Rbac, ARuleForOneNameAllowsListsOfThatNameAlone) {
  World world;
  const auto add = [&world](const kube::Kind& kind, std::string_view text) {
    ASSERT_TRUE(world.admin->create(kind, kube::Object(yaml(text))));
  };
  add(kRole, R"({metadata: {name: one, namespace: demo}, rules: [
        {apiGroups: [""], resources: [configmaps], resourceNames: [mine],
         verbs: [list, watch]}]})");
  add(kRoleBinding, R"({metadata: {name: one, namespace: demo},
        roleRef: {kind: Role, name: one}, subjects: [{kind: User, name: ann}]})");
  world.create(kMapKind, "mine");
  world.create(kMapKind, "other");
  const auto ann = world.server->client({"ann", {}, ""});
  kube::ListOptions options;
  EXPECT_EQ(ann->list_page(kMapKind, "demo", options).error().code(), Code::kForbidden);
  options.fields = kube::FieldSelector::name("other");
  EXPECT_EQ(ann->list_page(kMapKind, "demo", options).error().code(), Code::kForbidden);
  options.fields = kube::FieldSelector::parse("metadata.name!=mine").value();
  EXPECT_EQ(ann->list_page(kMapKind, "demo", options).error().code(), Code::kForbidden);
  options.fields = kube::FieldSelector::name("mine");
  const auto mine = ann->list_page(kMapKind, "demo", options);
  ASSERT_TRUE(mine) << mine.error().to_string();
  EXPECT_EQ(mine->items.size(), 1u);
  kube::WatchOptions watched;
  EXPECT_FALSE(ann->watch(kMapKind, "demo", watched));
  watched.fields = options.fields;
  EXPECT_TRUE(ann->watch(kMapKind, "demo", watched));
}

TEST(Rbac, ReviewsAnswerInProcessToo) {
  World world;
  create_all(world);
  constexpr kube::Kind kReview{"authorization.k8s.io", "v1", "SubjectAccessReview",
                               "subjectaccessreviews", false};
  const auto may = [&](kube::Client& client, std::string_view user, std::string_view verb) {
    kube::Object review = kube::Object::make(kReview, {});
    review.set({"spec"}, yaml(fmt::format("{{user: {}, resourceAttributes: {{verb: {}, resource: "
                                          "configmaps, namespace: demo}}}}",
                                          user, verb)));
    const auto answer = client.create(kReview, review);
    if (!answer) return answer.error().message();
    return std::string(answer->status()["allowed"].as_bool() ? "yes" : "no");
  };
  EXPECT_EQ(may(*world.admin, "ann", "list"), "yes");
  EXPECT_EQ(may(*world.admin, "ann", "delete"), "no");
  EXPECT_EQ(may(*world.admin, "nobody", "list"), "no");
  EXPECT_EQ(may(*world.server->client({"ann", {}, ""}), "bot", "list"),
            "subjectaccessreviews is forbidden: User \"ann\" cannot create resource "
            "\"subjectaccessreviews\" in API group \"authorization.k8s.io\" at the cluster "
            "scope");
  EXPECT_EQ(world.admin->get(kReview, {"", "x"}).error().code(), Code::kNotFound);
}

}  // namespace breakwater::apiserver::access_test
