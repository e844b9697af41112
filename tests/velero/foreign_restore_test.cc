// Restores on another cluster, from a location that it may only read.
#include <gtest/gtest.h>

#include "tests/velero/engine_cluster.h"

namespace breakwater::velero_test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// `source` has saved the namespace "shop" with two VMs; `other` sees that in a ReadOnly location.
class ForeignRestore : public testing::Test {
 protected:
  ForeignRestore() {
    source.add_location("default", "source");
    source.add_namespace("shop");
    source.add_vm("shop", "vm-1");
    source.add_vm("shop", "vm-2");
    add_application();
    source.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: b1, namespace: {}}}
spec: {{includedNamespaces: [shop], snapshotMoveData: true}})",
                             kNs));
    source.run_for(minutes(2));
    EXPECT_EQ(source.backup("b1").phase(), "Completed");
    other.add_location("default", "other");
    other.add_location("from-source", "source", "  accessMode: ReadOnly");
    other.run_for(minutes(2));
    stored = store->list("source/")->objects.size();
  }
  void add_application() {
    source.apply(R"(
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataVolume
metadata: {name: vm-1-disk, namespace: shop}
spec: {source: {blank: {}}, storage: {resources: {requests: {storage: 1Gi}}}}
status: {phase: Succeeded})");
    Object volume = source.get(api::kDataVolume, "shop", "vm-1-disk");
    volume.set({"status", "phase"}, "Succeeded");
    (void)source.client->update_status(api::kDataVolume, volume);
    (void)source.client->update(api::kDataVolume, volume);
    source.apply(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: web, namespace: shop}
- {kind: ServiceAccount, name: web, namespace: elsewhere})");
  }
  Object bring_over(std::string_view more = "  namespaceMapping: {shop: shop-copy}") {
    other.add_restore("r1", "b1", more);
    other.run_for(minutes(5));
    return other.restore("r1");
  }
  Object results() {
    const std::string& name = other.restore("r1").annotation("breakwater.dev/restore-files");
    return other.get(api::kConfigMap, kNs, name);
  }

  std::unique_ptr<blob::ObjectStore> store = blob::make_memory_store();
  EngineCluster source{"cluster-a", store.get()};
  EngineCluster other{"cluster-b", store.get()};
  size_t stored = 0;
};

TEST_F(ForeignRestore, EverythingLandsInTheMappedNamespace) {
  other.mover_sleeps = true;
  EXPECT_EQ(bring_over().phase(), "WaitingForPluginOperations");
  auto downloads = other.list(api::kDataDownload, kNs);
  ASSERT_EQ(downloads.size(), 2u);
  for (const Object& download : downloads) {
    EXPECT_EQ(download.spec()["targetVolume"]["namespace"].as_string(), "shop-copy");
    EXPECT_EQ(download.spec()["sourceNamespace"].as_string(), "shop");
    EXPECT_EQ(download.spec()["backupStorageLocation"].as_string(), "from-source");
    EXPECT_TRUE(download.spec()["snapshotID"].as_string().starts_with("restic/cluster-a/shop#vm-"));
  }
  other.mover_sleeps = false;
  other.run_for(minutes(1));
  EXPECT_EQ(other.restore("r1").phase(), "Completed") << to_json(other.restore("r1").status());

  for (const char* vm : {"vm-1", "vm-2"}) {
    const std::string name = vm;
    const Object back = other.get(api::kVirtualMachine, "shop-copy", name);
    EXPECT_EQ(back.spec(), source.get(api::kVirtualMachine, "shop", name).spec());
    EXPECT_TRUE(back.status().empty());
    EXPECT_TRUE(other.exists(api::kSecret, "shop-copy", name + "-init"));
    const Object claim = other.get(api::kPersistentVolumeClaim, "shop-copy", name + "-disk");
    EXPECT_FALSE(claim.spec()["volumeName"].as_string().empty());
    const std::string selector = to_json(claim.spec()["selector"]);
    EXPECT_NE(selector.find("shop-copy." + name + "-disk."), std::string::npos) << selector;
    EXPECT_EQ(selector.find("\"shop."), std::string::npos) << selector;
  }
  const Object volume = other.get(api::kDataVolume, "shop-copy", "vm-1-disk");
  EXPECT_EQ(volume.annotation("cdi.kubevirt.io/storage.prePopulated"), "vm-1-disk");
  EXPECT_FALSE(other.exists(api::kNamespace, "", "shop"));
  EXPECT_EQ(other.get(api::kNamespace, "", "shop-copy").label("team"), "a");
  EXPECT_EQ(other.get(api::kNamespace, "", "shop-copy").label("kubernetes.io/metadata.name"),
            "shop-copy");
}

