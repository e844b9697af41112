// Create, update, patch, delete: what a Kubernetes API does with them.
#include "tests/conformance/fixtures.h"

namespace breakwater::conformance {

using WriteConformance = Conformance;
using Propagation = kube::DeleteOptions::Propagation;

template <class T>
std::string error_text(const Result<T>& result) {
  if (result) return "success";
  return std::string(code_name(result.error().code())) + ": " + result.error().message();
}

TEST_P(WriteConformance, CreateFillsInMetadata) {
  const Object ship = create(kShips, "s", "spec: {name: x}");
  EXPECT_FALSE(ship.uid().empty());
  EXPECT_FALSE(ship.resource_version().empty());
  EXPECT_NE(ship.created(), Time());
  EXPECT_EQ(ship.metadata()["generation"].as_int(), 1);
  EXPECT_EQ(ship.api_version(), "conformance.test/v1");
  EXPECT_EQ(ship.kind(), "Ship");
  const auto read = client_.get(kShips, ship.key());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, ship);
}

TEST_P(WriteConformance, GenerateNameMakesOneUp) {
  std::set<std::string> names;
  for (int i = 0; i < 5; ++i) {
    const Object map = create(kMaps, "", "metadata: {generateName: many-}");
    EXPECT_EQ(map.name().substr(0, 5), "many-");
    EXPECT_EQ(map.name().size(), 10u);
    names.insert(map.name());
  }
  EXPECT_EQ(names.size(), 5u);
}

TEST_P(WriteConformance, CreateRefuses) {
  create(kMaps, "taken");
  EXPECT_EQ(error_text(client_.create(kMaps, parsed("taken"))),
            "AlreadyExists: configmaps \"taken\" already exists");
  Object homeless = parsed("m");
  homeless.set({"metadata", "namespace"}, "nowhere");
  EXPECT_EQ(error_text(client_.create(kMaps, homeless)),
            "NotFound: namespaces \"nowhere\" not found");
  for (const char* name : {"Upper", "under_score", "-dash", "dot.", "a b", ""}) {
    const auto made = client_.create(kMaps, parsed(name));
    ASSERT_FALSE(made) << name;
    EXPECT_TRUE(made.error().is(Code::kInvalid)) << name << made.error().message();
  }
  Object versioned = parsed("m");
  versioned.set({"metadata", "resourceVersion"}, "1");
  EXPECT_TRUE(client_.create(kMaps, versioned).error().is(Code::kInvalid));
  EXPECT_TRUE(client_.create(kMaps, parsed("m", "metadata: {labels: {a: 'b c'}}"))
                  .error()
                  .is(Code::kInvalid));
}

TEST_P(WriteConformance, SchemasDefaultPruneAndValidate) {
  const Object ship = create(kShips, "s", "{spec: {name: x, mast: 2, cargo: {any: thing}}}");
  EXPECT_EQ(ship.spec(), yaml("{name: x, crew: 3, cargo: {any: thing}}"));
  EXPECT_EQ(
      error_text(client_.create(kShips, parsed("t", "spec: {name: 5}"))),
      "Invalid: Ship.conformance.test \"t\" is invalid: spec.name: Invalid value: \"integer\": "
      "spec.name in body must be of type string: \"integer\"");
  const auto two = client_.create(kShips, parsed("t", "spec: {name: ABC, crew: 0}"));
  ASSERT_FALSE(two);
  EXPECT_NE(two.error().message().find("spec.name in body should match"), std::string::npos);
  EXPECT_NE(two.error().message().find("spec.crew in body should be greater than or equal to 1"),
            std::string::npos);
  EXPECT_TRUE(merge(kShips, "s", "spec: {crew: none}").error().is(Code::kInvalid));
}

