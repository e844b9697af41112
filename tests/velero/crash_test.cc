// The engine dies after every single write to the API or the bucket, and starts again: the story
// ends the same, nothing is done twice, nothing is left over.
#include <gtest/gtest.h>

#include "tests/velero/engine_cluster.h"

namespace breakwater::velero_test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Result<> crashed() { return fail(Code::kUnavailable, "crashed"); }

// The engine's writes fail after the `k`-th; then another engine is started. False if there were no
// more than k: the story is covered then.
bool die_after(EngineCluster& cluster, int64_t k, bool at_store, Duration before, Duration after) {
  cluster.start_engine();
  auto died = std::make_shared<bool>(false);
  if (at_store) {
    // Not what looks at the location as a whole: an Unavailable location refuses Backups, as it
    // should.
    cluster.before_store = [k, died, done = std::make_shared<int64_t>(0)](
                               int64_t, const std::string& what) -> Result<> {
      bool ours = what.find("/b1/") != std::string::npos || what.find("/r1/") != std::string::npos;
      if (!ours || ++*done <= k) return {};
      *died = true;
      return crashed();
    };
  } else {
    cluster.faulty->set_before_write([k, died](int64_t ordinal) -> Result<> {
      if (ordinal <= k) return {};
      *died = true;
      return crashed();
    });
  }
  cluster.run_for(before);
  cluster.before_store = {};
  cluster.start_engine();
  cluster.run_for(after);
  return *died;
}

void expect_saved(EngineCluster& cluster) {
  EXPECT_EQ(cluster.backup("b1").phase(), "Completed") << to_json(cluster.backup("b1").status());
  EXPECT_EQ(cluster.list(api::kDataUpload).size(), 2u);
  EXPECT_EQ(cluster.uploads_done, 2) << "data moved twice";
  for (const char* claim : {"vm-1-disk", "vm-2-disk"})
    EXPECT_EQ(cluster.cut[claim].size(), 1u) << claim << " was cut more than once";
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshot).empty());
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshotContent).empty());
  EXPECT_EQ(cluster.files().get_backup("b1")->at({"status", "phase"}).as_string(), "Completed");
  EXPECT_EQ(cluster.archive("b1").items().size(), 11u);
}

TEST(Crash, ABackupGoesOnAfterEveryWrite) {
  for (bool at_store : {false, true}) {
    bool died = true;
    for (int64_t k = 0; died; ++k) {
      ASSERT_LT(k, 60);
      SCOPED_TRACE(fmt::format("k={} {}", k, at_store ? "store" : "api"));
      EngineCluster cluster;
      cluster.add_location();
      cluster.add_namespace("shop");
      cluster.add_vm("shop", "vm-1");
      cluster.add_vm("shop", "vm-2");
      cluster.add_backup("b1", "shop");
      died = die_after(cluster, k, at_store, seconds(20), minutes(5));
      expect_saved(cluster);
      if (HasFailure()) return;
    }
  }
}

TEST(Crash, ARestoreGoesOnAfterEveryWrite) {
  for (bool at_store : {false, true}) {
    bool died = true;
    for (int64_t k = 0; died; ++k) {
      ASSERT_LT(k, 60);
      SCOPED_TRACE(fmt::format("k={} {}", k, at_store ? "store" : "api"));
      EngineCluster cluster;
      cluster.add_location();
      cluster.add_namespace("shop");
      cluster.add_vm("shop", "vm-1");
      cluster.add_vm("shop", "vm-2");
      cluster.add_backup("b1", "shop");
      cluster.run_for(minutes(2));
      cluster.destroy_vm("shop", "vm-1");
      cluster.destroy_vm("shop", "vm-2");
      cluster.add_restore("r1", "b1");
      died = die_after(cluster, k, at_store, seconds(20), minutes(5));
      Object restore = cluster.restore("r1");
      EXPECT_EQ(restore.phase(), "Completed") << to_json(restore.status());
      EXPECT_EQ(restore.status()["warnings"].as_int(), 0);
      EXPECT_EQ(cluster.list(api::kDataDownload).size(), 2u);
      for (const char* name : {"vm-1", "vm-2"})
        EXPECT_TRUE(cluster.exists(api::kVirtualMachine, "shop", name));
      if (HasFailure()) return;
    }
  }
}

