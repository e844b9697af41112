#include "kube/leader.h"

#include <gtest/gtest.h>

#include "kube/events.h"
#include "tests/kube/fake_client.h"

namespace breakwater::kube {
namespace {

using fake::FakeClient;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Kind kLeaseKind{"coordination.k8s.io", "v1", "Lease", "leases", true, false};
const char* const kLeaseNs = "breakwater";

LeaderSettings leader_settings(std::string identity) {
  LeaderSettings settings;
  settings.lease = {kLeaseNs, "agent"};
  settings.identity = std::move(identity);
  return settings;
}

// Two replicas on machines whose clocks are hours apart, but run equally fast.
class LeaderTest : public ::testing::Test {
 protected:
  void advance(Duration by) {
    clock_a_.advance(by);
    clock_b_.advance(by);
  }
  // Ticks both twice a second for `time`; never may both lead. Returns how long `who` led.
  Duration run(Duration time, bool a_runs, bool b_runs, const LeaderElection& who) {
    Duration led{0};
    for (Duration done{0}; done < time; done += milliseconds(500)) {
      if (a_runs) a_.tick();
      if (b_runs) b_.tick();
      EXPECT_FALSE(a_runs && b_runs && a_.leading() && b_.leading());
      if (who.leading()) led += milliseconds(500);
      advance(milliseconds(500));
    }
    return led;
  }
  ManualClock clock_a_{Time(hours(1000))};
  ManualClock clock_b_{Time(hours(900))};
  FakeClient client_;
  LeaderElection a_{client_, clock_a_, leader_settings("a"), Logger()};
  LeaderElection b_{client_, clock_b_, leader_settings("b"), Logger()};
};

TEST_F(LeaderTest, OneLeadsAsLongAsItRenews) {
  EXPECT_EQ(run(seconds(120), true, true, a_), seconds(120));
  const Object lease = client_.get(kLeaseKind, {kLeaseNs, "agent"}, {}).value();
  EXPECT_EQ(lease.spec()["holderIdentity"].as_string(), "a");
  EXPECT_EQ(lease.spec()["leaseDurationSeconds"].as_int(), 15);
  EXPECT_EQ(lease.spec()["leaseTransitions"].as_int(), 0);
}

TEST_F(LeaderTest, ASilentLeaderIsSucceededAfterTheLease) {
  run(seconds(10), true, true, a_);
  const Duration led = run(seconds(40), false, true, b_);
  EXPECT_GE(led, seconds(20));
  EXPECT_LE(led, seconds(27)) << "it waited out the lease, by its own clock";
  EXPECT_FALSE(a_.tick()) << "the old leader sees that it is over";
  const Object lease = client_.get(kLeaseKind, {kLeaseNs, "agent"}, {}).value();
  EXPECT_EQ(lease.spec()["leaseTransitions"].as_int(), 1);
}

TEST_F(LeaderTest, StopsLeadingWhenTheApiIsAway) {
  run(seconds(4), true, false, a_);
  EXPECT_TRUE(a_.leading());
  client_.write_errors.assign(1000, Error(Code::kUnavailable, "away"));
  const Duration led = run(seconds(60), true, false, a_);
  EXPECT_GE(led, seconds(11));
  EXPECT_LE(led, seconds(15));
  client_.write_errors.clear();
  run(seconds(4), true, false, a_);
  EXPECT_TRUE(a_.leading());
}

TEST_F(LeaderTest, ReleaseHandsOverAtOnce) {
  run(seconds(4), true, true, a_);
  a_.release();
  EXPECT_FALSE(a_.leading());
  EXPECT_GE(run(seconds(10), false, true, b_), seconds(8));
}

TEST_F(LeaderTest, LosingARaceIsNoError) {
  client_.write_errors.push_back(Error(Code::kAlreadyExists, "quicker"));
  EXPECT_FALSE(a_.tick());
  client_.write_errors.push_back(Error(Code::kConflict, "quicker"));
  advance(seconds(2));
  EXPECT_FALSE(a_.tick());
  advance(seconds(2));
  EXPECT_TRUE(a_.tick());
}

TEST(Events, CountUpWhatIsSaidAgain) {
  constexpr Kind kEventKind{"", "v1", "Event", "events", true, false};
  ManualClock clock{Time(hours(1))};
  FakeClient client;
  auto sink = std::make_shared<MemoryLogSink>();
  EventRecorder events(client, clock, "breakwater", Logger(sink, clock));
  Object about = fake::config_map("vm-1", "", "apps");
  about.set({"metadata", "uid"}, "u1");
  events.warning(about, "BackupFailed", "no space");
  clock.advance(hours(1));
  events.warning(about, "BackupFailed", "no space");
  events.normal(about, "BackupCompleted", "all is well");
  const auto found = static_cast<Client&>(client).list(kEventKind, "apps").value();
  ASSERT_EQ(found.size(), 2u);
  const Object& failed = found[0]["type"].as_string() == "Warning" ? found[0] : found[1];
  EXPECT_EQ(failed["count"].as_int(), 2);
  EXPECT_EQ(failed["firstTimestamp"].as_string(), "1970-01-01T01:00:00Z");
  EXPECT_EQ(failed["lastTimestamp"].as_string(), "1970-01-01T02:00:00Z");
  EXPECT_EQ(failed["involvedObject"]["uid"].as_string(), "u1");
  EXPECT_EQ(failed["source"]["component"].as_string(), "breakwater");
  EXPECT_TRUE(failed.name().starts_with("vm-1."));

  client.write_errors.push_back(Error(Code::kForbidden, "not allowed"));
  events.normal(about, "Other", std::string(3000, 'x'));
  EXPECT_EQ(sink->lines().size(), 1u) << "logged, not failed";
  events.normal(Object::make({"", "v1", "Node", "nodes", false}, {"", "n1"}), "Ready", "");
  EXPECT_EQ(static_cast<Client&>(client).list(kEventKind, "default")->size(), 1u);
}

}  // namespace
}  // namespace breakwater::kube
