// Backups from New to their end.
#include <gtest/gtest.h>

#include "apiserver/rest.h"
#include "tests/velero/engine_cluster.h"

namespace breakwater::velero_test {
namespace {

using backupstore::BackupFile;
using backupstore::ItemKey;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::set<std::string> archived_names(const backupstore::Archive& archive) {
  std::set<std::string> names;
  for (const auto& [key, object] : archive.items())
    names.insert(key.group_resource + "/" + kube::Key{key.ns, key.name}.to_string());
  return names;
}

std::string all_messages(const Json& results, std::string_view level) {
  return to_json(results[level]);
}

class BackupStory : public testing::Test {
 protected:
  BackupStory() {
    cluster.add_location();
    cluster.add_namespace("shop");
  }
  Object run_backup(const std::string& name, std::string_view more = "") {
    cluster.add_backup(name, "shop", more);
    cluster.run_for(minutes(5));
    return cluster.backup(name);
  }
  EngineCluster cluster;
};

TEST_F(BackupStory, OneVmOfTwoWithEverythingThatBelongsToIt) {
  cluster.add_vm("shop", "vm-1");
  cluster.add_vm("shop", "vm-2", false);
  Object backup = run_backup("b1");
  EXPECT_EQ(backup.phase(), "Completed") << to_json(backup.status());
  EXPECT_EQ(archived_names(cluster.archive("b1")).size(), 6u);
  backupstore::Archive archive = cluster.archive("b1");
  auto names = archived_names(archive);
  for (const char* name :
       {"virtualmachines.kubevirt.io/shop/vm-1", "persistentvolumeclaims/shop/vm-1-disk",
        "persistentvolumes/pv-shop-vm-1-disk", "secrets/shop/vm-1-init", "namespaces/shop"})
    EXPECT_TRUE(names.contains(name)) << name;
  for (const std::string& name : names) EXPECT_EQ(name.find("vm-2"), std::string::npos) << name;
  const Json* vm = archive.find({"virtualmachines.kubevirt.io", "shop", "vm-1"});
  EXPECT_TRUE(vm->at({"spec", "template", "spec", "futureField", "kept"}).as_bool());

  const Json& status = backup.status();
  EXPECT_EQ(status["version"].as_int(), 1);
  EXPECT_EQ(status["formatVersion"].as_string(), "1.1.0");
  EXPECT_EQ(status["progress"]["totalItems"].as_int(), 6);
  EXPECT_EQ(status["progress"]["itemsBackedUp"].as_int(), 6);
  EXPECT_EQ(status["csiVolumeSnapshotsAttempted"].as_int(), 1);
  EXPECT_EQ(status["csiVolumeSnapshotsCompleted"].as_int(), 1);
  EXPECT_EQ(status["backupItemOperationsAttempted"].as_int(), 1);
  EXPECT_EQ(status["backupItemOperationsCompleted"].as_int(), 1);
  EXPECT_EQ(status["errors"].as_int(), 0);
  EXPECT_EQ(*parse_rfc3339(status["expiration"].as_string()) -
                *parse_rfc3339(status["startTimestamp"].as_string()),
            hours(720));
  EXPECT_EQ(backup.label("velero.io/storage-location"), "default");
}

TEST_F(BackupStory, TheMoversContractIsKept) {
  cluster.add_vm("shop", "vm-1");
  cluster.mover_sleeps = true;
  Object backup = run_backup("b1", "  datamover: breakwater\n  csiSnapshotTimeout: 7m");
  EXPECT_EQ(backup.phase(), "WaitingForPluginOperations");
  Object claim = cluster.get(api::kPersistentVolumeClaim, "shop", "vm-1-disk");
  auto uploads = cluster.list(api::kDataUpload, kNs);
  ASSERT_EQ(uploads.size(), 1u);
  const Object& upload = uploads[0];
  EXPECT_EQ(upload.controller_uid(), backup.uid());
  EXPECT_EQ(upload.label("velero.io/backup-name"), "b1");
  EXPECT_EQ(upload.label("velero.io/backup-uid"), backup.uid());
  EXPECT_EQ(upload.label("velero.io/pvc-uid"), claim.uid());
  std::string id = "du-" + backup.uid() + "." + claim.uid();
  EXPECT_EQ(upload.label("velero.io/async-operation-id").substr(0, 57), id.substr(0, 57));
  auto snapshots = cluster.list(api::kVolumeSnapshot, "shop");
  ASSERT_EQ(snapshots.size(), 1u);
  EXPECT_EQ(to_json(upload.spec()),
            fmt::format(R"({{"snapshotType":"CSI","csiSnapshot":{{"volumeSnapshot":"{}",)"
                        R"("storageClass":"disks","snapshotClass":"sandbox",)"
                        R"("driver":"disk.breakwater.dev"}},"sourcePVC":"vm-1-disk",)"
                        R"("sourceNamespace":"shop","datamover":"breakwater",)"
                        R"("backupStorageLocation":"default","operationTimeout":"7m"}})",
                        snapshots[0].name()));
  EXPECT_TRUE(claim.annotation("velero.io/data-upload-name").empty()) << "the user's claim";
  const Json stored = *cluster.files().get_backup("b1");
  EXPECT_EQ(stored["status"]["phase"].as_string(), "WaitingForPluginOperations");

  cluster.mover_sleeps = false;
  cluster.run_for(minutes(2));
  EXPECT_EQ(cluster.backup("b1").phase(), "Completed");
  backupstore::Archive archive = cluster.archive("b1");
  const Json* saved = archive.find({"datauploads.velero.io", kNs, upload.name()});
  ASSERT_NE(saved, nullptr);
  EXPECT_EQ((*saved)["status"]["snapshotID"].as_string(), "restic/cluster-a/shop#vm-1-disk");
  Object saved_claim(*archive.find({"persistentvolumeclaims", "shop", "vm-1-disk"}));
  EXPECT_EQ(saved_claim.annotation("velero.io/data-upload-name"),
            std::string(kNs) + "/" + upload.name());
  EXPECT_EQ(saved_claim.annotation("velero.io/volume-snapshot-name"), snapshots[0].name());
  EXPECT_EQ(saved_claim.label("velero.io/volume-snapshot-name"), snapshots[0].name());
}

TEST_F(BackupStory, TheFilesAreVeleros) {
  cluster.add_vm("shop", "vm-1");
  Object backup = run_backup("b1");
  auto files = cluster.files();
  for (BackupFile file : backupstore::kBackupFiles)
    EXPECT_TRUE(cluster.bucket->head("bucket/" + backupstore::backup_key("b1", file)));
  EXPECT_EQ(files.get_backup("b1")->at({"status", "phase"}).as_string(), "Completed");
  EXPECT_EQ((*files.get_backup("b1"))["status"], backup.status());
  Json list = *files.get_json("b1", BackupFile::kResourceList);
  EXPECT_EQ(to_json(list["v1/PersistentVolumeClaim"]), R"(["shop/vm-1-disk"])");
  EXPECT_EQ(to_json(list["v1/Namespace"]), R"(["shop"])");
  Json operation = (*files.get_json("b1", BackupFile::kItemOperations))[0];
  EXPECT_EQ(
      to_json(operation["spec"]["resourceIdentifier"]),
      R"({"Group":"","Resource":"persistentvolumeclaims","Namespace":"shop","Name":"vm-1-disk"})");
  EXPECT_EQ(operation["status"]["phase"].as_string(), "Completed");
  EXPECT_EQ(operation["status"]["nTotal"].as_int(), int64_t{1} << 30);
  Json info = (*files.get_json("b1", BackupFile::kVolumeInfo))[0];
  EXPECT_EQ(info["backupMethod"].as_string(), "CSISnapshot");
  EXPECT_TRUE(info["snapshotDataMoved"].as_bool());
  EXPECT_EQ(info["result"].as_string(), "succeeded");
  EXPECT_EQ(info["snapshotDataMovementInfo"]["snapshotHandle"].as_string(),
            "restic/cluster-a/shop#vm-1-disk");
  EXPECT_EQ(info["snapshotDataMovementInfo"]["incrementalSize"].as_int(), 4096);
  EXPECT_EQ(to_json(*files.get_json("b1", BackupFile::kResults)), R"({"warnings":{},"errors":{}})");
}

TEST_F(BackupStory, AllSnapshotsAreCutBeforeAnyDataMoves) {
  for (int i = 0; i < 5; ++i) cluster.add_vm("shop", fmt::format("vm-{}", i));
  cluster.never_ready = true;
  run_backup("b1");
  EXPECT_EQ(cluster.list(api::kVolumeSnapshot).size(), 5u);
  EXPECT_TRUE(cluster.list(api::kDataUpload).empty());
  EXPECT_EQ(cluster.backup("b1").phase(), "InProgress");
  cluster.never_ready = false;
  cluster.run_for(minutes(1));
  EXPECT_EQ(cluster.backup("b1").phase(), "Completed");
}

TEST_F(BackupStory, AFailedMoveIsPartiallyFailedAndNamesTheClaim) {
  cluster.add_vm("shop", "vm-1");
  cluster.add_vm("shop", "vm-2");
  cluster.broken_claims = {"vm-2-disk"};
  Object backup = run_backup("b1");
  EXPECT_EQ(backup.phase(), "PartiallyFailed");
  EXPECT_EQ(backup.status()["errors"].as_int(), 1);
  EXPECT_EQ(backup.status()["backupItemOperationsFailed"].as_int(), 1);
  EXPECT_EQ(backup.status()["backupItemOperationsCompleted"].as_int(), 1);
  std::string errors =
      all_messages(*cluster.files().get_json("b1", BackupFile::kResults), "errors");
  EXPECT_NE(errors.find("shop/vm-2-disk"), std::string::npos) << errors;
  EXPECT_NE(errors.find("the disk is on fire"), std::string::npos) << errors;
  Json infos = *cluster.files().get_json("b1", BackupFile::kVolumeInfo);
  EXPECT_EQ(infos[0]["result"].as_string(), "succeeded");
  EXPECT_EQ(infos[1]["result"].as_string(), "failed");
}

TEST_F(BackupStory, ASnapshotThatNeverGetsReadyFailsOnlyItsVolume) {
  cluster.add_vm("shop", "vm-1");
  cluster.never_ready = true;
  cluster.add_backup("b1", "shop", "  csiSnapshotTimeout: 3m");
  cluster.run_for(minutes(5));
  Object backup = cluster.backup("b1");
  EXPECT_EQ(backup.phase(), "PartiallyFailed");
  std::string errors =
      all_messages(*cluster.files().get_json("b1", BackupFile::kResults), "errors");
  EXPECT_NE(errors.find("vm-1-disk"), std::string::npos) << errors;
  EXPECT_NE(errors.find("not ready after 3m0s"), std::string::npos) << errors;
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshot).empty()) << "nothing is left over";
}

