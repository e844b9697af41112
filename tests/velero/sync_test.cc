// Backups that others left in a bucket become known, and go with their files.
#include <gtest/gtest.h>

#include "tests/velero/engine_cluster.h"
#include "velero/backup_sync.h"

namespace breakwater::velero_test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr char kReadOnly[] = "  accessMode: ReadOnly";

// Two clusters on one store: `source` saves into the folder "source" of it, `other` sees that as
// the ReadOnly location "from-source" and has a folder of its own.
class TwoClusters : public testing::Test {
 protected:
  TwoClusters() {
    source.add_location("default", "source");
    source.add_namespace("shop");
    source.add_vm("shop", "vm-1");
    other.add_location("default", "other");
  }
  void see_source(std::string_view more = kReadOnly) {
    other.add_location("from-source", "source", more);
    other.run_for(minutes(2));
  }
  Object save(const std::string& name) {
    Object wanted = yaml_object(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata:
  name: {}
  namespace: {}
  labels: {{velero.io/schedule-name: nightly, team: a}}
  annotations: {{1b2c: shop--vm-1}}
spec: {{includedNamespaces: [shop], snapshotMoveData: true}})",
                                            name, kNs));
    EXPECT_TRUE(source.client->create(api::kBackup, wanted));
    source.run_for(minutes(2));
    return source.backup(name);
  }
  std::vector<std::string> warnings(EngineCluster& cluster) {
    std::vector<std::string> result;
    for (const Object& event : cluster.list(api::kEvent))
      if (event["reason"].as_string() == "BackupsFound")
        result.push_back(event["message"].as_string());
    return result;
  }

  std::unique_ptr<blob::ObjectStore> store = blob::make_memory_store();
  EngineCluster source{"cluster-a", store.get()};
  EngineCluster other{"cluster-b", store.get()};
};

TEST_F(TwoClusters, AFinishedBackupBecomesKnownAsItWasStored) {
  const Object saved = save("b1");
  ASSERT_EQ(saved.phase(), "Completed");
  see_source();
  const Object seen = other.backup("b1");
  EXPECT_EQ(seen.status(), saved.status());
  EXPECT_EQ(seen.spec()["storageLocation"].as_string(), "from-source");
  EXPECT_EQ(seen.spec()["includedNamespaces"], saved.spec()["includedNamespaces"]);
  EXPECT_EQ(seen.label("velero.io/storage-location"), "from-source");
  EXPECT_EQ(seen.label("cluster.open-cluster-management.io/backup-cluster"), "cluster-a");
  EXPECT_EQ(seen.label("team"), "a");
  EXPECT_EQ(seen.annotation("1b2c"), "shop--vm-1");
  EXPECT_TRUE(seen.metadata()["ownerReferences"].is_null());
  EXPECT_NE(seen.uid(), saved.uid());
  EXPECT_FALSE(other.get(api::kBackupStorageLocation, kNs, "from-source")
                   .status()["lastSyncedTime"]
                   .as_string()
                   .empty());
  other.run_for(hours(1));
  EXPECT_EQ(other.backup("b1").resource_version(), seen.resource_version()) << "nobody runs it";
  EXPECT_TRUE(warnings(other).empty());
}

TEST_F(TwoClusters, ARunningBackupIsNotShown) {
  source.mover_sleeps = true;
  EXPECT_EQ(save("b1").phase(), "WaitingForPluginOperations");
  see_source();
  EXPECT_FALSE(other.exists(api::kBackup, kNs, "b1"));
  source.mover_sleeps = false;
  source.run_for(minutes(2));
  other.run_for(minutes(2));
  EXPECT_EQ(other.backup("b1").phase(), "Completed");
}

TEST_F(TwoClusters, ABackupWhoseFilesAreGoneLosesItsObjectOnly) {
  save("b1");
  save("b2");
  see_source();
  EXPECT_EQ(other.list(api::kBackup).size(), 2u);
  ASSERT_TRUE(source.files("source").delete_backup("b1"));
  const size_t files = store->list("")->objects.size();
  other.run_for(minutes(2));
  EXPECT_FALSE(other.exists(api::kBackup, kNs, "b1"));
  EXPECT_TRUE(other.exists(api::kBackup, kNs, "b2"));
  EXPECT_EQ(store->list("")->objects.size(), files);
}

