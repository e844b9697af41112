// Restores from New to their end.
#include <gtest/gtest.h>

#include "tests/velero/engine_cluster.h"

namespace breakwater::velero_test {
namespace {

using backupstore::RestoreFile;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class RestoreStory : public testing::Test {
 protected:
  RestoreStory() {
    cluster.add_location();
    cluster.add_namespace("shop");
    vm = cluster.add_vm("shop", "vm-1");
    cluster.add_vm("shop", "vm-2");
  }
  void back_up(std::string_view more = "") {
    cluster.add_backup("b1", "shop", more);
    cluster.run_for(minutes(5));
  }
  Object run_restore(std::string_view more = "") {
    std::string name = fmt::format("r{}", ++restores);
    cluster.add_restore(name, "b1", more);
    cluster.run_for(minutes(5));
    return cluster.restore(name);
  }
  std::string refusal(std::string_view more = "") {
    Object restore = run_restore(more);
    EXPECT_EQ(restore.phase(), "FailedValidation") << to_json(restore.status());
    return to_json(restore.status()["validationErrors"]);
  }
  std::string errors_of(const std::string& name) {
    return to_json((*cluster.files().get_json(name, RestoreFile::kResults))["errors"]);
  }
  EngineCluster cluster;
  Object vm;
  int restores = 0;
};

TEST_F(RestoreStory, ADestroyedNamespaceComesBack) {
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  ASSERT_TRUE(cluster.client->remove(api::kNamespace, {"", "shop"}));
  cluster.run_for(minutes(1));
  ASSERT_FALSE(cluster.exists(api::kNamespace, "", "shop"));

  Object restore = run_restore();
  EXPECT_EQ(restore.phase(), "Completed") << to_json(restore.status());
  EXPECT_EQ(restore.status()["restoreItemOperationsAttempted"].as_int(), 2);
  EXPECT_EQ(restore.status()["restoreItemOperationsCompleted"].as_int(), 2);
  EXPECT_EQ(restore.status()["warnings"].as_int(), 0);
  EXPECT_EQ(cluster.get(api::kNamespace, "", "shop").label("team"), "a");

  Object back = cluster.get(api::kVirtualMachine, "shop", "vm-1");
  EXPECT_EQ(back.spec(), vm.spec());
  EXPECT_NE(back.uid(), vm.uid());
  EXPECT_EQ(back.label("velero.io/backup-name"), "b1");
  EXPECT_EQ(back.label("velero.io/restore-name"), "r1");
  EXPECT_TRUE(back.metadata()["ownerReferences"].is_null());

  Object claim = cluster.get(api::kPersistentVolumeClaim, "shop", "vm-1-disk");
  EXPECT_EQ(claim.spec()["volumeName"].as_string(), "restored-shop-vm-1-disk");
  EXPECT_EQ(claim.annotation("note"), "kept");
  EXPECT_EQ(claim.annotation("pv.kubernetes.io/bind-completed"), "");
  EXPECT_EQ(claim.annotation("velero.io/data-upload-name"), "");
  EXPECT_FALSE(
      claim.spec()["selector"]["matchLabels"]["velero.io/dynamic-pv-restore"].as_string().empty());
  EXPECT_TRUE(cluster.exists(api::kSecret, "shop", "vm-1-init"));
  EXPECT_FALSE(cluster.exists(api::kPersistentVolume, "", "restored-shop-vm-1-disk"))
      << "volumes are the mover's business";
}

TEST_F(RestoreStory, TheMoversContractIsKept) {
  back_up("  csiSnapshotTimeout: 7m");
  cluster.destroy_vm("shop", "vm-1");
  cluster.mover_sleeps = true;
  Object restore = run_restore(
      "  labelSelector: {matchLabels: {cluster.open-cluster-management.io/backup-vm: daily}}\n"
      "  namespaceMapping: {shop: shop-2}");
  EXPECT_EQ(restore.phase(), "WaitingForPluginOperations");
  auto downloads = cluster.list(api::kDataDownload, kNs);
  ASSERT_EQ(downloads.size(), 2u);
  std::set<std::string> specs;
  for (const Object& download : downloads) {
    EXPECT_EQ(download.controller_uid(), restore.uid());
    EXPECT_EQ(download.label("velero.io/restore-name"), "r1");
    EXPECT_EQ(download.label("velero.io/restore-uid"), restore.uid());
    EXPECT_TRUE(download.label("velero.io/async-operation-id").starts_with("dd-" + restore.uid()));
    specs.insert(to_json(download.spec()));
  }
  EXPECT_TRUE(specs.contains(
      R"({"targetVolume":{"pvc":"vm-1-disk","pv":"","namespace":"shop-2"},)"
      R"("backupStorageLocation":"default","datamover":"","snapshotID":)"
      R"("restic/cluster-a/shop#vm-1-disk","sourceNamespace":"shop","operationTimeout":"7m",)"
      R"("snapshotSize":1073741824})"))
      << *specs.begin();
  EXPECT_TRUE(cluster.exists(api::kVirtualMachine, "shop-2", "vm-1"));
  EXPECT_FALSE(cluster.exists(api::kVirtualMachine, "shop", "vm-1"));
  cluster.mover_sleeps = false;
  cluster.run_for(minutes(1));
  EXPECT_EQ(cluster.restore("r1").phase(), "Completed");
  for (RestoreFile file : {RestoreFile::kLogs, RestoreFile::kResults, RestoreFile::kResourceList,
                           RestoreFile::kItemOperations, RestoreFile::kVolumeInfo})
    EXPECT_TRUE(cluster.bucket->head("bucket/" + backupstore::restore_key("r1", file)));
  Json list = *cluster.files().get_json("r1", RestoreFile::kResourceList);
  EXPECT_EQ(to_json(list["kubevirt.io/v1/VirtualMachine"]),
            R"x(["shop-2/vm-1(created)","shop-2/vm-2(created)"])x");
}

TEST_F(RestoreStory, OneVmOfTwoIsSelectedByItsUid) {
  Object labelled = cluster.get(api::kVirtualMachine, "shop", "vm-1");
  labelled.set_label(api::kBackupVmUidLabel, labelled.uid());
  ASSERT_TRUE(cluster.client->update(api::kVirtualMachine, labelled));
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  Object restore = run_restore(fmt::format(
      "  orLabelSelectors: [{{matchExpressions: [{{key: "
      "cluster.open-cluster-management.io/backup-vm-uid, operator: In, values: ['{}']}}]}}]",
      labelled.uid()));
  EXPECT_EQ(restore.phase(), "Completed");
  EXPECT_TRUE(cluster.exists(api::kVirtualMachine, "shop", "vm-1"));
  EXPECT_TRUE(cluster.exists(api::kPersistentVolumeClaim, "shop", "vm-1-disk"));
  EXPECT_TRUE(cluster.exists(api::kSecret, "shop", "vm-1-init"));
  EXPECT_FALSE(cluster.exists(api::kVirtualMachine, "shop", "vm-2"));
  EXPECT_FALSE(cluster.exists(api::kPersistentVolumeClaim, "shop", "vm-2-disk"));
  EXPECT_EQ(restore.status()["progress"]["itemsRestored"].as_int(), 3);
}

TEST_F(RestoreStory, WhatIsInTheWayIsNamedBeforeAnythingIsWritten) {
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  std::string errors = refusal();
  EXPECT_NE(errors.find("VirtualMachine shop/vm-2 already exists"), std::string::npos) << errors;
  EXPECT_NE(errors.find("PersistentVolumeClaim shop/vm-2-disk already exists"), std::string::npos);
  EXPECT_EQ(errors.find("vm-1"), std::string::npos) << errors;
  EXPECT_FALSE(cluster.exists(api::kVirtualMachine, "shop", "vm-1"));
  EXPECT_TRUE(cluster.list(api::kDataDownload).empty());
}

TEST_F(RestoreStory, ALeftOverSnapshotContentIsNamed) {
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  Object claim(*cluster.archive("b1").find({"persistentvolumeclaims", "shop", "vm-1-disk"}));
  cluster.apply(fmt::format(R"(
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshotContent
metadata: {{name: left-over}}
spec:
  deletionPolicy: Retain
  driver: disk.breakwater.dev
  source: {{snapshotHandle: h}}
  volumeSnapshotRef: {{namespace: shop, name: {}}})",
                            claim.annotation("velero.io/volume-snapshot-name")));
  std::string errors = refusal();
  EXPECT_NE(errors.find("VolumeSnapshotContent left-over"), std::string::npos) << errors;
}

TEST_F(RestoreStory, AWrongRestoreIsRefused) {
  back_up();
  cluster.apply(
      fmt::format("{{apiVersion: velero.io/v1, kind: Restore, metadata: {{name: none, "
                  "namespace: {}}}, spec: {{}}}}",
                  kNs));
  cluster.add_restore("unknown", "no-such-backup");
  cluster.run_for(seconds(5));
  EXPECT_NE(to_json(cluster.restore("none").status()).find("either backupName or scheduleName"),
            std::string::npos);
  EXPECT_NE(
      to_json(cluster.restore("unknown").status()).find("Backup no-such-backup does not exist"),
      std::string::npos);
  EXPECT_NE(
      refusal("  labelSelector: {matchLabels: {no: match}}").find("nothing in backup b1 matches"),
      std::string::npos);
  EXPECT_NE(refusal("  existingResourcePolicy: update").find("existingResourcePolicy"),
            std::string::npos);
  EXPECT_NE(refusal("  namespaceMapping: {shop: Shop_2}").find("namespaceMapping"),
            std::string::npos);
  EXPECT_NE(refusal("  resourceModifier: {kind: ConfigMap, name: m}").find("resourceModifier"),
            std::string::npos);
}

TEST_F(RestoreStory, ABackupThatDidNotEndWellIsRefused) {
  cluster.mover_sleeps = true;
  back_up();
  EXPECT_NE(refusal().find("Backup b1 is WaitingForPluginOperations"), std::string::npos);
}

TEST_F(RestoreStory, ItWaitsForADeletionToEnd) {
  back_up();
  Object machine = cluster.get(api::kVirtualMachine, "shop", "vm-1");
  machine.add_finalizer("kubevirt.io/slow");
  ASSERT_TRUE(cluster.client->update(api::kVirtualMachine, machine));
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  cluster.add_restore("r1", "b1");
  cluster.run_for(minutes(5));
  EXPECT_EQ(cluster.restore("r1").phase(), "");
  machine = cluster.get(api::kVirtualMachine, "shop", "vm-1");
  machine.remove_finalizer("kubevirt.io/slow");
  ASSERT_TRUE(cluster.client->update(api::kVirtualMachine, machine));
  cluster.run_for(minutes(2));
  EXPECT_EQ(cluster.restore("r1").phase(), "Completed");
}

TEST_F(RestoreStory, ItDoesNotWaitForever) {
  back_up();
  Object machine = cluster.get(api::kVirtualMachine, "shop", "vm-1");
  machine.add_finalizer("kubevirt.io/slow");
  ASSERT_TRUE(cluster.client->update(api::kVirtualMachine, machine));
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  cluster.add_restore("r1", "b1");
  cluster.run_for(minutes(12));
  EXPECT_EQ(cluster.restore("r1").phase(), "FailedValidation");
  EXPECT_NE(to_json(cluster.restore("r1").status()).find("vm-1 is still being deleted"),
            std::string::npos);
}

TEST_F(RestoreStory, AVmWithoutDataIsNotRestoredAndTheOtherIs) {
  cluster.broken_claims = {"vm-2-disk"};
  back_up();
  ASSERT_EQ(cluster.backup("b1").phase(), "PartiallyFailed");
  cluster.broken_claims.clear();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  Object restore = run_restore();
  EXPECT_EQ(restore.phase(), "PartiallyFailed");
  EXPECT_TRUE(cluster.exists(api::kVirtualMachine, "shop", "vm-1"));
  EXPECT_FALSE(cluster.exists(api::kVirtualMachine, "shop", "vm-2"));
  EXPECT_FALSE(cluster.exists(api::kPersistentVolumeClaim, "shop", "vm-2-disk"));
  std::string errors = errors_of("r1");
  EXPECT_NE(errors.find("PersistentVolumeClaim shop/vm-2-disk"), std::string::npos) << errors;
  EXPECT_NE(errors.find("VirtualMachine shop/vm-2 is not restored"), std::string::npos) << errors;
}

TEST_F(RestoreStory, AFailedDownloadIsPartiallyFailedAndNamesTheClaim) {
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  cluster.broken_claims = {"vm-1-disk"};
  Object restore = run_restore();
  EXPECT_EQ(restore.phase(), "PartiallyFailed");
  EXPECT_EQ(restore.status()["restoreItemOperationsFailed"].as_int(), 1);
  std::string errors = errors_of("r1");
  EXPECT_NE(errors.find("shop/vm-1-disk: DataDownload"), std::string::npos) << errors;
  EXPECT_NE(errors.find("a pack is damaged"), std::string::npos) << errors;
}

TEST_F(RestoreStory, RestorePvsFalseRestoresNoDataAndSaysSo) {
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  Object restore = run_restore("  restorePVs: false");
  EXPECT_EQ(restore.phase(), "Completed");
  EXPECT_TRUE(cluster.list(api::kDataDownload).empty());
  EXPECT_EQ(restore.status()["warnings"].as_int(), 2);
  Object claim = cluster.get(api::kPersistentVolumeClaim, "shop", "vm-1-disk");
  EXPECT_TRUE(claim.spec()["selector"].is_null());
  Json results = *cluster.files().get_json("r1", RestoreFile::kResults);
  EXPECT_NE(to_json(results["warnings"]).find("without its data: spec.restorePVs is false"),
            std::string::npos);
}

TEST_F(RestoreStory, OtherExistingObjectsAreLeftAsTheyAre) {
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  cluster.apply(
      "{apiVersion: v1, kind: Secret, metadata: {name: vm-1-init, namespace: shop}, "
      "stringData: {userdata: another}}");
  Object restore = run_restore();
  EXPECT_EQ(restore.phase(), "Completed");
  EXPECT_EQ(restore.status()["warnings"].as_int(), 1);
  Object secret = cluster.get(api::kSecret, "shop", "vm-1-init");
  EXPECT_EQ(secret.label("velero.io/restore-name"), "");
  Json results = *cluster.files().get_json("r1", RestoreFile::kResults);
  EXPECT_NE(to_json(results).find("Secret:vm-1-init already exists"), std::string::npos);
}

TEST_F(RestoreStory, TheNewestBackupOfAScheduleIsTaken) {
  for (const char* name : {"old", "new"}) {
    cluster.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: {}, namespace: {}, labels: {{velero.io/schedule-name: nightly}}}}
spec:
  includedNamespaces: [shop]
  snapshotMoveData: true
  labelSelector: {{matchLabels: {{cluster.open-cluster-management.io/backup-vm: daily}}}})",
                              name, kNs));
    cluster.run_for(minutes(5));
  }
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  cluster.apply(
      fmt::format("{{apiVersion: velero.io/v1, kind: Restore, metadata: {{name: r1, "
                  "namespace: {}}}, spec: {{scheduleName: nightly}}}}",
                  kNs));
  cluster.run_for(minutes(5));
  EXPECT_EQ(cluster.restore("r1").phase(), "Completed");
  EXPECT_EQ(cluster.restore("r1").spec()["backupName"].as_string(), "new");
}