TEST_F(BackupStory, AMoveThatTakesTooLongIsCancelled) {
  cluster.add_vm("shop", "vm-1");
  cluster.mover_sleeps = true;
  cluster.add_backup("b1", "shop", "  itemOperationTimeout: 30m");
  cluster.run_for(minutes(29));
  EXPECT_EQ(cluster.backup("b1").phase(), "WaitingForPluginOperations");
  cluster.run_for(minutes(3));
  EXPECT_EQ(cluster.backup("b1").phase(), "PartiallyFailed");
  EXPECT_TRUE(cluster.list(api::kDataUpload)[0].spec()["cancel"].as_bool());
  std::string errors =
      all_messages(*cluster.files().get_json("b1", BackupFile::kResults), "errors");
  EXPECT_NE(errors.find("did not end within 30m0s"), std::string::npos) << errors;
}

TEST_F(BackupStory, ADeletedDataUploadIsAFailureNotASuccess) {
  cluster.add_vm("shop", "vm-1");
  cluster.mover_sleeps = true;
  run_backup("b1");
  ASSERT_TRUE(cluster.client->remove(api::kDataUpload, cluster.list(api::kDataUpload)[0].key()));
  cluster.run_for(minutes(2));
  EXPECT_EQ(cluster.backup("b1").phase(), "PartiallyFailed");
}