TEST_F(TwoClusters, ABucketThatIsSuddenlyEmptyTakesNothingAway) {
  for (const char* name : {"b1", "b2", "b3"}) save(name);
  see_source();
  for (const char* name : {"b1", "b2", "b3"}) {
    ASSERT_TRUE(source.files("source").delete_backup(name));
  }
  other.run_for(minutes(10));
  EXPECT_EQ(other.list(api::kBackup).size(), 3u);
  ASSERT_EQ(warnings(other).size(), 1u);
  EXPECT_TRUE(warnings(other)[0].starts_with(
      "3 of the 3 Backups of this location have no files there any more; they stay known."));
}

TEST_F(TwoClusters, AStoreThatCannotBeListedTakesNothingAway) {
  save("b1");
  see_source();
  other.before_store = [](int64_t, const std::string& what) -> Result<> {
    if (what.find("backups") == std::string::npos) return {};
    return fail(Code::kUnavailable, "the network is down");
  };
  ASSERT_TRUE(source.files("source").delete_backup("b1"));
  other.run_for(minutes(10));
  EXPECT_TRUE(other.exists(api::kBackup, kNs, "b1"));
  other.before_store = {};
  other.run_for(minutes(2));
  EXPECT_FALSE(other.exists(api::kBackup, kNs, "b1"));
}

TEST_F(TwoClusters, ObjectsOfUnfinishedAndFailedBackupsStay) {
  other.add_namespace("shop");
  other.add_vm("shop", "vm-9");
  other.never_ready = true;
  other.add_backup("b9", "shop");
  other.run_for(minutes(1));
  ASSERT_EQ(other.backup("b9").phase(), "InProgress");
  ASSERT_TRUE(other.files("other").delete_backup("b9"));
  other.run_for(minutes(3));
  EXPECT_TRUE(other.exists(api::kBackup, kNs, "b9"));
}

TEST_F(TwoClusters, TheLocalOneOfANameStaysAndOneEventSaysSo) {
  save("b1");
  save("b2");
  other.add_namespace("shop");
  other.add_vm("shop", "vm-9");
  for (const char* name : {"b1", "b2"}) other.add_backup(name, "shop");
  other.run_for(minutes(2));
  const Object local = other.backup("b1");
  see_source();
  other.run_for(minutes(30));
  EXPECT_EQ(other.backup("b1").resource_version(), local.resource_version());
  EXPECT_EQ(warnings(other),
            std::vector<std::string>{
                "shown as <name>-from-source, because another Backup of the same name is here: "
                "b1, b2"});

  // The other one can be restored from, under its name here.
  const Object found = other.backup("b1-from-source");
  EXPECT_EQ(found.annotation("breakwater.dev/stored-name"), "b1");
  EXPECT_EQ(found.label("cluster.open-cluster-management.io/backup-cluster"), "cluster-a");
  other.add_restore("r1", "b1-from-source", "  namespaceMapping: {shop: shop-copy}");
  other.run_for(minutes(5));
  EXPECT_EQ(other.restore("r1").phase(), "Completed") << to_json(other.restore("r1").status());
  EXPECT_TRUE(other.exists(api::kVirtualMachine, "shop-copy", "vm-1")) << "the source's VM";
  EXPECT_FALSE(other.exists(api::kVirtualMachine, "shop-copy", "vm-9")) << "not our own";

  ASSERT_TRUE(source.files("source").delete_backup("b1"));
  other.run_for(minutes(2));
  EXPECT_FALSE(other.exists(api::kBackup, kNs, "b1-from-source"));
  EXPECT_TRUE(other.exists(api::kBackup, kNs, "b1"));
}

TEST_F(TwoClusters, OnePlaceUnderTwoNamesIsNoClash) {
  source.add_location("again", "source", kReadOnly);
  save("b1");
  source.run_for(minutes(5));
  EXPECT_EQ(source.list(api::kBackup).size(), 1u);
  EXPECT_TRUE(warnings(source).empty());
}

TEST_F(TwoClusters, WhatIsNoBackupIsNamedAndStopsNothing) {
  save("b1");
  ASSERT_TRUE(store->put("source/backups/junk/velero-backup.json", as_bytes("{{{")));
  ASSERT_TRUE(store->put("source/backups/liar/velero-backup.json",
                         *store->get("source/backups/b1/velero-backup.json")));
  ASSERT_TRUE(store->put("source/backups/empty/notes.txt", as_bytes("x")));
  see_source();
  EXPECT_EQ(other.list(api::kBackup).size(), 1u);
  auto told = warnings(other);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE((told[0] + told[1]).find("backups/junk/velero-backup.json"), std::string::npos);
  EXPECT_NE((told[0] + told[1]).find("velero-backup.json is not the Backup liar"),
            std::string::npos);
}