TEST_F(RestoreStory, LabelsOfTheRestoreChangeTheVm) {
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  cluster.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Restore
metadata:
  name: r1
  namespace: {}
  labels:
    velero.kubevirt.io/restore-run-strategy: Halted
    velero.kubevirt.io/generate-new-firmware-uuid: "true"
spec: {{backupName: b1}})",
                            kNs));
  cluster.run_for(minutes(5));
  Object back = cluster.get(api::kVirtualMachine, "shop", "vm-1");
  EXPECT_EQ(back.spec()["runStrategy"].as_string(), "Halted");
  EXPECT_EQ(
      back.json().at({"spec", "template", "spec", "domain", "firmware", "uuid"}).as_string().size(),
      36u);
}

TEST_F(RestoreStory, ASnapshotThatStayedIsTakenUpAgain) {
  cluster.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: b1, namespace: {}}}
spec: {{includedNamespaces: [shop], snapshotMoveData: false}})",
                            kNs));
  cluster.run_for(minutes(5));
  ASSERT_EQ(cluster.backup("b1").phase(), "Completed");
  const size_t contents = cluster.list(api::kVolumeSnapshotContent).size();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  cluster.claims_wait = true;
  Object restore = run_restore();
  EXPECT_EQ(restore.phase(), "Completed") << errors_of("r1");
  Object claim = cluster.get(api::kPersistentVolumeClaim, "shop", "vm-1-disk");
  const std::string& name = claim.spec()["dataSource"]["name"].as_string();
  EXPECT_EQ(claim.spec()["dataSource"]["kind"].as_string(), "VolumeSnapshot");
  Object snapshot = cluster.get(api::kVolumeSnapshot, "shop", name);
  Object content = cluster.get(api::kVolumeSnapshotContent, "",
                               snapshot.spec()["source"]["volumeSnapshotContentName"].as_string());
  EXPECT_EQ(content.spec()["deletionPolicy"].as_string(), "Retain");
  EXPECT_TRUE(content.spec()["source"]["snapshotHandle"].as_string().starts_with("snap-"));

  cluster.claims_wait = false;
  cluster.run_for(minutes(1));
  claim = cluster.get(api::kPersistentVolumeClaim, "shop", "vm-1-disk");
  EXPECT_TRUE(claim.spec()["volumeName"].as_string().starts_with("made-of-snap-"));
  EXPECT_FALSE(cluster.exists(api::kVolumeSnapshot, "shop", name)) << "it has served";
  EXPECT_EQ(cluster.list(api::kVolumeSnapshotContent).size(), contents) << "the Backup's stay";
  EXPECT_EQ(cluster.handles.size(), 2u);
}

TEST_F(RestoreStory, DeletingARestoreRemovesItsFilesOnly) {
  back_up();
  cluster.destroy_vm("shop", "vm-1");
  cluster.destroy_vm("shop", "vm-2");
  Object restore = run_restore();
  ASSERT_TRUE(cluster.client->remove(api::kRestore, restore.key()));
  cluster.run_for(minutes(1));
  EXPECT_FALSE(cluster.exists(api::kRestore, kNs, "r1"));
  EXPECT_TRUE(cluster.exists(api::kVirtualMachine, "shop", "vm-1"));
  EXPECT_TRUE(cluster.bucket->list("bucket/restores/")->objects.empty());
  EXPECT_EQ(cluster.files().list_backups()->size(), 1u);
}

}  // namespace
}  // namespace breakwater::velero_test