void turn_mover_on(EngineCluster& cluster) {
  cluster.apply(fmt::format(
      "{{apiVersion: oadp.openshift.io/v1alpha1, kind: DataProtectionApplication, "
      "metadata: {{name: dpa, namespace: {}}}, spec: {{features: {{dataMover: {{enable: true}}}}, "
      "backupLocations: [{{name: other, velero: {{provider: breakwater.dev/local, "
      "config: {{path: /x}}, objectStorage: {{bucket: other}}}}}}]}}}}",
      kNs));
  cluster.run_for(seconds(5));
}

void expect_no_snapshots(EngineCluster& cluster) {
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshot).empty());
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshotContent).empty());
  EXPECT_TRUE(cluster.handles.empty());
}

TEST(Crash, AVolumeSnapshotBackupIsMadeOnceWhateverDies) {
  for (bool at_store : {false, true}) {
    bool died = true;
    for (int64_t k = 0; died; ++k) {
      ASSERT_LT(k, 60);
      SCOPED_TRACE(fmt::format("k={} {}", k, at_store ? "store" : "api"));
      EngineCluster cluster;
      cluster.add_location();
      turn_mover_on(cluster);
      cluster.add_namespace("shop");
      cluster.add_vm("shop", "vm-1");
      cluster.add_vm("shop", "vm-2");
      cluster.apply(
          fmt::format("{{apiVersion: velero.io/v1, kind: Backup, metadata: {{name: b1, "
                      "namespace: {}}}, spec: {{includedNamespaces: [shop]}}}}",
                      kNs));
      died = die_after(cluster, k, at_store, seconds(20), minutes(5));
      EXPECT_EQ(cluster.backup("b1").phase(), "Completed")
          << to_json(cluster.backup("b1").status());
      EXPECT_EQ(cluster.list(api::kVolumeSnapshotBackup).size(), 2u);
      EXPECT_EQ(cluster.uploads_done, 2) << "data moved twice";
      for (const char* claim : {"vm-1-disk", "vm-2-disk"})
        EXPECT_EQ(cluster.cut[claim].size(), 1u) << claim << " was cut more than once";
      expect_no_snapshots(cluster);
      if (HasFailure()) return;
    }
  }
}

TEST(Crash, AVolumeSnapshotRestoreIsMadeOnceWhateverDies) {
  for (bool at_store : {false, true}) {
    bool died = true;
    for (int64_t k = 0; died; ++k) {
      ASSERT_LT(k, 60);
      SCOPED_TRACE(fmt::format("k={} {}", k, at_store ? "store" : "api"));
      EngineCluster cluster;
      cluster.add_location();
      turn_mover_on(cluster);
      cluster.add_namespace("shop");
      cluster.add_vm("shop", "vm-1");
      cluster.add_vm("shop", "vm-2");
      cluster.apply(
          fmt::format("{{apiVersion: velero.io/v1, kind: Backup, metadata: {{name: b1, "
                      "namespace: {}}}, spec: {{includedNamespaces: [shop]}}}}",
                      kNs));
      cluster.run_for(minutes(2));
      cluster.destroy_vm("shop", "vm-1");
      cluster.destroy_vm("shop", "vm-2");
      cluster.add_restore("r1", "b1");
      died = die_after(cluster, k, at_store, seconds(20), minutes(5));
      EXPECT_EQ(cluster.restore("r1").phase(), "Completed")
          << to_json(cluster.restore("r1").status());
      EXPECT_EQ(cluster.list(api::kVolumeSnapshotRestore).size(), 2u);
      for (const char* claim : {"vm-1-disk", "vm-2-disk"})
        EXPECT_FALSE(cluster.get(api::kPersistentVolumeClaim, "shop", claim)
                         .spec()["volumeName"]
                         .as_string()
                         .empty());
      expect_no_snapshots(cluster);
      if (HasFailure()) return;
    }
  }
}

TEST(Crash, AnswersThatAreLostDoNoHarm) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    EngineCluster cluster;
    cluster.add_location();
    cluster.add_namespace("shop");
    cluster.add_vm("shop", "vm-1");
    cluster.add_vm("shop", "vm-2");
    cluster.random = SeededRandom(seed);
    kube::Faults faults;
    faults.timeout_after_write = 0.2;
    faults.timeout_before_write = 0.1;
    faults.conflict = 0.1;
    faults.unavailable = 0.05;
    cluster.faulty->set_faults(faults);
    cluster.add_backup("b1", "shop");
    cluster.run_for(minutes(20));
    cluster.faulty->set_faults({});
    cluster.run_for(minutes(5));
    expect_saved(cluster);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace breakwater::velero_test