TEST_F(TwoClusters, ThePeriodIsTheLocationsAndZeroTurnsItOff) {
  see_source("  accessMode: ReadOnly\n  backupSyncPeriod: 10m");
  save("b1");
  other.run_for(minutes(5));
  EXPECT_FALSE(other.exists(api::kBackup, kNs, "b1"));
  other.run_for(minutes(6));
  EXPECT_TRUE(other.exists(api::kBackup, kNs, "b1"));
  Object location = other.get(api::kBackupStorageLocation, kNs, "from-source");
  location.set({"spec", "backupSyncPeriod"}, "0s");
  ASSERT_TRUE(other.client->update(api::kBackupStorageLocation, location));
  ASSERT_TRUE(source.files("source").delete_backup("b1"));
  other.run_for(hours(1));
  EXPECT_TRUE(other.exists(api::kBackup, kNs, "b1"));
}

TEST_F(TwoClusters, ABackupOfAnotherClusterIsNotRunHere) {
  other.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata:
  name: b1
  namespace: {}
  labels: {{cluster.open-cluster-management.io/backup-cluster: cluster-a}}
spec: {{includedNamespaces: [shop]}})",
                          kNs));
  other.run_for(minutes(1));
  EXPECT_EQ(other.backup("b1").phase(), "FailedValidation");
  EXPECT_NE(to_json(other.backup("b1").status()).find("this cluster is cluster-b"),
            std::string::npos);
}

// Both clusters run the Schedule "nightly"; the other's Backups neither block nor stand for ours.
TEST_F(TwoClusters, ASchedulesNameIsEachClustersOwn) {
  save("nightly-20251121050000");
  see_source();
  ASSERT_TRUE(other.exists(api::kBackup, kNs, "nightly-20251121050000"));
  Object foreign = other.backup("nightly-20251121050000");
  foreign.set({"status", "phase"}, "InProgress");
  ASSERT_TRUE(other.client->update(api::kBackup, foreign));
  other.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Schedule
metadata: {{name: nightly, namespace: {}}}
spec: {{schedule: "0 5 * * *", template: {{includedNamespaces: [shop]}}}})",
                          kNs));
  other.add_namespace("shop");
  other.run_for(hours(1) + minutes(5));
  const Object ours = other.backup("nightly-20251121050001");
  EXPECT_EQ(ours.phase(), "Completed") << to_json(ours.status());
  EXPECT_EQ(ours.label("cluster.open-cluster-management.io/backup-cluster"), "cluster-b");

  // "The schedule's newest Backup" is one of ours, too.
  foreign = other.backup("nightly-20251121050000");
  foreign.set({"status", "phase"}, "Completed");
  foreign.set({"status", "startTimestamp"}, "2030-01-01T00:00:00Z");
  ASSERT_TRUE(other.client->update(api::kBackup, foreign));
  other.apply(fmt::format(
      "{{apiVersion: velero.io/v1, kind: Restore, metadata: {{name: r1, namespace: {}}}, "
      "spec: {{scheduleName: nightly, namespaceMapping: {{shop: shop-2}}}}}}",
      kNs));
  other.run_for(minutes(2));
  EXPECT_EQ(other.restore("r1").spec()["backupName"].as_string(), "nightly-20251121050001");
}

TEST(SyncedBackup, DropsWhatBelongsToItsOldCluster) {
  const Json stored = parse_yaml(R"(
apiVersion: velero.io/v1
kind: Backup
metadata:
  name: b1
  namespace: velero
  uid: 1234
  resourceVersion: "7"
  generation: 3
  finalizers: [x/y]
  ownerReferences: [{apiVersion: velero.io/v1, kind: Schedule, name: s, uid: "5"}]
  labels: {a: b}
spec: {storageLocation: theirs, unknownField: 1}
status: {phase: Completed})")
                          ->front();
  auto backup = velero::synced_backup(stored, "b1", "openshift-adp", "here", "b1");
  ASSERT_TRUE(backup);
  EXPECT_EQ(
      to_json(backup->json()),
      R"({"apiVersion":"velero.io/v1","kind":"Backup","metadata":{"name":"b1",)"
      R"("namespace":"openshift-adp","labels":{"a":"b","velero.io/storage-location":"here"}},)"
      R"("spec":{"storageLocation":"here","unknownField":1},"status":{"phase":"Completed"}})");
  EXPECT_FALSE(velero::synced_backup(stored, "b2", "openshift-adp", "here", "b2"));
}

}  // namespace
}  // namespace breakwater::velero_test
