// Backups and Restores as the Volume Snapshot Mover's users know them: the
// DataProtectionApplication turns the data mover on, each snapshot goes by a VolumeSnapshotBackup
// and comes back by a VolumeSnapshotRestore.
#include <gtest/gtest.h>

#include "apiserver/rest.h"
#include "tests/velero/engine_cluster.h"

namespace breakwater::velero_test {
namespace {

using backupstore::BackupFile;
using backupstore::RestoreFile;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr char kMoverDpa[] = R"(
apiVersion: oadp.openshift.io/v1alpha1
kind: DataProtectionApplication
metadata: {name: velero-sample, namespace: openshift-adp}
spec:
  features: {dataMover: {enable: true, credentialName: dm-credential}}
  backupLocations:
  - velero:
      provider: breakwater.dev/local
      default: true
      config: {path: /anywhere}
      objectStorage: {bucket: bucket}
  configuration:
    restic: {enable: false}
    velero: {defaultPlugins: [openshift, aws, csi, vsm], featureFlags: [EnableCSI]})";

class SnapshotMoverStory : public testing::Test {
 protected:
  SnapshotMoverStory() {
    cluster.apply(fmt::format(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: dm-credential, namespace: {}}}, "
        "stringData: {{RESTIC_PASSWORD: x}}}}",
        kNs));
    cluster.apply(kMoverDpa);
    cluster.add_namespace("shop");
    cluster.run_for(seconds(5));
  }
  // The mission's Backup: nothing but a namespace and a location.
  Object back_up(std::string_view more = "") {
    cluster.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: b1, namespace: {}}}
spec:
  includedNamespaces: [shop]
  storageLocation: velero-sample-1
{})",
                              kNs, more));
    cluster.run_for(minutes(2));
    return cluster.backup("b1");
  }
  // The mission's Restore.
  Object bring_back(std::string_view more = "") {
    cluster.add_restore("r1", "b1", fmt::format("  restorePVs: true\n{}", more));
    cluster.run_for(minutes(5));
    return cluster.restore("r1");
  }
  void destroy_shop() {
    for (const Object& claim : cluster.list(api::kPersistentVolumeClaim, "shop"))
      ASSERT_TRUE(cluster.client->remove(api::kPersistentVolumeClaim, claim.key()));
    for (const Object& vsb : cluster.list(api::kVolumeSnapshotBackup, "shop"))
      ASSERT_TRUE(cluster.client->remove(api::kVolumeSnapshotBackup, vsb.key()));
    ASSERT_TRUE(cluster.client->remove(api::kNamespace, {"", "shop"}));
    cluster.run_for(minutes(1));
  }
  void expect_no_snapshots() {
    EXPECT_TRUE(cluster.list(api::kVolumeSnapshot).empty());
    EXPECT_TRUE(cluster.list(api::kVolumeSnapshotContent).empty());
    EXPECT_TRUE(cluster.handles.empty()) << "the storage keeps a snapshot that nobody owns";
  }
  std::string errors_of_backup() {
    return to_json((*cluster.files().get_json("b1", BackupFile::kResults))["errors"]);
  }
  std::string errors_of_restore() {
    return to_json((*cluster.files().get_json("r1", RestoreFile::kResults))["errors"]);
  }

  EngineCluster cluster;
};

TEST_F(SnapshotMoverStory, EachSnapshotGoesByAVolumeSnapshotBackup) {
  Object claim = cluster.add_claim("shop", "data-0");
  cluster.add_claim("shop", "data-1");
  cluster.mover_sleeps = true;
  Object backup = back_up();
  EXPECT_EQ(backup.phase(), "WaitingForPluginOperations");
  EXPECT_TRUE(cluster.list(api::kDataUpload).empty());
  auto vsbs = cluster.list(api::kVolumeSnapshotBackup, "shop");
  ASSERT_EQ(vsbs.size(), 2u);
  const Object* first = &vsbs[0];
  if (first->label("velero.io/pvc-uid") != claim.uid()) first = &vsbs[1];
  const std::string content = first->spec()["volumeSnapshotContent"]["name"].as_string();
  EXPECT_TRUE(cluster.exists(api::kVolumeSnapshotContent, "", content));
  EXPECT_TRUE(first->name().starts_with("vsb-"));
  EXPECT_EQ(first->label("velero.io/backup-name"), "b1");
  EXPECT_EQ(first->label("datamover.io/vsb-volumesnapshotcontent"), content);
  EXPECT_EQ(first->spec()["protectedNamespace"].as_string(), kNs);
  EXPECT_EQ(first->spec()["resticSecretRef"]["name"].as_string(), "velero-sample-1-volsync-restic");

  cluster.mover_sleeps = false;
  cluster.run_for(minutes(1));
  backup = cluster.backup("b1");
  EXPECT_EQ(backup.phase(), "Completed") << to_json(backup.status());
  EXPECT_EQ(backup.status()["backupItemOperationsCompleted"].as_int(), 2);
  expect_no_snapshots();
  EXPECT_EQ(cluster.list(api::kVolumeSnapshotBackup, "shop").size(), 2u) << "users look at them";

  const auto items = cluster.archive("b1");
  const Json* json =
      items.find({"volumesnapshotbackups.datamover.oadp.openshift.io", "shop", first->name()});
  ASSERT_NE(json, nullptr);
  const Object saved(*json);
  EXPECT_EQ(saved.annotation("datamover.io/restic-repository"),
            "s3:s3.amazonaws.com/bucket/restic/cluster-a/shop#data-0");
  EXPECT_EQ(saved.annotation("datamover.io/source-pvc-name"), "data-0");
  EXPECT_EQ(saved.annotation("datamover.io/source-pvc-size"), "2Gi");
  EXPECT_EQ(saved.annotation("datamover.io/source-pvc-storageclass"), "disks");
  EXPECT_EQ(saved.annotation("datamover.io/source-pvc-volumesnapshotclass"), "sandbox");
  const Json info = (*cluster.files().get_json("b1", BackupFile::kVolumeInfo))[0];
  EXPECT_EQ(info["result"].as_string(), "succeeded");
  EXPECT_EQ(info["snapshotDataMovementInfo"]["snapshotHandle"].as_string(),
            saved.annotation("datamover.io/restic-repository"));
}