TEST_F(ForeignRestore, ServiceAccountsOfTheNamespaceFollowIt) {
  ASSERT_EQ(bring_over().phase(), "Completed");
  const Object binding = other.get(api::kRoleBinding, "shop-copy", "readers");
  EXPECT_EQ(binding["subjects"][0]["namespace"].as_string(), "shop-copy");
  EXPECT_EQ(binding["subjects"][1]["namespace"].as_string(), "elsewhere");
}

TEST_F(ForeignRestore, NothingIsWrittenToAReadOnlyLocation) {
  const auto before = store->list("source/")->objects;
  const Object restore = bring_over();
  ASSERT_EQ(restore.phase(), "Completed");
  EXPECT_EQ(store->list("source/")->objects.size(), before.size());
  EXPECT_TRUE(store->list("other/")->objects.empty());

  const Object kept = results();
  EXPECT_EQ(kept.controller_uid(), restore.uid());
  EXPECT_EQ(kept["data"]["results.json"].as_string(),
            "{\n  \"warnings\": {},\n  \"errors\": {}\n}\n");
  for (const char* file : {"itemoperations.json.gz", "resource-list.json.gz", "logs.gz"})
    EXPECT_TRUE(kept["binaryData"].has(file)) << file;
  bool told = false;
  for (const Object& event : other.list(api::kEvent))
    told = told || event["message"].as_string() ==
                       fmt::format(
                           "The restore is complete; the results are in ConfigMap {}, "
                           "because BackupStorageLocation from-source is ReadOnly",
                           kept.name());
  EXPECT_TRUE(told);

  ASSERT_TRUE(other.client->remove(api::kRestore, restore.key()));
  other.run_for(minutes(1));
  EXPECT_FALSE(other.exists(api::kRestore, kNs, "r1"));
  EXPECT_FALSE(other.exists(api::kConfigMap, kNs, kept.name()));
  EXPECT_EQ(store->list("source/")->objects.size(), before.size());
}

TEST_F(ForeignRestore, ErrorsAreKeptToo) {
  other.broken_claims = {"vm-2-disk"};
  EXPECT_EQ(bring_over().phase(), "PartiallyFailed");
  EXPECT_NE(results()["data"]["results.json"].as_string().find("a pack is damaged"),
            std::string::npos);
}

TEST_F(ForeignRestore, ALocationThatTurnsReadOnlyUnderWayIsNotWrittenTo) {
  Object location = other.get(api::kBackupStorageLocation, kNs, "from-source");
  location.set({"spec", "accessMode"}, "ReadWrite");
  ASSERT_TRUE(other.client->update(api::kBackupStorageLocation, location));
  other.mover_sleeps = true;
  bring_over();
  ASSERT_FALSE(store->list("source/restores/")->objects.empty());
  const auto written = store->get("source/restores/r1/restore-r1-itemoperations.json.gz");
  location = other.get(api::kBackupStorageLocation, kNs, "from-source");
  location.set({"spec", "accessMode"}, "ReadOnly");
  ASSERT_TRUE(other.client->update(api::kBackupStorageLocation, location));
  other.mover_sleeps = false;
  other.run_for(minutes(5));
  EXPECT_EQ(other.restore("r1").phase(), "Completed");
  EXPECT_EQ(*store->get("source/restores/r1/restore-r1-itemoperations.json.gz"), *written);
}

TEST_F(ForeignRestore, ABackupToAReadOnlyLocationIsRefused) {
  other.add_namespace("mine");
  other.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: b2, namespace: {}}}
spec: {{includedNamespaces: [mine], storageLocation: from-source}})",
                          kNs));
  other.run_for(minutes(1));
  EXPECT_EQ(other.backup("b2").phase(), "FailedValidation");
  EXPECT_EQ(to_json(other.backup("b2").status()["validationErrors"]),
            R"(["spec.storageLocation: BackupStorageLocation from-source is ReadOnly: nothing is )"
            R"(written to it"])");
  EXPECT_EQ(store->list("source/")->objects.size(), stored);
}

TEST_F(ForeignRestore, TwoObjectsDoNotBecomeOne) {
  source.add_namespace("bank");
  source.add_vm("bank", "vm-1");
  source.apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: b2, namespace: {}}}
spec: {{includedNamespaces: [shop, bank], snapshotMoveData: true}})",
                           kNs));
  source.run_for(minutes(2));
  other.run_for(minutes(2));
  other.add_restore("r2", "b2", "  namespaceMapping: {shop: all, bank: all}");
  other.run_for(minutes(1));
  EXPECT_EQ(other.restore("r2").phase(), "FailedValidation");
  EXPECT_NE(to_json(other.restore("r2").status())
                .find("VirtualMachine all/vm-1 of namespaces bank and shop would be one"),
            std::string::npos)
      << to_json(other.restore("r2").status());
  EXPECT_FALSE(other.exists(api::kNamespace, "", "all"));
}

}  // namespace
}  // namespace breakwater::velero_test
