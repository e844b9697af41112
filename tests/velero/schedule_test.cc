// Schedules in a running engine.
#include <gtest/gtest.h>

#include "tests/velero/engine_cluster.h"

namespace breakwater::velero_test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

void add_schedule(EngineCluster& cluster, std::string_view cron, std::string_view more = "") {
  cluster.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Schedule
metadata:
  name: acm-rho-virt-schedule-daily
  namespace: {}
  labels: {{cluster.open-cluster-management.io/backup-cluster: cluster-a}}
  annotations: {{some-uid: shop--vm-1}}
spec:
  schedule: "{}"
  template:
    includedNamespaces: [shop]
    snapshotMoveData: true
    labelSelector: {{matchLabels: {{cluster.open-cluster-management.io/backup-vm: daily}}}}
{})",
                            kNs, cron, more));
}

Object the_schedule(EngineCluster& cluster) {
  return cluster.get(api::kSchedule, kNs, "acm-rho-virt-schedule-daily");
}

TEST(Schedule, MakesABackupWhenDueAndOnlyThen) {
  EngineCluster cluster;
  cluster.add_location();
  cluster.add_namespace("shop");
  cluster.add_vm("shop", "vm-1");
  add_schedule(cluster, "0 * * * *");
  cluster.run_for(minutes(59));
  EXPECT_EQ(the_schedule(cluster).phase(), "Enabled");
  EXPECT_TRUE(cluster.list(api::kBackup).empty());
  cluster.run_for(minutes(2));
  auto backups = cluster.list(api::kBackup);
  ASSERT_EQ(backups.size(), 1u);
  EXPECT_EQ(backups[0].name(), "acm-rho-virt-schedule-daily-20251121050000");
  EXPECT_EQ(backups[0].phase(), "Completed");
  EXPECT_EQ(backups[0].annotation("some-uid"), "shop--vm-1");
  EXPECT_EQ(backups[0].label("velero.io/schedule-name"), "acm-rho-virt-schedule-daily");
  EXPECT_EQ(backups[0].label("velero.io/storage-location"), "default");
  cluster.run_for(hours(2));
  EXPECT_EQ(cluster.list(api::kBackup).size(), 3u);
}

TEST(Schedule, AWrongCronIsOneSentence) {
  EngineCluster cluster;
  add_schedule(cluster, "61 * * * *");
  cluster.run_for(seconds(5));
  Object schedule = the_schedule(cluster);
  EXPECT_EQ(schedule.phase(), "FailedValidation");
  ASSERT_EQ(schedule.status()["validationErrors"].size(), 1u);
  EXPECT_TRUE(
      schedule.status()["validationErrors"][0].as_string().starts_with("invalid schedule: "));

  schedule.set({"spec", "schedule"}, "");
  ASSERT_TRUE(cluster.client->update(api::kSchedule, schedule));
  cluster.run_for(seconds(5));
  EXPECT_EQ(the_schedule(cluster).status()["validationErrors"][0].as_string(),
            "Schedule must be a non-empty valid Cron expression");

  schedule = the_schedule(cluster);
  schedule.set({"spec", "schedule"}, "@daily");
  ASSERT_TRUE(cluster.client->update(api::kSchedule, schedule));
  cluster.run_for(seconds(5));
  EXPECT_EQ(the_schedule(cluster).phase(), "Enabled");
  EXPECT_TRUE(the_schedule(cluster).status()["validationErrors"].is_null());
}

TEST(Schedule, PausedDoesNothingAndMissedRunsAreMadeOnce) {
  EngineCluster cluster;
  cluster.add_location();
  add_schedule(cluster, "0 * * * *", "  paused: true");
  cluster.run_for(hours(5) + minutes(1));
  EXPECT_TRUE(cluster.list(api::kBackup).empty());
  EXPECT_EQ(the_schedule(cluster).phase(), "");
  Object schedule = the_schedule(cluster);
  schedule.set({"spec", "paused"}, false);
  ASSERT_TRUE(cluster.client->update(api::kSchedule, schedule));
  cluster.run_for(seconds(10));
  EXPECT_EQ(cluster.list(api::kBackup).size(), 1u);
}

TEST(Schedule, SkipImmediatelySkipsOnce) {
  EngineCluster cluster;
  cluster.add_location();
  add_schedule(cluster, "0 * * * *", "  paused: true\n  skipImmediately: true");
  cluster.run_for(hours(2));
  Object schedule = the_schedule(cluster);
  schedule.set({"spec", "paused"}, false);
  ASSERT_TRUE(cluster.client->update(api::kSchedule, schedule));
  cluster.run_for(minutes(30));
  EXPECT_TRUE(cluster.list(api::kBackup).empty());
  schedule = the_schedule(cluster);
  EXPECT_FALSE(schedule.spec()["skipImmediately"].as_bool(true));
  EXPECT_FALSE(schedule.status()["lastSkipped"].as_string().empty());
  cluster.run_for(hours(1));
  EXPECT_EQ(cluster.list(api::kBackup).size(), 1u);
}

