// Nothing is removed because something is absent.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/policy/hub_world.h"

namespace breakwater::policy::hub_tests {
namespace {

class RemovalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world.place_virt_policies();
    world.config_map("cfg", Json::object({{"credentials_hub_secret_name", "s"}}));
    world.secret("s", Json::object({{"RESTIC_PASSWORD", "p"}}));
    world.add_cluster("cls1", "cfg", "id-1");
    world.add_cluster("cls2", "cfg", "id-2");
    world.run_for(std::chrono::seconds(5));
    ASSERT_EQ(asked(), "");
  }

  std::string asked() {
    return world.replica("cls1", "backup").annotation(api::kRemovalAnnotation);
  }
  void unlabel(const std::string& cluster) {
    world.edit(api::kManagedCluster, {"", cluster}, false, [](kube::Object& object) {
      object.erase({"metadata", "labels", api::kVirtConfigLabel});
    });
  }
  void disable(bool disabled) {
    world.edit(api::kPolicy, {kPolicyNs, "backup"}, false, [&](kube::Object& policy) {
      policy.set({"spec", "disabled"}, disabled);
    });
  }

  HubWorld world;
};

TEST_F(RemovalTest, UnlabelledClusterIsAskedAfterAMinuteAndWaitedFor) {
  unlabel("cls1");
  world.run_for(std::chrono::seconds(55));
  EXPECT_EQ(asked(), "");
  world.run_for(std::chrono::seconds(10));
  EXPECT_EQ(asked(), "unplaced");
  world.run_for(std::chrono::hours(24));
  ASSERT_TRUE(world.has_replica("cls1", "backup"));  // the agent has not answered
  EXPECT_TRUE(world.exists(api::kSecret, {"cls1", "s"}));
  for (const char* policy : {"install", "backup", "restore"}) world.acknowledge("cls1", policy);
  world.settle();
  for (const char* policy : {"install", "backup", "restore"}) {
    EXPECT_FALSE(world.has_replica("cls1", policy)) << policy;
  }
  EXPECT_FALSE(world.exists(api::kSecret, {"cls1", "s"}));
  EXPECT_TRUE(world.has_replica("cls2", "backup"));
}

TEST_F(RemovalTest, LabelThatComesBackInTimeChangesNothing) {
  const std::string before = world.replica("cls1", "backup").resource_version();
  unlabel("cls1");
  world.run_for(std::chrono::seconds(50));
  world.edit(api::kManagedCluster, {"", "cls1"}, false,
             [](kube::Object& cluster) { cluster.set_label(api::kVirtConfigLabel, "cfg"); });
  world.run_for(std::chrono::seconds(50));
  EXPECT_EQ(world.replica("cls1", "backup").resource_version(), before);
  unlabel("cls1");  // and the minute begins anew
  world.run_for(std::chrono::seconds(50));
  EXPECT_EQ(asked(), "");
}

TEST_F(RemovalTest, IntentMayBeWithdrawn) {
  disable(true);
  world.settle();
  EXPECT_EQ(asked(), "disabled");
  disable(false);
  world.settle();
  EXPECT_EQ(asked(), "");
  disable(true);
  world.settle();
  world.acknowledge("cls1", "backup");
  disable(false);
  world.settle();
  EXPECT_EQ(asked(), "");
  EXPECT_EQ(world.replica("cls1", "backup").annotation(api::kRemovalDoneAnnotation), "");
}

TEST_F(RemovalTest, StaleAnswerToAnotherRemovalDoesNotCount) {
  world.edit(api::kPolicy, {"cls1", "policies.backup"}, false, [](kube::Object& replica) {
    replica.set_annotation(api::kRemovalDoneAnnotation, api::kRemovalDisabled);
  });
  disable(true);
  world.settle();
  EXPECT_EQ(asked(), "disabled");
  EXPECT_TRUE(world.has_replica("cls1", "backup"));
}