TEST_P(WriteConformance, UpdateNeedsTheCurrentVersion) {
  const Object first = create(kMaps, "m", "data: {n: \"1\"}");
  Object second = first;
  second.set({"data", "n"}, "2");
  const auto updated = client_.update(kMaps, second);
  ASSERT_TRUE(updated);
  EXPECT_NE(updated->resource_version(), first.resource_version());
  Object late = first;
  late.set({"data", "n"}, "3");
  EXPECT_EQ(error_text(client_.update(kMaps, late)),
            "Conflict: Operation cannot be fulfilled on configmaps \"m\": the object has been "
            "modified; please apply your changes to the latest version and try again");
  EXPECT_EQ(client_.get(kMaps, first.key())->json()["data"]["n"].as_string(), "2");
  EXPECT_EQ(error_text(client_.update(kMaps, parsed("absent"))),
            "NotFound: configmaps \"absent\" not found");
}

TEST_P(WriteConformance, UpdateKeepsWhatOnlyTheServerSets) {
  const Object before = create(kShips, "s", "spec: {name: x}");
  Object change = before;
  change.erase({"metadata", "uid"});
  change.erase({"metadata", "creationTimestamp"});
  change.erase({"metadata", "generation"});
  change.set({"spec", "name"}, "y");
  const auto after = client_.update(kShips, change);
  ASSERT_TRUE(after) << after.error().to_string();
  EXPECT_EQ(after->uid(), before.uid());
  EXPECT_EQ(after->metadata()["creationTimestamp"], before.metadata()["creationTimestamp"]);
  EXPECT_EQ(after->metadata()["generation"].as_int(), 2);
  change.set({"metadata", "uid"}, "00000000-0000-4000-8000-000000000000");
  change.erase({"metadata", "resourceVersion"});
  EXPECT_TRUE(client_.update(kShips, change).error().is(Code::kConflict));
}

TEST_P(WriteConformance, WhatChangesNothingIsNoWrite) {
  const Object ship = create(kShips, "s", "spec: {name: x}");
  EXPECT_EQ(client_.update(kShips, ship)->resource_version(), ship.resource_version());
  EXPECT_EQ(merge(kShips, "s", "spec: {name: x}")->resource_version(), ship.resource_version());
  EXPECT_EQ(merge(kShips, "s", "spec: {unknown: x}")->resource_version(), ship.resource_version());
}

TEST_P(WriteConformance, StatusIsWrittenApart) {
  Object ship = create(kShips, "s", "{spec: {name: x}, status: {place: port}}");
  EXPECT_TRUE(ship.status().is_null());
  ship.set({"status", "place"}, "sea");
  ship.set({"spec", "name"}, "y");
  auto updated = client_.update(kShips, ship);
  ASSERT_TRUE(updated);
  EXPECT_TRUE(updated->status().is_null());
  updated->set({"status", "place"}, "sea");
  updated->set({"spec", "name"}, "z");
  const auto with_status = client_.update_status(kShips, *updated);
  ASSERT_TRUE(with_status) << with_status.error().to_string();
  EXPECT_EQ(with_status->status()["place"].as_string(), "sea");
  EXPECT_EQ(with_status->spec()["name"].as_string(), "y");
  EXPECT_EQ(with_status->metadata()["generation"].as_int(), 2);  // the status does not count
  const auto patched = merge(kShips, "s", "{spec: {name: q}, status: {place: home}}", "status");
  ASSERT_TRUE(patched);
  EXPECT_EQ(patched->status()["place"].as_string(), "home");
  EXPECT_EQ(patched->spec()["name"].as_string(), "y");
}

TEST_P(WriteConformance, WithoutTheSubresourceStatusIsAFieldLikeOthers) {
  Object buoy = create(kBuoys, "b", "{spec: {name: x}, status: {place: port}}");
  EXPECT_EQ(buoy.status()["place"].as_string(), "port");
  buoy.set({"status", "place"}, "sea");
  const auto updated = client_.update_status(kBuoys, buoy);
  ASSERT_TRUE(updated) << updated.error().to_string();
  EXPECT_EQ(updated->status()["place"].as_string(), "sea");
  EXPECT_EQ(updated->metadata()["generation"].as_int(), 2);
}