TEST_F(SnapshotMoverStory, TheBackupsOwnWordComesFirst) {
  cluster.add_claim("shop", "data-0");
  EXPECT_EQ(back_up("  snapshotMoveData: true").phase(), "Completed");
  EXPECT_EQ(cluster.list(api::kDataUpload).size(), 1u);
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshotBackup).empty());
}

TEST_F(SnapshotMoverStory, TheChoiceDoesNotChangeUnderWay) {
  cluster.add_claim("shop", "data-0");
  cluster.mover_sleeps = true;
  back_up();
  Object dpa = cluster.get(api::kDataProtectionApplication, kNs, "velero-sample");
  dpa.set({"spec", "features", "dataMover", "enable"}, false);
  ASSERT_TRUE(cluster.client->update(api::kDataProtectionApplication, dpa));
  cluster.start_engine();
  cluster.run_for(minutes(1));
  EXPECT_EQ(cluster.backup("b1").phase(), "WaitingForPluginOperations");
  cluster.mover_sleeps = false;
  cluster.run_for(minutes(1));
  EXPECT_EQ(cluster.backup("b1").phase(), "Completed");
  expect_no_snapshots();
}

TEST_F(SnapshotMoverStory, AFailedOneIsNamedAndItsSnapshotGoes) {
  cluster.add_claim("shop", "data-0");
  cluster.add_claim("shop", "data-1");
  cluster.broken_claims = {"data-1"};
  EXPECT_EQ(back_up().phase(), "PartiallyFailed");
  EXPECT_NE(errors_of_backup().find("PersistentVolumeClaim shop/data-1: VolumeSnapshotBackup vsb-"),
            std::string::npos)
      << errors_of_backup();
  EXPECT_NE(errors_of_backup().find("the disk is on fire"), std::string::npos);
  expect_no_snapshots();
}

TEST_F(SnapshotMoverStory, OneThatTakesTooLongKeepsItsSnapshotUntilItEnds) {
  cluster.add_claim("shop", "data-0");
  cluster.mover_sleeps = true;
  back_up("  itemOperationTimeout: 30m");
  cluster.run_for(minutes(35));
  EXPECT_EQ(cluster.backup("b1").phase(), "PartiallyFailed");
  EXPECT_NE(errors_of_backup().find("did not end within 30m0s"), std::string::npos);
  EXPECT_EQ(cluster.list(api::kVolumeSnapshot).size(), 1u);
  cluster.mover_sleeps = false;
  cluster.run_for(minutes(1));
  expect_no_snapshots();
}

