// What of watches and verbs depends on this server: its clock, its history, its rules.
#include "tests/apiserver/world.h"

namespace breakwater::apiserver::watch_test {

std::unique_ptr<kube::Watch> open(World& world, const kube::Kind& kind,
                                  const kube::WatchOptions& options = {}) {
  auto watch = world.admin->watch(kind, "demo", options);
  EXPECT_TRUE(watch) << watch.error().to_string();
  return watch ? std::move(*watch) : nullptr;
}

TEST(Watch, FallsBehindItsHistory) {
  Settings settings;
  settings.history = 4;
  World world(settings);
  const std::string before = world.create(kMapKind, "first").resource_version();
  auto lagging = open(world, kMapKind, {{}, {}, before});
  ASSERT_TRUE(lagging);
  for (int i = 0; i < 4; ++i) world.create(kMapKind, "m" + std::to_string(i));
  ASSERT_TRUE(open(world, kMapKind, {{}, {}, before}));  // just within reach
  world.create(kMapKind, "m4");
  const auto event = lagging->next();
  ASSERT_FALSE(event);
  EXPECT_TRUE(event.error().is(Code::kExpired));
  const auto late = world.admin->watch(kMapKind, "demo", {{}, {}, before});
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(Code::kExpired));
  // Other kinds have a history of their own.
  EXPECT_TRUE(world.admin->watch(kShipKind, "demo", {{}, {}, before}));
}

TEST(Watch, FromTheFutureIsExpired) {
  World world;
  const auto watch = world.admin->watch(kMapKind, "demo", {{}, {}, "999999"});
  ASSERT_FALSE(watch);
  EXPECT_TRUE(watch.error().is(Code::kExpired));
}

TEST(Watch, BookmarksTellAQuietWatchWhereItStands) {
  Settings settings;
  settings.bookmark_interval = std::chrono::seconds(10);
  World world(settings);
  auto watch = open(world, kMapKind);
  ASSERT_TRUE(watch);
  EXPECT_FALSE(watch->next()->has_value());
  world.ship("s");  // another kind: nothing to see, but the version goes on
  world.clock.advance(std::chrono::seconds(11));
  const auto bookmark = watch->next();
  ASSERT_TRUE(bookmark && *bookmark);
  EXPECT_EQ((*bookmark)->type, kube::WatchEvent::Type::kBookmark);
  EXPECT_EQ((*bookmark)->object.resource_version(),
            std::to_string(world.server->resource_version()));
  EXPECT_EQ((*bookmark)->object.kind(), "ConfigMap");
  EXPECT_FALSE(watch->next()->has_value());
}

TEST(Watch, WakesItsOwnersOnly) {
  World world;
  int maps = 0, ships = 0;
  auto map_watch = open(world, kMapKind);
  auto ship_watch = open(world, kShipKind);
  map_watch->set_wake([&maps] { ++maps; });
  ship_watch->set_wake([&ships] { ++ships; });
  world.create(kMapKind, "m");
  EXPECT_EQ(maps, 1);
  EXPECT_EQ(ships, 0);
  map_watch.reset();
  world.create(kMapKind, "n");
  EXPECT_EQ(maps, 1);
}

TEST(Watch, SharesTheTreesOfObjects) {
  World world;
  auto one = open(world, kMapKind);
  auto two = open(world, kMapKind);
  world.create(kMapKind, "m", "data: {k: v}");
  const auto first = one->next(), second = two->next();
  ASSERT_TRUE(first && *first && second && *second);
  EXPECT_EQ(&(*first)->object.json().members(), &(*second)->object.json().members());
}

struct UpdateCase {
  const char* what;
  kube::Kind kind;
  const char* before;
  const char* patch;
  const char* error;  // "" = allowed
};