TEST_P(WriteConformance, PatchesOfThreeTypes) {
  create(kMaps, "m", "data: {a: \"1\", b: \"2\"}");
  const Key key{"conf", "m"};
  auto map = merge(kMaps, "m", "data: {a: null, c: \"3\"}");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->json()["data"], yaml("{b: \"2\", c: \"3\"}"));
  map = client_.patch(kMaps, key, PatchType::kJson,
                      yaml("[{op: test, path: /data/b, value: \"2\"}, {op: replace, path: /data/b, "
                           "value: \"9\"}]"));
  ASSERT_TRUE(map);
  EXPECT_EQ(map->json()["data"]["b"].as_string(), "9");
  const auto failing =
      client_.patch(kMaps, key, PatchType::kJson,
                    yaml("[{op: remove, path: /data/c}, {op: test, path: /data/b, value: x}]"));
  EXPECT_TRUE(failing.error().is(Code::kInvalid));
  EXPECT_EQ(client_.get(kMaps, key)->json()["data"].size(), 2u);  // all or nothing
  create(kPods, "p", "spec: {containers: [{name: a, image: i}, {name: b, image: i}]}");
  const auto pod = client_.patch(kPods, {"conf", "p"}, PatchType::kStrategic,
                                 yaml("spec: {containers: [{name: b, image: j}]}"));
  ASSERT_TRUE(pod) << pod.error().to_string();
  EXPECT_EQ(pod->spec()["containers"].size(), 2u);
  EXPECT_EQ(pod->spec()["containers"][1]["image"].as_string(), "j");
  create(kShips, "s");
  const auto custom =
      client_.patch(kShips, {"conf", "s"}, PatchType::kStrategic, yaml("spec: {name: x}"));
  EXPECT_TRUE(custom.error().is(Code::kUnsupported)) << error_text(custom);
  EXPECT_EQ(error_text(merge(kMaps, "absent", "{}")), "NotFound: configmaps \"absent\" not found");
}

TEST_P(WriteConformance, PatchesCarryingAVersionConflict) {
  const Object map = create(kMaps, "m");
  const std::string patch = fmt::format("{{metadata: {{resourceVersion: \"{}\"}}, data: {{x: y}}}}",
                                        map.resource_version());
  EXPECT_TRUE(merge(kMaps, "m", patch));
  EXPECT_TRUE(merge(kMaps, "m", patch).error().is(Code::kConflict));
}

TEST_P(WriteConformance, DeleteHonoursPreconditions) {
  const Object map = create(kMaps, "m");
  kube::DeleteOptions options;
  options.uid = "00000000-0000-4000-8000-000000000000";
  EXPECT_TRUE(client_.remove(kMaps, map.key(), options).error().is(Code::kConflict));
  options.uid = map.uid();
  options.resource_version = "1";
  EXPECT_TRUE(client_.remove(kMaps, map.key(), options).error().is(Code::kConflict));
  options.resource_version = map.resource_version();
  EXPECT_TRUE(client_.remove(kMaps, map.key(), options));
  EXPECT_EQ(error_text(client_.remove(kMaps, map.key())), "NotFound: configmaps \"m\" not found");
}

TEST_P(WriteConformance, FinalizersHoldADeletedObject) {
  const Object map = create(kMaps, "m", "metadata: {finalizers: [test/a, test/b]}");
  ASSERT_TRUE(client_.remove(kMaps, map.key()));
  auto held = client_.get(kMaps, map.key());
  ASSERT_TRUE(held);
  EXPECT_TRUE(held->is_deleting());
  EXPECT_EQ(error_text(client_.create(kMaps, parsed("m"))),
            "AlreadyExists: object is being deleted: configmaps \"m\" already exists");
  // It can still be changed, but gets no new finalizer and cannot come back to life.
  const auto added = merge(kMaps, "m", "metadata: {finalizers: [test/a, test/b, test/c]}");
  EXPECT_TRUE(added.error().is(Code::kInvalid));
  Object alive = *held;
  alive.erase({"metadata", "deletionTimestamp"});
  alive.set({"data", "x"}, "y");
  held = client_.update(kMaps, alive);
  ASSERT_TRUE(held);
  EXPECT_TRUE(held->is_deleting());
  ASSERT_TRUE(merge(kMaps, "m", "metadata: {finalizers: [test/b]}"));
  EXPECT_TRUE(client_.get(kMaps, map.key()));
  ASSERT_TRUE(merge(kMaps, "m", "metadata: {finalizers: []}"));
  EXPECT_TRUE(client_.get(kMaps, map.key()).error().is(Code::kNotFound));
}