TEST_F(SnapshotMoverStory, ADestroyedNamespaceComesBack) {
  cluster.add_vm("shop", "vm-1");
  ASSERT_EQ(back_up().phase(), "Completed");
  cluster.destroy_vm("shop", "vm-1");
  destroy_shop();
  cluster.mover_sleeps = true;
  bring_back();
  auto vsrs = cluster.list(api::kVolumeSnapshotRestore, "shop");
  ASSERT_EQ(vsrs.size(), 1u);
  EXPECT_EQ(vsrs[0].label("velero.io/restore-name"), "r1");
  EXPECT_EQ(vsrs[0].label("velero.io/backup-name"), "b1");
  EXPECT_EQ(vsrs[0].label("velero.io/persistent-volume-claim-name"), "vm-1-disk");
  EXPECT_TRUE(vsrs[0].label("velero.io/vsb-name").starts_with("vsb-"));
  EXPECT_EQ(to_json(vsrs[0].spec()),
            R"({"protectedNamespace":"openshift-adp",)"
            R"("resticSecretRef":{"name":"velero-sample-1-volsync-restic"},)"
            R"("volumeSnapshotMoverBackupRef":{"sourcePVCData":{"name":"vm-1-disk","size":"2Gi",)"
            R"("storageClassName":"disks","volumeMode":"Block"},"resticrepository":)"
            R"("s3:s3.amazonaws.com/bucket/restic/cluster-a/shop#vm-1-disk",)"
            R"("volumeSnapshotClassName":"sandbox"}})");
  EXPECT_EQ(cluster.restore("r1").phase(), "WaitingForPluginOperations");
  EXPECT_TRUE(cluster.exists(api::kVirtualMachine, "shop", "vm-1"));

  cluster.mover_sleeps = false;
  cluster.run_for(minutes(1));
  EXPECT_EQ(cluster.restore("r1").phase(), "Completed") << errors_of_restore();
  EXPECT_EQ(cluster.restore("r1").status()["restoreItemOperationsCompleted"].as_int(), 1);
  const Object claim = cluster.get(api::kPersistentVolumeClaim, "shop", "vm-1-disk");
  EXPECT_EQ(claim.spec()["volumeName"].as_string(), "made-of-restored-" + vsrs[0].uid());
  EXPECT_EQ(claim.spec()["resources"]["requests"]["storage"].as_string(), "2Gi")
      << "no less than the snapshot holds";
  expect_no_snapshots();
  EXPECT_EQ(cluster.list(api::kVolumeSnapshotRestore, "shop")[0].phase(), "Completed");
}

TEST_F(SnapshotMoverStory, AMappedNamespaceGetsEverything) {
  cluster.add_vm("shop", "vm-1");
  back_up();
  Object restore = bring_back("  namespaceMapping: {shop: shop-2}");
  EXPECT_EQ(restore.phase(), "Completed") << errors_of_restore();
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshotRestore, "shop").empty());
  ASSERT_EQ(cluster.list(api::kVolumeSnapshotRestore, "shop-2").size(), 1u);
  EXPECT_FALSE(cluster.get(api::kPersistentVolumeClaim, "shop-2", "vm-1-disk")
                   .spec()["volumeName"]
                   .as_string()
                   .empty());
  expect_no_snapshots();
}

TEST_F(SnapshotMoverStory, AClaimThatWaitsForItsFirstUseKeepsItsSnapshotAsLong) {
  cluster.apply(R"(
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: disks}
provisioner: disk.breakwater.dev
volumeBindingMode: WaitForFirstConsumer)");
  cluster.add_claim("shop", "data-0");
  back_up();
  destroy_shop();
  cluster.claims_wait = true;
  EXPECT_EQ(bring_back().phase(), "Completed");
  EXPECT_EQ(cluster.list(api::kVolumeSnapshot, "shop").size(), 1u);
  cluster.run_for(hours(10));
  EXPECT_EQ(cluster.list(api::kVolumeSnapshot, "shop").size(), 1u);
  cluster.claims_wait = false;
  cluster.run_for(minutes(10));
  expect_no_snapshots();
}

TEST_F(SnapshotMoverStory, AFailedRestoreIsNamed) {
  cluster.add_claim("shop", "data-0");
  back_up();
  destroy_shop();
  cluster.broken_claims = {"data-0"};
  EXPECT_EQ(bring_back().phase(), "PartiallyFailed");
  EXPECT_NE(errors_of_restore().find("shop/data-0: VolumeSnapshotRestore vsr-"), std::string::npos)
      << errors_of_restore();
  EXPECT_NE(errors_of_restore().find("a pack is damaged"), std::string::npos);
}

TEST_F(SnapshotMoverStory, AClaimThatGetsNoVolumeIsNamed) {
  cluster.add_claim("shop", "data-0");
  back_up();
  destroy_shop();
  cluster.claims_wait = true;
  bring_back("  itemOperationTimeout: 30m");
  EXPECT_EQ(cluster.restore("r1").phase(), "WaitingForPluginOperations");
  cluster.run_for(minutes(40));
  EXPECT_EQ(cluster.restore("r1").phase(), "PartiallyFailed");
  EXPECT_NE(errors_of_restore().find(
                "shop/data-0: no volume was made of the restored snapshot within 30m0s"),
            std::string::npos)
      << errors_of_restore();
}

