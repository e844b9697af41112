// Garbage collection, namespaces, definitions, Events, ServiceAccounts.
#include "base/file.h"
#include "tests/apiserver/world.h"

namespace breakwater::apiserver::collect_test {

using Propagation = kube::DeleteOptions::Propagation;

kube::DeleteOptions how(Propagation propagation) {
  kube::DeleteOptions options;
  options.propagation = propagation;
  return options;
}

// A ConfigMap in "demo" that `owners` own.
void add_owned(World& world, std::string_view name, const std::vector<kube::Object>& owners,
               bool block = false) {
  kube::Object object = kube::Object::make(kMapKind, {"demo", std::string(name)});
  for (const kube::Object& owner : owners) object.add_owner(owner, false, block);
  ASSERT_TRUE(world.admin->create(kMapKind, object));
}

TEST(GarbageCollection, RemovesWhatTheLastOwnerLeaves) {
  World world;
  const auto one = world.ship("one"), two = world.ship("two");
  add_owned(world, "both", {one, two});
  add_owned(world, "only-one", {one});
  world.settle();
  EXPECT_TRUE(world.exists(kMapKind, {"demo", "both"}));
  ASSERT_TRUE(world.admin->remove(kShipKind, one.key()));
  world.settle();
  EXPECT_FALSE(world.exists(kMapKind, {"demo", "only-one"}));
  const auto both = world.admin->get(kMapKind, {"demo", "both"});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->metadata()["ownerReferences"].size(), 1u);  // the missing owner is forgotten
  ASSERT_TRUE(world.admin->remove(kShipKind, two.key()));
  world.settle();
  EXPECT_FALSE(world.exists(kMapKind, {"demo", "both"}));
}

TEST(GarbageCollection, GoesDownTheTree) {
  World world;
  const auto root = world.ship("root");
  add_owned(world, "child", {root});
  const auto child = world.admin->get(kMapKind, {"demo", "child"});
  ASSERT_TRUE(child);
  kube::Object pod = kube::Object(yaml("spec: {containers: [{name: c, image: i}]}"));
  pod.set({"metadata"}, yaml("{name: grandchild, namespace: demo}"));
  kube::Object owner = *child;
  pod.add_owner(owner, true);
  ASSERT_TRUE(world.admin->create(kPodKind, pod));
  ASSERT_TRUE(world.admin->remove(kShipKind, root.key()));
  world.settle();
  EXPECT_FALSE(world.exists(kPodKind, {"demo", "grandchild"}));
}

TEST(GarbageCollection, TakesAnOwnerInAnotherNamespaceForMissing) {
  World world;
  ASSERT_TRUE(world.add_namespace("far"));
  const auto owner = world.create(kShipKind, "s", "spec: {name: x}", "far");
  add_owned(world, "owned", {owner});
  world.settle();
  EXPECT_FALSE(world.exists(kMapKind, {"demo", "owned"}));
}

TEST(GarbageCollection, NoticesOwnersThatNeverWere) {
  World world;
  kube::Object ghost = kube::Object::make(kShipKind, {"demo", "ghost"});
  ghost.set({"metadata", "uid"}, "4b1c0d0e-0000-4000-8000-000000000000");
  add_owned(world, "owned", {ghost});
  world.settle();
  EXPECT_FALSE(world.exists(kMapKind, {"demo", "owned"}));
}

TEST(GarbageCollection, ForegroundWaitsForDependents) {
  World world;
  const auto ship = world.ship("s");
  add_owned(world, "held", {ship}, true);
  ASSERT_TRUE(world.admin->patch(kMapKind, {"demo", "held"}, kube::PatchType::kMerge,
                                 yaml("metadata: {finalizers: [test/hold]}")));
  ASSERT_TRUE(world.admin->remove(kShipKind, ship.key(), how(Propagation::kForeground)));
  world.settle();
  const auto waiting = world.admin->get(kShipKind, ship.key());
  ASSERT_TRUE(waiting);
  EXPECT_TRUE(waiting->is_deleting());
  EXPECT_TRUE(waiting->has_finalizer("foregroundDeletion"));
  EXPECT_TRUE(world.admin->get(kMapKind, {"demo", "held"})->is_deleting());
  ASSERT_TRUE(world.admin->patch(kMapKind, {"demo", "held"}, kube::PatchType::kMerge,
                                 yaml("metadata: {finalizers: null}")));
  world.settle();
  EXPECT_FALSE(world.exists(kShipKind, ship.key()));
  EXPECT_FALSE(world.exists(kMapKind, {"demo", "held"}));
}