TEST_F(BackupStory, WhatCannotBeSavedIsAnError) {
  cluster.add_vm("shop", "vm-1");
  cluster.add_claim("shop", "extra", "");
  Object vm = cluster.get(api::kVirtualMachine, "shop", "vm-1");
  Json volumes = vm.json().at({"spec", "template", "spec", "volumes"});
  volumes.push_back(parse_yaml("{name: x, persistentVolumeClaim: {claimName: extra}}")->front());
  volumes.push_back(parse_yaml("{name: y, persistentVolumeClaim: {claimName: absent}}")->front());
  volumes.push_back(parse_yaml("{name: z, secret: {secretName: no-such}}")->front());
  vm.set({"spec", "template", "spec", "volumes"}, volumes);
  ASSERT_TRUE(cluster.client->update(api::kVirtualMachine, vm));
  Object backup = run_backup("b1");
  EXPECT_EQ(backup.phase(), "PartiallyFailed");
  Json results = *cluster.files().get_json("b1", BackupFile::kResults);
  std::string errors = all_messages(results, "errors");
  EXPECT_NE(errors.find("shop/extra: its data is not saved"), std::string::npos) << errors;
  EXPECT_NE(errors.find("shop/absent does not exist"), std::string::npos) << errors;
  EXPECT_NE(all_messages(results, "warnings").find("no-such"), std::string::npos);
  Json infos = *cluster.files().get_json("b1", BackupFile::kVolumeInfo);
  EXPECT_EQ(infos[1]["skippedReason"].as_string(),
            "PersistentVolume pv-shop-extra is not a CSI volume");
}