// A backup that the original made: its VolumeSnapshotBackup has annotations and no status, its
// claim no uid that we know, its repository no '#'.
TEST_F(SnapshotMoverStory, ABackupOfTheOriginalIsRestored) {
  cluster.add_claim("shop", "data-0");
  back_up();
  auto items = cluster.archive("b1");
  const auto vsbs = cluster.list(api::kVolumeSnapshotBackup, "shop");
  backupstore::ItemKey key{"volumesnapshotbackups.datamover.oadp.openshift.io", "shop",
                           vsbs[0].name()};
  Object vsb(*items.find(key));
  vsb.erase({"status"});
  vsb.erase({"metadata", "labels", "velero.io/pvc-uid"});
  vsb.set_annotation("datamover.io/restic-repository",
                     "s3:s3.amazonaws.com/bucket/openshift-adp/b1/snapcontent-1-pvc");
  vsb.erase({"metadata", "annotations", "datamover.io/source-pvc-volumemode"});
  items.put(key, vsb.json());
  ASSERT_TRUE(cluster.files().put_contents("b1", items, cluster.clock.now()));
  destroy_shop();
  EXPECT_EQ(bring_back().phase(), "Completed") << errors_of_restore();
  const Object vsr = cluster.list(api::kVolumeSnapshotRestore, "shop")[0];
  EXPECT_EQ(vsr.spec()["volumeSnapshotMoverBackupRef"]["resticrepository"].as_string(),
            "s3:s3.amazonaws.com/bucket/openshift-adp/b1/snapcontent-1-pvc");
}

Json definition_of(std::string_view group, std::string_view kind, std::string_view plural) {
  return parse_yaml(fmt::format(R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {2}.{0}}}
spec:
  group: {0}
  scope: Namespaced
  names: {{kind: {1}, listKind: {1}List, plural: {2}, singular: {3}}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}})",
                                group, kind, plural, plural.substr(0, plural.size() - 1)))
      ->front();
}

// A cluster that serves an application's kinds, with discovery.
class StatefulApplication : public SnapshotMoverStory {
 protected:
  StatefulApplication() {
    auto installed =
        cluster.server->install_crds({definition_of("apps", "StatefulSet", "statefulsets"),
                                      definition_of("route.openshift.io", "Route", "routes")});
    EXPECT_TRUE(installed) << installed.error().to_string();
    cluster.server->set_raw_handler(
        [this](const apiserver::User& user, const std::string& path) -> Result<std::string> {
          apiserver::Request request;
          request.method = "GET";
          request.path = path;
          request.user = user;
          return std::move(rest.handle(request).body);
        });
    cluster.add_claim("shop", "data-web-0");
    cluster.apply(R"(
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: shop}
spec:
  serviceName: web
  volumeClaimTemplates: [{metadata: {name: data}}])");
    cluster.apply(R"(
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.0.0.7, ports: [{port: 80}], selector: {app: web}})");
    cluster.apply(R"(
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: web, namespace: shop}
spec: {host: web.example.com, to: {kind: Service, name: web}})");
  }
  ~StatefulApplication() override {
    cluster.stop_engine();
    cluster.server->set_raw_handler({});
  }
  apiserver::Rest rest{*cluster.server, nullptr, cluster.clock};
};

// The mission's example: everything in the namespace is saved and comes back, and nothing of
// earlier moves does.
TEST_F(StatefulApplication, IsSavedWholeAndComesBack) {
  cluster.apply(R"(
apiVersion: datamover.oadp.openshift.io/v1alpha1
kind: VolumeSnapshotBackup
metadata: {name: of-yesterday, namespace: shop})");
  Object old = cluster.get(api::kVolumeSnapshotBackup, "shop", "of-yesterday");
  old.set({"status", "phase"}, "Completed");
  ASSERT_TRUE(cluster.client->update_status(api::kVolumeSnapshotBackup, old));

  EXPECT_EQ(back_up().phase(), "Completed") << errors_of_backup();
  const auto items = cluster.archive("b1");
  for (const char* kind : {"statefulsets.apps", "services", "routes.route.openshift.io"})
    EXPECT_NE(items.find({kind, "shop", "web"}), nullptr) << kind;
  EXPECT_EQ(
      items.find({"volumesnapshotbackups.datamover.oadp.openshift.io", "shop", "of-yesterday"}),
      nullptr);

  destroy_shop();
  EXPECT_EQ(bring_back().phase(), "Completed") << errors_of_restore();
  const Json list = *cluster.files().get_json("r1", RestoreFile::kResourceList);
  for (const char* kind : {"apps/v1/StatefulSet", "v1/Service", "route.openshift.io/v1/Route"})
    EXPECT_EQ(to_json(list[kind]), R"x(["shop/web(created)"])x") << kind;
  EXPECT_FALSE(cluster.get(api::kPersistentVolumeClaim, "shop", "data-web-0")
                   .spec()["volumeName"]
                   .as_string()
                   .empty());
  expect_no_snapshots();
}

}  // namespace
}  // namespace breakwater::velero_test
