// Which clusters a Placement chooses, and that no cluster which stays is ever missing from its
// pages.
#include "policy/placement.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "base/yaml.h"
#include "tests/policy/hub_world.h"

namespace breakwater::policy::hub_tests {
namespace {

kube::Object managed_cluster(const std::string& name, const std::string& set,
                             const std::string& region) {
  kube::Object cluster = kube::Object::make(api::kManagedCluster, {"", name});
  if (!set.empty()) cluster.set_label(api::kClusterSetLabel, set);
  cluster.set_label("region", region);
  cluster.set({"status", "clusterClaims"},
              Json::array({Json::object({{"name", "url"}, {"value", "https://" + name + "/"}})}));
  return cluster;
}

void add_taint(kube::Object& cluster, const char* key, const char* effect) {
  cluster.set({"spec", "taints"},
              Json::array({Json::object(
                  {{"key", key}, {"effect", effect}, {"timeAdded", "2026-11-21T00:00:00Z"}})}));
}

// a (default set, east), b (no label, west), c (set "special", east), d (default, west, tainted).
PlacementInputs placement_inputs(const char* spec_yaml,
                                 std::vector<std::string> bound = {"default"}) {
  PlacementInputs inputs;
  inputs.now = *parse_rfc3339("2026-11-21T00:10:00Z");
  inputs.placement = kube::Object::make(api::kPlacement, {"ns", "p"});
  inputs.placement.set({"spec"}, parse_yaml(spec_yaml)->front());
  inputs.clusters = {managed_cluster("a", "default", "east"), managed_cluster("b", "", "west"),
                     managed_cluster("c", "special", "east"),
                     managed_cluster("d", "default", "west")};
  add_taint(inputs.clusters[3], "broken", "NoSelect");
  kube::Object special = kube::Object::make(api::kManagedClusterSet, {"", "special"});
  special.set({"spec", "clusterSelector", "selectorType"}, "ExclusiveClusterSetLabel");
  inputs.sets = {special};
  for (const std::string& name : bound) {
    kube::Object binding = kube::Object::make(api::kManagedClusterSetBinding, {"ns", name});
    binding.set({"spec", "clusterSet"}, name);
    inputs.bindings.push_back(binding);
  }
  return inputs;
}

struct PlacementCase {
  const char* what;
  const char* spec;
  std::vector<std::string> bound;
  std::vector<std::string> chosen;
  const char* reason;
};

constexpr const char* kDone = "AllDecisionsScheduled";

void expect_choices(const std::vector<PlacementCase>& cases) {
  for (const PlacementCase& one : cases) {
    const PlacementChoice choice = choose_clusters(placement_inputs(one.spec, one.bound));
    EXPECT_EQ(choice.clusters, one.chosen) << one.what;
    EXPECT_EQ(choice.reason, one.reason) << one.what;
    EXPECT_EQ(choice.satisfied, one.reason == std::string(kDone)) << one.what;
  }
}

TEST(Placement, ChoosesFromTheBoundSetsByLabels) {
  expect_choices(
      {{"the default set has clusters without a label",
        "{clusterSets: []}",
        {"default"},
        {"a", "b"},
        kDone},
       {"the global set has all", "{clusterSets: []}", {"global"}, {"a", "b", "c"}, kDone},
       {"a named set", "{clusterSets: [special]}", {"default", "special"}, {"c"}, kDone},
       {"a set that is not bound", "{clusterSets: [special]}", {"default"}, {}, "NoIntersection"},
       {"no binding", "{clusterSets: []}", {}, {}, "NoManagedClusterSetBindings"},
       {"a binding to no set", "{clusterSets: []}", {"nowhere"}, {}, "NoManagedClusterSetBindings"},
       {"labels",
        "{predicates: [{requiredClusterSelector: {labelSelector: {matchLabels: {region: east}}}}]}",
        {"global"},
        {"a", "c"},
        kDone},
       {"either predicate",
        "{predicates: [{requiredClusterSelector: {labelSelector: {matchLabels: {region: west}}}},"
        " {requiredClusterSelector: {labelSelector: {matchExpressions:"
        " [{key: cluster.open-cluster-management.io/clusterset, operator: In,"
        " values: [special]}]}}}]}",
        {"global"},
        {"b", "c"},
        kDone}});
}

TEST(Placement, ChoosesByClaimsTaintsAndNumber) {
  expect_choices(
      {{"a claim that no label could hold",
        "{predicates: [{requiredClusterSelector: {claimSelector: {matchExpressions:"
        " [{key: url, operator: In, values: ['https://a/']}]}}}]}",
        {"global"},
        {"a"},
        kDone},
       {"NotIn and DoesNotExist of claims",
        "{predicates: [{requiredClusterSelector: {claimSelector: {matchExpressions:"
        " [{key: url, operator: NotIn, values: ['https://a/']},"
        " {key: gone, operator: DoesNotExist}]}}}]}",
        {"global"},
        {"b", "c"},
        kDone},
       {"no cluster matches",
        "{predicates: [{requiredClusterSelector: {labelSelector: {matchLabels: {region: up}}}}]}",
        {"global"},
        {},
        "NoManagedClusterMatched"},
       {"tolerated",
        "{tolerations: [{key: broken, operator: Exists}]}",
        {"default"},
        {"a", "b", "d"},
        kDone},
       {"tolerated by anything",
        "{tolerations: [{operator: Exists}]}",
        {"default"},
        {"a", "b", "d"},
        kDone},
       {"tolerated with another value",
        "{tolerations: [{key: broken, value: x}]}",
        {"default"},
        {"a", "b"},
        kDone},
       {"no longer tolerated",
        "{tolerations: [{key: broken, operator: Exists, tolerationSeconds: 300}]}",
        {"default"},
        {"a", "b"},
        kDone},
       {"so many", "{numberOfClusters: 1}", {"global"}, {"a"}, kDone},
       {"fewer than asked for",
        "{numberOfClusters: 9}",
        {"global"},
        {"a", "b", "c"},
        "NotAllDecisionsScheduled"}});
}

TEST(Placement, TolerationEndsAndSaysWhen) {
  const PlacementChoice choice = choose_clusters(
      placement_inputs("{tolerations: [{key: broken, operator: Exists, tolerationSeconds: 900}]}"));
  EXPECT_EQ(choice.clusters, (std::vector<std::string>{"a", "b", "d"}));
  EXPECT_EQ(choice.again, std::chrono::minutes(5));
}

TEST(Placement, KeepsWhatItHasChosen) {
  PlacementInputs few = placement_inputs("{numberOfClusters: 1}", {"global"});
  few.selected = {"c"};
  EXPECT_EQ(choose_clusters(few).clusters, std::vector<std::string>{"c"});
  PlacementInputs tainted = placement_inputs("{clusterSets: []}");
  add_taint(tainted.clusters[3], "new", "NoSelectIfNew");
  EXPECT_EQ(choose_clusters(tainted).clusters, (std::vector<std::string>{"a", "b"}));
  tainted.selected = {"d"};
  EXPECT_EQ(choose_clusters(tainted).clusters, (std::vector<std::string>{"a", "b", "d"}));
}

TEST(Placement, UnreadablePlacementKeepsItsClusters) {
  for (const char* spec :
       {"{predicates: [{requiredClusterSelector: {celSelector: {celExpressions: [x]}}}]}",
        "{predicates: [{requiredClusterSelector: {labelSelector: {matchExpressions:"
        " [{key: a, operator: Like}]}}}]}",
        "{predicates: [{requiredClusterSelector: {claimSelector: {matchExpressions:"
        " [{key: a, operator: In}]}}}]}"}) {
    PlacementInputs inputs = placement_inputs(spec);
    inputs.selected = {"a", "c"};
    const PlacementChoice choice = choose_clusters(inputs);
    EXPECT_EQ(choice.clusters, (std::vector<std::string>{"a", "c"})) << spec;
    EXPECT_FALSE(choice.misconfigured.empty()) << spec;
    EXPECT_FALSE(choice.satisfied) << spec;
  }
}

std::vector<std::string> many_clusters(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(fmt::format("c{:04}", i));
  return names;
}

TEST(Pages, StayAsTheyAreWhenClustersComeAndGo) {
  const auto first = arrange_pages({}, many_clusters(250));
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[0].clusters.size(), 100u);
  EXPECT_EQ(first[2].clusters.size(), 50u);
  // One that sorts first finds page 1 full; nobody moves for it.
  std::vector<std::string> selected = many_clusters(250);
  selected.insert(selected.begin(), "a");
  const auto second = arrange_pages(first, selected);
  EXPECT_EQ(second[0], first[0]);
  EXPECT_EQ(second[1], first[1]);
  EXPECT_EQ(second[2].clusters.front(), "a");
  // The room of one that goes is filled by the next that comes.
  selected.erase(std::find(selected.begin(), selected.end(), "c0007"));
  const auto third = arrange_pages(second, selected);
  EXPECT_EQ(third[0].clusters.size(), 99u);
  EXPECT_EQ(third[1], second[1]);
  selected.push_back("z");
  EXPECT_EQ(arrange_pages(third, selected)[0].clusters.back(), "z");
}

TEST(Pages, FirstIsAlwaysThereAndEmptyOnesAreNot) {
  EXPECT_EQ(arrange_pages({}, {}), (std::vector<DecisionPage>{{1, {}}}));
  EXPECT_EQ(arrange_pages({{1, {"a"}}, {2, {"b"}}}, {"a"}),
            (std::vector<DecisionPage>{{1, {"a"}}}));
  EXPECT_EQ(arrange_pages({{1, {"a"}}, {2, {"a", "b"}}}, {"a", "b"}),
            (std::vector<DecisionPage>{{1, {"a"}}, {2, {"b"}}}));
}

// With 230 clusters and after every single step of the hub: who stays chosen is on some page.
TEST(Pages, ClusterThatStaysIsNeverAbsent) {
  HubWorld world;
  world.place_virt_policies();
  for (const char* policy : {"install", "backup", "restore"}) {
    world.remove(api::kPolicy, {kPolicyNs, policy});  // pages are enough work
  }
  for (const std::string& name : many_clusters(230)) {
    kube::Object cluster = kube::Object::make(api::kManagedCluster, {"", name});
    cluster.set_label(api::kClusterSetLabel, "default");
    cluster.set_label(api::kVirtConfigLabel, "cfg");
    world.create(api::kManagedCluster, cluster);
  }
  world.settle();
  ASSERT_EQ(world.decided("virt").size(), 230u);
  const auto stays = world.decided("virt");
  const auto nobody_is_missing = [&] {
    const auto now = world.decided("virt");
    for (const std::string& name : stays) {
      if (name == "c0003" || name == "c0150") continue;
      ASSERT_TRUE(now.contains(name)) << name;
    }
  };
  for (const char* name : {"c0003", "c0150"}) {
    world.edit(api::kManagedCluster, {"", name}, false, [](kube::Object& cluster) {
      cluster.erase({"metadata", "labels", api::kVirtConfigLabel});
    });
  }
  for (const char* name : {"a1", "a2", "a3"}) {
    kube::Object cluster = kube::Object::make(api::kManagedCluster, {"", name});
    cluster.set_label(api::kVirtConfigLabel, "cfg");
    world.create(api::kManagedCluster, cluster);
  }
  world.run_for(std::chrono::seconds(2), nobody_is_missing);
  EXPECT_EQ(world.decided("virt").size(), 231u);
  world.remove(api::kPlacementDecision, {kPolicyNs, "virt-decision-2"});
  world.settle();
  EXPECT_EQ(world.decided("virt").size(), 231u);
  EXPECT_EQ(
      world.get(api::kPlacement, {kPolicyNs, "virt"}).status()["numberOfSelectedClusters"].as_int(),
      231);
}

TEST(Pages, SomebodyElsesDecisionsAreLeftAlone) {
  HubWorld world;
  world.place_virt_policies();
  world.edit(api::kPlacement, {kPolicyNs, "virt"}, false, [](kube::Object& placement) {
    placement.set_annotation(api::kSchedulingDisabled, "true");
  });
  world.add_cluster("cls1", "cfg");
  world.settle();
  EXPECT_TRUE(world.decided("virt").empty());
  kube::Object page = kube::Object::make(api::kPlacementDecision, {kPolicyNs, "elsewhere"});
  page.set_label(api::kPlacementLabel, "virt");
  page = world.create(api::kPlacementDecision, page);
  world.edit(api::kPlacementDecision, page.key(), true, [](kube::Object& object) {
    object.set({"status", "decisions"},
               Json::array({Json::object({{"clusterName", "cls1"}, {"reason", ""}})}));
  });
  world.settle();
  EXPECT_TRUE(world.has_replica("cls1", "install"));
}

}  // namespace
}  // namespace breakwater::policy::hub_tests