TEST(GarbageCollection, OrphansStay) {
  World world;
  const auto ship = world.ship("s");
  add_owned(world, "orphan", {ship});
  ASSERT_TRUE(world.admin->remove(kShipKind, ship.key(), how(Propagation::kOrphan)));
  world.settle();
  EXPECT_FALSE(world.exists(kShipKind, ship.key()));
  const auto orphan = world.admin->get(kMapKind, {"demo", "orphan"});
  ASSERT_TRUE(orphan);
  EXPECT_TRUE(orphan->metadata()["ownerReferences"].is_null());
}

TEST(GarbageCollection, FinishesAfterARestart) {
  auto dir = TempDir::create(std::filesystem::temp_directory_path(), "collect-test-");
  ASSERT_TRUE(dir);
  Settings settings;
  settings.database = dir->path() / "objects.db";
  {
    World world(settings);
    const auto ship = world.ship("s");
    add_owned(world, "owned", {ship});
    ASSERT_TRUE(world.admin->remove(kShipKind, ship.key()));
    ASSERT_TRUE(world.admin->remove(kNamespaceKind, {"", "demo"}));
  }
  ManualClock clock(Time{});
  SeededRandom random(2);
  auto server = ApiServer::open(settings, clock, random, Logger());
  ASSERT_TRUE(server);
  for (int i = 0; i < 100 && (*server)->collect(); ++i) {
  }
  EXPECT_FALSE((*server)->reader().get(kMapKind, {"demo", "owned"}));
  EXPECT_FALSE((*server)->reader().get(kNamespaceKind, {"", "demo"}));
}

TEST(Namespaces, GoWithTheirContents) {
  World world;
  world.ship("s");
  for (int i = 0; i < 300; ++i) world.create(kMapKind, "m" + std::to_string(i));
  ASSERT_TRUE(world.admin->remove(kNamespaceKind, {"", "demo"}));
  const auto ns = world.admin->get(kNamespaceKind, {"", "demo"});
  ASSERT_TRUE(ns);
  EXPECT_EQ(ns->phase(), "Terminating");
  const auto late = world.admin->create(kMapKind, kube::Object::make(kMapKind, {"demo", "late"}));
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(Code::kForbidden));
  EXPECT_EQ(late.error().message(),
            "configmaps \"late\" is forbidden: unable to create new content in namespace demo "
            "because it is being terminated");
  world.settle();
  EXPECT_FALSE(world.exists(kNamespaceKind, {"", "demo"}));
  EXPECT_TRUE(world.admin->list(kMapKind, "demo")->empty());
  EXPECT_TRUE(world.add_namespace("demo"));
}

TEST(Namespaces, WaitForFinalizersOfTheirContents) {
  World world;
  world.create(kMapKind, "held", "metadata: {finalizers: [test/hold]}");
  ASSERT_TRUE(world.admin->remove(kNamespaceKind, {"", "demo"}));
  world.settle();
  EXPECT_TRUE(world.exists(kNamespaceKind, {"", "demo"}));
  EXPECT_TRUE(world.admin->get(kMapKind, {"demo", "held"})->is_deleting());
  ASSERT_TRUE(world.admin->patch(kMapKind, {"demo", "held"}, kube::PatchType::kMerge,
                                 yaml("metadata: {finalizers: []}")));
  world.settle();
  EXPECT_FALSE(world.exists(kNamespaceKind, {"", "demo"}));
}

TEST(Namespaces, SomeCannotBeDeleted) {
  World world;
  for (const char* name : {"default", "kube-system", "kube-public"}) {
    const auto removed = world.admin->remove(kNamespaceKind, {"", name});
    ASSERT_FALSE(removed);
    EXPECT_TRUE(removed.error().is(Code::kForbidden));
  }
}

TEST(Namespaces, HaveADefaultServiceAccount) {
  World world;
  world.settle();
  for (const char* ns : {"default", "kube-system", "demo"}) {
    EXPECT_TRUE(world.exists(kAccountKind, {ns, "default"})) << ns;
  }
  ASSERT_TRUE(world.admin->remove(kAccountKind, {"demo", "default"}));
  world.settle();
  EXPECT_TRUE(world.exists(kAccountKind, {"demo", "default"}));
}

TEST(Events, EndWithTheirTime) {
  World world;
  world.settle();
  world.create(kEventKind, "old", "lastTimestamp: \"2026-11-21T03:30:00Z\"");
  world.create(kEventKind, "new", "lastTimestamp: \"2026-11-21T04:00:00Z\"");
  world.clock.advance(std::chrono::minutes(61));
  world.settle();
  EXPECT_FALSE(world.exists(kEventKind, {"demo", "old"}));
  EXPECT_FALSE(world.exists(kEventKind, {"demo", "new"}));
  world.create(kEventKind, "later", "lastTimestamp: \"2026-11-21T05:00:30Z\"");
  world.clock.advance(std::chrono::minutes(50));
  world.settle();
  EXPECT_TRUE(world.exists(kEventKind, {"demo", "later"}));
}