TEST_F(RemovalTest, LostPageOfDecisionsRemovesNothing) {
  // The hub is away while a page is lost, and whoever schedules does not come back.
  world.edit(api::kPlacement, {kPolicyNs, "virt"}, false, [](kube::Object& placement) {
    placement.set_annotation(api::kSchedulingDisabled, "true");
  });
  world.settle();
  world.remove(api::kPlacementDecision, {kPolicyNs, "virt-decision-1"});
  world.run_for(std::chrono::hours(1));
  EXPECT_EQ(asked(), "");
}

TEST_F(RemovalTest, LostPlacementOrBindingRemovesNothingAndIsSaid) {
  const auto said = [&](const char* what) {
    const auto events = world.client->list(api::kEvent, kPolicyNs);
    return events && std::any_of(events->begin(), events->end(), [&](const kube::Object& event) {
             return event["type"].as_string() == "Warning" &&
                    event["message"].as_string().find(what) != std::string::npos;
           });
  };
  world.remove(api::kPlacement, {kPolicyNs, "virt"});
  world.run_for(std::chrono::minutes(10));
  EXPECT_EQ(asked(), "");
  EXPECT_TRUE(said("its Placement is missing"));
  world.remove(api::kPlacementBinding, {kPolicyNs, "virt"});
  world.run_for(std::chrono::minutes(10));
  EXPECT_EQ(asked(), "");
  EXPECT_TRUE(said("no PlacementBinding places it any more"));
}

TEST_F(RemovalTest, DeletedPolicyIsConfirmedFirst) {
  world.remove(api::kPolicy, {kPolicyNs, "backup"});
  world.run_for(std::chrono::seconds(30));
  EXPECT_EQ(asked(), "");
  world.run_for(std::chrono::seconds(45));
  EXPECT_EQ(asked(), "deleted");
  world.create(api::kPolicy, virt_policy("backup", "VirtBackupPolicy"));
  world.settle();
  EXPECT_EQ(asked(), "");
}

TEST_F(RemovalTest, ClusterOutOfReachIsNotAsked) {
  world.edit(api::kManagedCluster, {"", "cls1"}, false, [](kube::Object& cluster) {
    cluster.erase({"metadata", "labels", api::kVirtConfigLabel});
    cluster.set(
        {"spec", "taints"},
        Json::array({Json::object({{"key", api::kUnreachableTaint}, {"effect", "NoSelect"}})}));
  });
  world.run_for(std::chrono::hours(1));
  EXPECT_EQ(asked(), "");
  world.edit(api::kManagedCluster, {"", "cls1"}, false, [](kube::Object& cluster) {
    cluster.erase({"spec", "taints"});
  });
  world.run_for(std::chrono::minutes(2));
  EXPECT_EQ(asked(), "unplaced");
}

TEST_F(RemovalTest, RestartOfTheHubBeginsTheMinuteAnew) {
  unlabel("cls1");
  world.run_for(std::chrono::seconds(50));
  world.start();
  world.run_for(std::chrono::seconds(50));
  EXPECT_EQ(asked(), "");
  world.run_for(std::chrono::seconds(20));
  EXPECT_EQ(asked(), "unplaced");
}

TEST_F(RemovalTest, ClusterThatLeavesIsAskedAtOnce) {
  world.edit(api::kManagedCluster, {"", "cls1"}, false,
             [](kube::Object& cluster) { cluster.add_finalizer(api::kClusterFinalizer); });
  world.remove(api::kManagedCluster, {"", "cls1"});
  world.settle();
  EXPECT_EQ(asked(), "unplaced");
}

TEST_F(RemovalTest, ClusterThatIsGoneLeavesNoReplicas) {
  world.remove(api::kManagedCluster, {"", "cls1"});
  world.settle();
  EXPECT_FALSE(world.has_replica("cls1", "backup"));
  EXPECT_FALSE(world.exists(api::kSecret, {"cls1", "s"}));
}

}  // namespace
}  // namespace breakwater::policy::hub_tests