const UpdateCase kUpdateCases[] = {
    {"a pod's image", kPodKind, "spec: {containers: [{name: c, image: i}]}",
     R"([{"op": "replace", "path": "/spec/containers/0/image", "value": "j"}])", ""},
    {"a pod's node, once", kPodKind, "spec: {containers: [{name: c, image: i}]}",
     R"([{"op": "add", "path": "/spec/nodeName", "value": "n"}])", ""},
    {"a pod's node, again", kPodKind, "spec: {nodeName: n, containers: [{name: c, image: i}]}",
     R"([{"op": "replace", "path": "/spec/nodeName", "value": "m"}])", "spec: Forbidden"},
    {"a pod's command", kPodKind, "spec: {containers: [{name: c, image: i}]}",
     R"([{"op": "add", "path": "/spec/containers/0/command", "value": ["x"]}])", "spec: Forbidden"},
    {"a secret's type", kSecretKind, "type: Opaque",
     R"([{"op": "replace", "path": "/type", "value": "other"}])", "type: Invalid value"},
    {"an immutable map", kMapKind, "{immutable: true, data: {a: b}}",
     R"([{"op": "add", "path": "/data/c", "value": "d"}])", "data: Forbidden"},
    {"an immutable map's labels", kMapKind, "{immutable: true, data: {a: b}}",
     R"([{"op": "add", "path": "/metadata/labels", "value": {"c": "d"}}])", ""},
    {"a uid", kMapKind, "{}", R"([{"op": "replace", "path": "/metadata/uid", "value": "x"}])",
     "Precondition failed"},
    {"a name", kMapKind, "{}", R"([{"op": "replace", "path": "/metadata/name", "value": "y"}])",
     "cannot change"},
    {"a birthday", kMapKind, "{}",
     R"([{"op": "replace", "path": "/metadata/creationTimestamp",)"
     R"( "value": "2020-01-01T00:00:00Z"}])",
     "field is immutable"},
    {"two controllers", kMapKind, "{}",
     R"([{"op": "add", "path": "/metadata/ownerReferences", "value": [
          {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1", "controller": true},
          {"apiVersion": "v1", "kind": "Pod", "name": "b", "uid": "2", "controller": true}]}])",
     "Only one reference can have Controller set to true"},
    {"finalizers that are no list", kMapKind, "{}",
     R"([{"op": "add", "path": "/metadata/finalizers", "value": "test/a"}])",
     "metadata.finalizers: Invalid value"},
    {"a finalizer without a domain that is none", kMapKind, "{}",
     R"([{"op": "add", "path": "/metadata/finalizers", "value": ["not valid"]}])",
     "metadata.finalizers: Invalid value"},
};

TEST(Update, KeepsTheRulesOfBuiltInKinds) {
  for (const UpdateCase& c : kUpdateCases) {
    World world;
    world.create(c.kind, "x", c.before);
    const auto patch = parse_json(c.patch);
    ASSERT_TRUE(patch) << c.what;
    const auto patched = world.admin->patch(c.kind, {"demo", "x"}, kube::PatchType::kJson, *patch);
    const std::string error = patched ? "" : patched.error().message();
    if (*c.error == '\0') {
      EXPECT_EQ(error, "") << c.what;
    } else {
      EXPECT_NE(error.find(c.error), std::string::npos) << c.what << ": " << error;
    }
  }
}

TEST(Create, NeverShowsASecretsValue) {
  World world;
  kube::Object secret(yaml("data: {password: '*not base64*'}"));
  secret.set({"metadata"}, yaml("{name: s, namespace: demo}"));
  const auto made = world.admin->create(kSecretKind, secret);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(),
            "Secret \"s\" is invalid: data[password]: Invalid value: must be "
            "base64");
}

TEST(Create, GivesClaimsTheDefaultStorageClass) {
  World world;
  constexpr kube::Kind kClass{"storage.k8s.io", "v1",  "StorageClass",
                              "storageclasses", false, false};
  constexpr kube::Kind kClaim{"",   "v1", "PersistentVolumeClaim", "persistentvolumeclaims",
                              true, true};
  ASSERT_TRUE(world.admin->create(kClass, kube::Object(yaml(R"(
metadata: {name: fast, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: test
)"))));
  constexpr std::string_view kSpec =
      "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}";
  const auto claim = world.create(kClaim, "a", fmt::format("spec: {{{}}}", kSpec));
  EXPECT_EQ(claim.spec()["storageClassName"].as_string(), "fast");
  const auto none =
      world.create(kClaim, "b", fmt::format("spec: {{{}, storageClassName: ''}}", kSpec));
  EXPECT_EQ(none.spec()["storageClassName"].as_string(), "");
}

}  // namespace breakwater::apiserver::watch_test