TEST(Schedule, SkipImmediatelyIsNotWrittenWhereNobodyAsked) {
  EngineCluster cluster;
  add_schedule(cluster, "0 * * * *");
  cluster.run_for(minutes(5));
  EXPECT_TRUE(the_schedule(cluster).spec()["skipImmediately"].is_null());
}

TEST(Schedule, ARunningBackupHoldsTheNextOneBack) {
  EngineCluster cluster;
  cluster.add_location();
  cluster.add_namespace("shop");
  cluster.add_vm("shop", "vm-1");
  cluster.never_ready = true;  // the first Backup stays InProgress for ten minutes
  add_schedule(cluster, "*/2 * * * *");
  cluster.run_for(minutes(7));
  ASSERT_EQ(cluster.list(api::kBackup).size(), 1u);
  EXPECT_EQ(cluster.list(api::kBackup)[0].phase(), "InProgress");
  cluster.never_ready = false;
  cluster.run_for(seconds(30));
  ASSERT_EQ(cluster.list(api::kBackup).size(), 2u) << "it stayed due";
  EXPECT_TRUE(cluster.list(api::kBackup)[1].name().ends_with("0600")) << "one run for all missed";

  cluster.mover_sleeps = true;  // Waiting does not hold back
  cluster.run_for(minutes(6));
  EXPECT_GE(cluster.list(api::kBackup).size(), 4u);
}

TEST(Schedule, ACrashBetweenCreateAndStatusDoesNotDouble) {
  EngineCluster cluster;
  cluster.add_location();
  add_schedule(cluster, "0 * * * *");
  cluster.run_for(minutes(59));
  cluster.start_engine();
  cluster.run_for(seconds(1));
  cluster.faulty->set_before_write([&cluster](int64_t) -> Result<> {
    if (!cluster.list(api::kBackup).empty()) return fail(Code::kUnavailable, "crashed");
    return {};
  });
  cluster.run_for(minutes(2));
  EXPECT_EQ(cluster.list(api::kBackup).size(), 1u);
  EXPECT_TRUE(the_schedule(cluster).status()["lastBackup"].is_null());
  cluster.start_engine();
  cluster.run_for(minutes(5));
  EXPECT_EQ(cluster.list(api::kBackup).size(), 1u);
  EXPECT_FALSE(the_schedule(cluster).status()["lastBackup"].as_string().empty());
}

TEST(Schedule, ANameOfSomebodyElseIsPassedOver) {
  EngineCluster cluster;
  cluster.add_location();
  cluster.apply(
      fmt::format("{{apiVersion: velero.io/v1, kind: Backup, metadata: {{name: "
                  "acm-rho-virt-schedule-daily-20251121050000, namespace: {}}}, spec: {{}}}}",
                  kNs));
  add_schedule(cluster, "0 * * * *");
  cluster.run_for(minutes(62));
  EXPECT_TRUE(cluster.exists(api::kBackup, kNs, "acm-rho-virt-schedule-daily-20251121050001"));
}

TEST(Schedule, ANameTakenInTheBucketMovesToTheNextSecond) {
  EngineCluster cluster;
  cluster.add_location();
  cluster.add_namespace("shop");
  cluster.add_vm("shop", "vm-1");
  for (const char* second : {"00", "01"}) {
    Json foreign = parse_yaml("{metadata: {uid: other}, status: {phase: Completed}}")->front();
    foreign.set({"metadata", "name"},
                std::string("acm-rho-virt-schedule-daily-202511210500") + second);
    ASSERT_TRUE(cluster.files().claim_backup(foreign));
  }
  add_schedule(cluster, "0 * * * *");
  cluster.run_for(minutes(62));
  auto backups = cluster.list(api::kBackup);
  ASSERT_EQ(backups.size(), 3u);
  EXPECT_EQ(backups[0].phase(), "Failed");
  EXPECT_EQ(backups[1].phase(), "Failed");
  EXPECT_EQ(backups[2].name(), "acm-rho-virt-schedule-daily-20251121050002");
  EXPECT_EQ(backups[2].phase(), "Completed");
  EXPECT_EQ(backups[2].annotation("some-uid"), "shop--vm-1");
}

}  // namespace
}  // namespace breakwater::velero_test