TEST_P(WriteConformance, OwnedObjectsFollowTheirOwner) {
  const Object ship = create(kShips, "s");
  for (const char* name : {"background", "orphan"}) {
    Object map = parsed(name);
    map.add_owner(ship, true);
    ASSERT_TRUE(client_.create(kMaps, map));
  }
  ASSERT_TRUE(merge(kMaps, "orphan", "metadata: {ownerReferences: null}"));
  ASSERT_TRUE(client_.remove(kShips, ship.key()));
  EXPECT_TRUE(comes_true([&] { return !client_.get(kMaps, {"conf", "background"}); }));
  EXPECT_TRUE(client_.get(kMaps, {"conf", "orphan"}));
}

TEST_P(WriteConformance, ForegroundDeletionTakesDependentsFirst) {
  const Object ship = create(kShips, "s");
  Object map = parsed("held", "metadata: {finalizers: [test/hold]}");
  map.add_owner(ship, true, true);
  ASSERT_TRUE(client_.create(kMaps, map));
  kube::DeleteOptions options;
  options.propagation = Propagation::kForeground;
  ASSERT_TRUE(client_.remove(kShips, ship.key(), options));
  EXPECT_TRUE(comes_true([&] { return client_.get(kMaps, {"conf", "held"})->is_deleting(); }));
  EXPECT_TRUE(client_.get(kShips, ship.key()));
  ASSERT_TRUE(merge(kMaps, "held", "metadata: {finalizers: null}"));
  EXPECT_TRUE(comes_true([&] { return !client_.get(kShips, ship.key()); }));
}

TEST_P(WriteConformance, NamespacesEndWithTheirContents) {
  create(kMaps, "m");
  create(kShips, "s");
  EXPECT_EQ(client_.get(kNamespaces, {"", "conf"})->phase(), "Active");
  ASSERT_TRUE(client_.remove(kNamespaces, {"", "conf"}));
  EXPECT_TRUE(comes_true([&] { return !client_.get(kNamespaces, {"", "conf"}); }));
  EXPECT_TRUE(client_.list(kMaps, "conf")->empty());
  EXPECT_TRUE(client_.list(kShips, "conf")->empty());
}

TEST_P(WriteConformance, BuiltInKindsBeginAsKubernetesBeginsThem) {
  const Object secret = create(kSecrets, "s", "stringData: {password: abc}");
  EXPECT_EQ(secret["type"].as_string(), "Opaque");
  EXPECT_EQ(secret["data"]["password"].as_string(), "YWJj");
  EXPECT_FALSE(secret.json().has("stringData"));
  const Object pod = create(kPods, "p", "spec: {containers: [{name: a, image: i}]}");
  EXPECT_EQ(pod.phase(), "Pending");
  EXPECT_EQ(pod.spec()["restartPolicy"].as_string(), "Always");
  const Object claim = create(
      kClaims, "c", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}");
  EXPECT_EQ(claim.phase(), "Pending");
  EXPECT_EQ(claim.spec()["volumeMode"].as_string(), "Filesystem");
  EXPECT_TRUE(client_.create(kPods, parsed("q", "spec: {}")).error().is(Code::kInvalid));
}

INSTANTIATE_TEST_SUITE_P(All, WriteConformance, testing::ValuesIn(subjects()),
                         [](const auto& made) { return made.param.name; });

}  // namespace breakwater::conformance