TEST(Definitions, ServeTheirKindsAtOnceAndTakeTheirObjectsAlong) {
  World world;
  Json crd = ship_crd();
  crd.set({"metadata", "name"}, "boats.sea.test");
  crd.set({"spec", "names"}, yaml("{kind: Boat, plural: boats}"));
  auto made = world.admin->create(kCrdKind, kube::Object(crd));
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(kube::find_condition(*made, "Established")["status"].as_string(), "True");
  EXPECT_EQ(kube::find_condition(*made, "NamesAccepted")["status"].as_string(), "True");
  EXPECT_EQ(made->status()["acceptedNames"]["listKind"].as_string(), "BoatList");
  EXPECT_EQ(made->status()["storedVersions"], Json::array({"v1"}));
  constexpr kube::Kind kBoat{"sea.test", "v1", "Boat", "boats", true, true};
  world.create(kBoat, "b", "spec: {name: x}");
  world.create(kBoat, "held", "{spec: {name: x}, metadata: {finalizers: [test/hold]}}");

  ASSERT_TRUE(world.admin->remove(kCrdKind, {"", "boats.sea.test"}));
  world.settle();
  EXPECT_FALSE(world.exists(kBoat, {"demo", "b"}));
  EXPECT_TRUE(world.exists(kBoat, {"demo", "held"}));  // it and the definition wait
  kube::Object late(yaml("spec: {name: x}"));
  late.set({"metadata"}, yaml("{name: late, namespace: demo}"));
  EXPECT_FALSE(world.admin->create(kBoat, late));
  ASSERT_TRUE(world.admin->patch(kBoat, {"demo", "held"}, kube::PatchType::kMerge,
                                 yaml("metadata: {finalizers: null}")));
  world.settle();
  EXPECT_FALSE(world.exists(kCrdKind, {"", "boats.sea.test"}));
  const auto gone = world.admin->list_page(kBoat, "", {});
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().is(Code::kNotFound));
}

TEST(Definitions, RefuseWhatIsWrong) {
  World world;
  const struct {
    Json::Path path;
    Json value;
    const char* error;
  } cases[] = {
      {{"metadata", "name"}, "other.sea.test", "must be spec.names.plural"},
      {{"spec", "scope"}, "Planet", "spec.scope: Unsupported value"},
      {{"spec", "names", "kind"}, "", "spec.names.kind: Required value"},
      {{"spec", "versions"}, Json::array(), "exactly one version"},
  };
  for (const auto& c : cases) {
    Json crd = ship_crd();
    crd.set({"metadata", "name"}, "ships.sea.test");
    crd.set(c.path, c.value);
    const auto made = world.server->install_crds({crd});
    const auto created = world.admin->create(kCrdKind, kube::Object(crd));
    ASSERT_FALSE(created) << c.error;
    EXPECT_FALSE(made);
    EXPECT_NE(created.error().message().find(c.error), std::string::npos)
        << created.error().message();
  }
}

TEST(Definitions, CannotReplaceBuiltInKinds) {
  World world;
  Json crd = ship_crd();
  crd.set({"metadata", "name"}, "storageclasses.storage.k8s.io");
  crd.set({"spec", "group"}, "storage.k8s.io");
  crd.set({"spec", "names"}, yaml("{kind: StorageClass, plural: storageclasses}"));
  const auto made = world.admin->create(kCrdKind, kube::Object(crd));
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message().find("is built in"), std::string::npos);
}

TEST(Definitions, InstallingAgainChangesNothing) {
  World world;
  const uint64_t before = world.server->resource_version();
  ASSERT_TRUE(world.server->install_crds({ship_crd(), buoy_crd()}));
  EXPECT_EQ(world.server->resource_version(), before);
}

TEST(Definitions, EveryVersionShowsEveryObject) {
  World world;
  world.ship("s");
  constexpr kube::Kind kV2{"sea.test", "v2", "Ship", "ships", true, true};
  auto ship = world.admin->get(kV2, {"demo", "s"});
  ASSERT_TRUE(ship);
  EXPECT_EQ(ship->api_version(), "sea.test/v2");
  ship->set({"spec", "crew"}, 9);
  ASSERT_TRUE(world.admin->update(kV2, *ship));
  const auto v1 = world.admin->get(kShipKind, {"demo", "s"});
  EXPECT_EQ(v1->api_version(), "sea.test/v1");
  EXPECT_EQ(v1->spec()["crew"].as_int(), 9);
}

TEST(Collect, IsQuietWhenThereIsNothingToDo) {
  World world;
  world.settle();
  int wakes = 0;
  world.server->set_wake([&wakes] { ++wakes; });
  EXPECT_FALSE(world.server->collect());
  EXPECT_EQ(wakes, 0);
  world.create(kMapKind, "m");
  EXPECT_EQ(wakes, 1);
  EXPECT_FALSE(world.server->collect());
}

}  // namespace breakwater::apiserver::collect_test