TEST_F(BackupStory, ExcludedObjectsStayOut) {
  cluster.add_vm("shop", "vm-1");
  cluster.add_vm("shop", "vm-2");
  Object vm = cluster.get(api::kVirtualMachine, "shop", "vm-2");
  vm.set_label("velero.io/exclude-from-backup", "true");
  ASSERT_TRUE(cluster.client->update(api::kVirtualMachine, vm));
  EXPECT_EQ(run_backup("b1").phase(), "Completed");
  EXPECT_FALSE(
      archived_names(cluster.archive("b1")).contains("virtualmachines.kubevirt.io/shop/vm-2"));
  EXPECT_EQ(cluster.uploads_done, 1);
}

TEST_F(BackupStory, WithoutSelectorsTheWholeNamespaceIsSaved) {
  cluster.add_vm("shop", "vm-1", false);
  cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}}");
  cluster.add_namespace("other");
  cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: foreign, namespace: other}}");
  cluster.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: b1, namespace: {}}}
spec: {{includedNamespaces: [shop], snapshotMoveData: true}})",
                            kNs));
  cluster.run_for(minutes(2));
  EXPECT_EQ(cluster.backup("b1").phase(), "Completed");
  auto names = archived_names(cluster.archive("b1"));
  EXPECT_TRUE(names.contains("configmaps/shop/settings"));
  EXPECT_TRUE(names.contains("virtualmachines.kubevirt.io/shop/vm-1"));
  EXPECT_FALSE(names.contains("configmaps/other/foreign"));
  EXPECT_FALSE(names.contains("namespaces/other"));
}

TEST_F(BackupStory, KindsThatTheClusterServesAreFoundByDiscovery) {
  apiserver::Rest rest(*cluster.server, nullptr, cluster.clock);
  cluster.server->set_raw_handler(
      [&rest](const apiserver::User& user, const std::string& path) -> Result<std::string> {
        apiserver::Request request;
        request.method = "GET";
        request.path = path;
        request.user = user;
        return std::move(rest.handle(request).body);
      });
  cluster.apply(R"(
apiVersion: velero.io/v1
kind: Schedule
metadata: {name: theirs, namespace: shop}
spec: {schedule: "@daily", template: {}})");
  cluster.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: b1, namespace: {}}}
