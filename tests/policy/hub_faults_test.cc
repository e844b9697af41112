// The hub under faults, crashes and many clusters.
#include <gtest/gtest.h>

#include "tests/policy/hub_world.h"

namespace breakwater::policy::hub_tests {
namespace {

void furnish_fleet(HubWorld& world, int clusters) {
  world.place_virt_policies();
  world.config_map("cfg", Json::object({{"credentials_hub_secret_name", "s"},
                                        {"schedule_hub_config_name", "crons"},
                                        {"restore_hub_config_name", "restores"}}));
  world.config_map("crons", Json::object({{"daily", "0 8 * * *"}}));
  world.config_map("restores", Json::object());
  world.secret("s", Json::object({{"cloud", "k"}}));
  for (int i = 0; i < clusters; ++i) {
    world.add_cluster(fmt::format("c{:03}", i), "cfg", fmt::format("id-{}", i));
  }
}

// Everything is where it belongs, and nothing has ever been asked to go.
void expect_in_place(HubWorld& world, int clusters, const std::string& when) {
  const kube::Object secret = world.get(api::kSecret, {kPolicyNs, "s"});
  for (int i = 0; i < clusters; ++i) {
    const std::string cluster = fmt::format("c{:03}", i);
    for (const char* policy : {"install", "backup", "restore"}) {
      ASSERT_TRUE(world.has_replica(cluster, policy)) << when << ": " << cluster << " " << policy;
      const kube::Object replica = world.replica(cluster, policy);
      ASSERT_EQ(replica.annotation(api::kRemovalAnnotation), "") << when;
    }
    ASSERT_TRUE(world.exists(api::kSecret, {cluster, "s"})) << when << ": " << cluster;
    ASSERT_EQ(world.get(api::kSecret, {cluster, "s"})["data"], secret["data"]) << when;
    const Json install = world.template_spec(cluster, "install");
    ASSERT_EQ(install["crons"]["daily"].as_string(), "0 8 * * *") << when;
    ASSERT_TRUE(install["hubFindings"].empty()) << when << to_json(install["hubFindings"]);
  }
  ASSERT_EQ(world.decided("virt").size(), static_cast<size_t>(clusters)) << when;
}

TEST(HubFaults, StartedAgainAfterAnyWriteItGetsThere) {
  constexpr int64_t kWrites = 30;  // about what it takes for two clusters
  for (int64_t crash = 0; crash < kWrites; ++crash) {
    HubWorld world;
    furnish_fleet(world, 2);
    world.hub->set_before_write([crash](int64_t ordinal) -> Result<> {
      if (ordinal <= crash) return {};
      return fail(Code::kUnavailable, "the process is gone");
    });
    world.run_for(std::chrono::milliseconds(200));
    world.start();
    world.run_for(std::chrono::seconds(30));
    expect_in_place(world, 2, fmt::format("crash after write {}", crash));
    if (HasFatalFailure()) return;
  }
}

TEST(HubFaults, BadApiAndStaleCachesChangeNothingInTheEnd) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    HubWorld world(seed);
    furnish_fleet(world, 6);
    kube::Faults faults;
    faults.timeout_before_write = faults.timeout_after_write = faults.conflict = 0.1;
    faults.unavailable = faults.expired_watch = faults.dropped_watch = 0.05;
    faults.stale_list = 0.3;
    world.hub->set_faults(faults);
    world.run_for(std::chrono::minutes(5));
    // Cluster 5 is unlabelled, comes back; a page of decisions is lost.
    world.remove(api::kPlacementDecision, {kPolicyNs, "virt-decision-1"});
    world.edit(api::kManagedCluster, {"", "c005"}, false, [](kube::Object& cluster) {
      cluster.erase({"metadata", "labels", api::kVirtConfigLabel});
    });
    world.run_for(std::chrono::seconds(40));
    world.edit(api::kManagedCluster, {"", "c005"}, false,
               [](kube::Object& cluster) { cluster.set_label(api::kVirtConfigLabel, "cfg"); });
    world.run_for(std::chrono::minutes(5));
    world.hub->set_faults({});
    world.run_for(std::chrono::minutes(5));
    expect_in_place(world, 6, fmt::format("seed {}", seed));
    if (HasFatalFailure()) return;
  }
}

TEST(HubFaults, HubThatIsAwayForAnHourRemovesNothing) {
  HubWorld world;
  furnish_fleet(world, 3);
  world.run_for(std::chrono::seconds(30));
  kube::Faults away;
  away.unavailable = 1;
  world.hub->set_faults(away);
  world.run_for(std::chrono::hours(1));
  world.hub->set_faults({});
  world.run_for(std::chrono::minutes(5));
  expect_in_place(world, 3, "after an hour");
}

TEST(HubFaults, SixtyClustersAtRestCostNothing) {
  HubWorld world;
  furnish_fleet(world, 60);
  world.run_for(std::chrono::seconds(30));
  expect_in_place(world, 60, "at first");
  // Replicas, copies, their Events and few writes besides.
  EXPECT_LE(world.hub->writes(), 60 * 12);
  const int64_t before = world.hub->writes();
  world.run_for(std::chrono::hours(2));
  EXPECT_EQ(world.hub->writes(), before);
}

}  // namespace
}  // namespace breakwater::policy::hub_tests