spec: {{includedNamespaces: [shop], snapshotMoveData: true}})",
                            kNs));
  cluster.run_for(minutes(2));
  EXPECT_EQ(cluster.backup("b1").phase(), "Completed");
  auto names = archived_names(cluster.archive("b1"));
  EXPECT_TRUE(names.contains("schedules.velero.io/shop/theirs"));
  EXPECT_TRUE(names.contains("namespaces/shop"));
  EXPECT_FALSE(names.contains("virtualmachineprotections.breakwater.dev/shop/vm-1"));
  cluster.stop_engine();
  cluster.server->set_raw_handler({});
}

TEST_F(BackupStory, WithoutMovingTheSnapshotStays) {
  cluster.add_vm("shop", "vm-1");
  cluster.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: b1, namespace: {}}}
spec: {{includedNamespaces: [shop], snapshotMoveData: false}})",
                            kNs));
  cluster.run_for(minutes(2));
  EXPECT_EQ(cluster.backup("b1").phase(), "Completed");
  EXPECT_TRUE(cluster.list(api::kDataUpload).empty());
  auto contents = cluster.list(api::kVolumeSnapshotContent);
  ASSERT_EQ(contents.size(), 1u);
  EXPECT_EQ(contents[0].spec()["deletionPolicy"].as_string(), "Retain");
  auto snapshots = cluster.list(api::kVolumeSnapshot, "shop");
  ASSERT_EQ(snapshots.size(), 1u);
  backupstore::Archive archive = cluster.archive("b1");
  const Json* saved =
      archive.find({"volumesnapshots.snapshot.storage.k8s.io", "shop", snapshots[0].name()});
  ASSERT_NE(saved, nullptr);
  EXPECT_EQ(Object(*saved).annotation("velero.io/csi-volumesnapshot-handle"),
            "snap-" + snapshots[0].uid());
  Json info = (*cluster.files().get_json("b1", BackupFile::kVolumeInfo))[0]["csiSnapshotInfo"];
  EXPECT_EQ(info["snapshotHandle"].as_string(), "snap-" + snapshots[0].uid());
  EXPECT_EQ(info["size"].as_int(), int64_t{1} << 30);
}

TEST_F(BackupStory, AWrongBackupIsRefusedBeforeAnythingIsDone) {
  struct Case {
    const char *spec, *says;
  };
  const Case cases[] = {
      {"{storageLocation: nowhere}", "BackupStorageLocation nowhere does not exist"},
      {"{labelSelector: {matchLabels: {a: b}}, orLabelSelectors: [{matchLabels: {c: d}}]}",
       "labelSelector and orLabelSelectors"},
      {"{ttl: soon}", "spec.ttl"},
      {"{defaultVolumesToFsBackup: true}", "file-system backup is not offered"},
      {"{volumeSnapshotLocations: [aws]}", "volume-snapshot locations are not offered"},
      {"{resourcePolicy: {kind: configmap, name: p}}", "resource policies are not supported yet"},
      {"{hooks: {resources: [{name: h}]}}", "hooks are not supported yet"},
      {"{includedNamespaces: [a], excludedNamespaces: [a]}", "excludedNamespaces"},
  };
  int n = 0;
  for (const Case& c : cases) {
    std::string name = fmt::format("wrong-{}", ++n);
    cluster.apply(
        fmt::format("{{apiVersion: velero.io/v1, kind: Backup, metadata: {{name: {}, "
                    "namespace: {}}}, spec: {}}}",
                    name, kNs, c.spec));
    cluster.run_for(seconds(5));
    Object backup = cluster.backup(name);
    EXPECT_EQ(backup.phase(), "FailedValidation") << c.spec;
    ASSERT_EQ(backup.status()["validationErrors"].size(), 1u) << c.spec;
    EXPECT_NE(backup.status()["validationErrors"][0].as_string().find(c.says), std::string::npos)
        << to_json(backup.status());
  }
  EXPECT_TRUE(cluster.files().list_backups()->empty());
}

TEST_F(BackupStory, NoLocationAReadOnlyOneAndABrokenOneAreRefused) {
  Object location = cluster.get(api::kBackupStorageLocation, kNs, "default");
  location.set({"spec", "accessMode"}, "ReadOnly");
  ASSERT_TRUE(cluster.client->update(api::kBackupStorageLocation, location));
  auto refusal = [&](const std::string& name) {
    Object backup = run_backup(name);
    EXPECT_EQ(backup.phase(), "FailedValidation");
    return backup.status()["validationErrors"][0].as_string();
  };
  EXPECT_NE(refusal("b1").find("ReadOnly"), std::string::npos);
  location = cluster.get(api::kBackupStorageLocation, kNs, "default");
  location.set({"spec", "provider"}, "gcp");
  location.erase({"spec", "accessMode"});
  ASSERT_TRUE(cluster.client->update(api::kBackupStorageLocation, location));
  cluster.run_for(seconds(5));
  EXPECT_NE(refusal("b2").find("gcp"), std::string::npos);
  ASSERT_TRUE(cluster.client->remove(api::kBackupStorageLocation, location.key()));
  cluster.run_for(seconds(5));
  EXPECT_NE(refusal("b3").find("no default BackupStorageLocation"), std::string::npos);
}

TEST_F(BackupStory, ANameThatAnotherClusterTookIsNotOverwritten) {
  cluster.add_vm("shop", "vm-1");
  Json foreign =
      parse_yaml("{metadata: {name: b1, uid: other}, status: {phase: Completed}}")->front();
  ASSERT_TRUE(cluster.files().claim_backup(foreign));
  Object backup = run_backup("b1");
  EXPECT_EQ(backup.phase(), "Failed");
  EXPECT_NE(backup.status()["failureReason"].as_string().find("already exists"), std::string::npos);
  EXPECT_EQ(*cluster.files().get_backup("b1"), foreign);
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshot).empty());
}

TEST_F(BackupStory, AStoreThatIsAwayForAWhileOnlyDelays) {
  cluster.add_vm("shop", "vm-1");
  cluster.before_store = [](int64_t, const std::string& what) -> Result<> {
    if (what.starts_with("put")) return fail(Code::kUnavailable, "the network is down");
    return {};
  };
  EXPECT_EQ(run_backup("b1").phase(), "InProgress");
  cluster.before_store = {};
  cluster.run_for(minutes(5));
  EXPECT_EQ(cluster.backup("b1").phase(), "Completed");
}

TEST_F(BackupStory, ABackupThatIsDeletedWhileItRunsLeavesNoSnapshot) {
  cluster.add_vm("shop", "vm-1");
  cluster.never_ready = true;
  Object backup = run_backup("b1");
  ASSERT_EQ(cluster.list(api::kVolumeSnapshot).size(), 1u);
  cluster.stop_engine();
  ASSERT_TRUE(cluster.client->remove(api::kBackup, backup.key()));
  cluster.start_engine();
  cluster.run_for(minutes(1));
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshot).empty());
}

TEST_F(BackupStory, DataVolumesThatAreDoneAreNotImportedAgain) {
  cluster.add_claim("shop", "dv-1");
  cluster.apply(R"(
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataVolume
metadata: {name: dv-1, namespace: shop}
spec: {source: {blank: {}}})");
  Object dv = cluster.get(api::kDataVolume, "shop", "dv-1");
  dv.set({"status", "phase"}, "Succeeded");
  ASSERT_TRUE(cluster.client->update_status(api::kDataVolume, dv));
  cluster.apply(R"(
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, namespace: shop, labels: {cluster.open-cluster-management.io/backup-vm: daily}}
spec: {template: {spec: {volumes: [{name: a, dataVolume: {name: dv-1}}]}}})");
  EXPECT_EQ(run_backup("b1").phase(), "Completed");
  backupstore::Archive archive = cluster.archive("b1");
  Object saved(*archive.find({"datavolumes.cdi.kubevirt.io", "shop", "dv-1"}));
  EXPECT_EQ(saved.annotation("cdi.kubevirt.io/storage.prePopulated"), "dv-1");
  Object claim(*archive.find({"persistentvolumeclaims", "shop", "dv-1"}));
  EXPECT_EQ(claim.annotation("cdi.kubevirt.io/storage.populatedFor"), "dv-1");
}

}  // namespace
}  // namespace breakwater::velero_test
