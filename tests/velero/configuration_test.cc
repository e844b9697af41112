// DataProtectionApplications and BackupStorageLocations.
#include <gtest/gtest.h>

#include "tests/velero/engine_cluster.h"

namespace breakwater::velero_test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr char kLocalDpa[] = R"(
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
      objectStorage: {bucket: bucket, prefix: one}
  - velero:
      provider: breakwater.dev/local
      config: {path: /anywhere}
      objectStorage: {bucket: bucket, prefix: two}
  configuration:
    restic: {enable: false}
    velero: {defaultPlugins: [openshift, aws, csi, vsm], featureFlags: [EnableCSI]})";

const Json& reconciled(const Object& dpa) { return kube::find_condition(dpa, "Reconciled"); }

TEST(Dpa, EachEntryBecomesALocation) {
  EngineCluster cluster;
  Object dpa = cluster.apply(kLocalDpa);
  cluster.run_for(seconds(5));
  for (const char* name : {"velero-sample-1", "velero-sample-2"}) {
    Object location = cluster.get(api::kBackupStorageLocation, kNs, name);
    EXPECT_EQ(location.controller_uid(), dpa.uid());
    EXPECT_EQ(location.phase(), "Available") << name;
  }
  dpa = cluster.get(api::kDataProtectionApplication, kNs, "velero-sample");
  EXPECT_EQ(reconciled(dpa)["status"].as_string(), "True");
  EXPECT_EQ(reconciled(dpa)["message"].as_string(), "Reconcile complete");

  Json entries = dpa.spec()["backupLocations"];
  dpa.set({"spec", "backupLocations"}, Json::array({entries[0]}));
  Json first = dpa.spec()["backupLocations"][0];
  first.set({"velero", "objectStorage", "prefix"}, "moved");
  dpa.set({"spec", "backupLocations"}, Json::array({first}));
  ASSERT_TRUE(cluster.client->update(api::kDataProtectionApplication, dpa));
  cluster.run_for(seconds(5));
  EXPECT_FALSE(cluster.exists(api::kBackupStorageLocation, kNs, "velero-sample-2"));
  Object location = cluster.get(api::kBackupStorageLocation, kNs, "velero-sample-1");
  EXPECT_EQ(location.spec()["objectStorage"]["prefix"].as_string(), "moved");

  ASSERT_TRUE(cluster.client->remove(api::kDataProtectionApplication, dpa.key()));
  cluster.run_for(seconds(5));
  EXPECT_TRUE(cluster.list(api::kBackupStorageLocation).empty());
}

TEST(Dpa, TheMissionsDpasApplyAsWritten) {
  EngineCluster cluster;
  cluster.apply(R"(
apiVersion: oadp.openshift.io/v1alpha1
kind: DataProtectionApplication
metadata:
  name: cephfs-dpa
  namespace: openshift-adp
spec:
  features:
    dataMover:
      enable: true
      credentialName: <secret-name>
      volumeOptionsForStorageClasses:
        ocs-storagecluster-cephfs:
          sourceVolumeOptions:
            accessMode: ReadOnlyMany
            cacheAccessMode: ReadWriteMany
            cacheStorageClassName: ocs-storagecluster-cephfs
            moverSecurityContext: true
            storageClassName: ocs-storagecluster-cephfs-shallow
          destinationVolumeOptions:
            cacheAccessMode: ReadWriteOnce
            moverSecurityContext: true
  backupLocations:
    - velero:
        config: {profile: default, region: us-east-1}
        credential: {key: cloud, name: cloud-credentials}
        default: true
        objectStorage: {bucket: <bucket-name>, prefix: <bucket-prefix>}
        provider: aws
  configuration:
    restic: {enable: false}
    velero:
      defaultPlugins: [openshift, aws, csi]
      featureFlags: [EnableCSI])");
  cluster.run_for(seconds(5));
  Object dpa = cluster.get(api::kDataProtectionApplication, kNs, "cephfs-dpa");
  const Json& options = dpa.spec()["features"]["dataMover"]["volumeOptionsForStorageClasses"];
  EXPECT_TRUE(
      options.at({"ocs-storagecluster-cephfs", "sourceVolumeOptions", "moverSecurityContext"})
          .as_bool());
  EXPECT_EQ(reconciled(dpa)["status"].as_string(), "False");
  EXPECT_NE(reconciled(dpa)["message"].as_string().find("aws is not supported yet"),
            std::string::npos);
  Object location = cluster.get(api::kBackupStorageLocation, kNs, "cephfs-dpa-1");
  EXPECT_EQ(location.phase(), "Unavailable");
  EXPECT_NE(location.status()["message"].as_string().find("aws"), std::string::npos);
}

TEST(Dpa, WhatIsNotOfferedIsOneSentence) {
  EngineCluster cluster;
  Object dpa = yaml_object(kLocalDpa);
  dpa.set({"spec", "configuration", "restic", "enable"}, true);
  ASSERT_TRUE(cluster.client->create(api::kDataProtectionApplication, dpa));
  cluster.run_for(seconds(5));
  dpa = cluster.get(api::kDataProtectionApplication, kNs, "velero-sample");
  EXPECT_EQ(reconciled(dpa)["status"].as_string(), "False");
  EXPECT_EQ(reconciled(dpa)["message"].as_string(),
            "spec.configuration.restic.enable: file-system backup is not offered: set it to false");
  EXPECT_TRUE(cluster.list(api::kBackupStorageLocation).empty());
}

TEST(Dpa, AForeignLocationIsLeftAlone) {
  EngineCluster cluster;
  cluster.add_location("velero-sample-1");
  cluster.apply(kLocalDpa);
  cluster.run_for(seconds(5));
  Object location = cluster.get(api::kBackupStorageLocation, kNs, "velero-sample-1");
  EXPECT_TRUE(location.spec()["objectStorage"]["prefix"].is_null());
  Object dpa = cluster.get(api::kDataProtectionApplication, kNs, "velero-sample");
  EXPECT_NE(reconciled(dpa)["message"].as_string().find("velero-sample-1 exists"),
            std::string::npos);
}

TEST(Location, IsLookedAtEveryMinute) {
  EngineCluster cluster;
  cluster.add_location();
  Object location = cluster.get(api::kBackupStorageLocation, kNs, "default");
  EXPECT_EQ(location.phase(), "Available");
  const std::string first = location.status()["lastValidationTime"].as_string();

  ASSERT_TRUE(cluster.bucket->put("bucket/photos/1.jpg", as_bytes("x")));
  cluster.run_for(seconds(30));
  location = cluster.get(api::kBackupStorageLocation, kNs, "default");
  EXPECT_EQ(location.status()["lastValidationTime"].as_string(), first);
  cluster.run_for(seconds(40));
  location = cluster.get(api::kBackupStorageLocation, kNs, "default");
  EXPECT_EQ(location.phase(), "Unavailable");
  EXPECT_NE(location.status()["message"].as_string().find("photos"), std::string::npos);

  ASSERT_TRUE(cluster.bucket->remove("bucket/photos/1.jpg"));
  cluster.run_for(minutes(2));
  location = cluster.get(api::kBackupStorageLocation, kNs, "default");
  EXPECT_EQ(location.phase(), "Available");
  EXPECT_TRUE(location.status()["message"].is_null());
  EXPECT_NE(location.status()["lastValidationTime"].as_string(), first);
}

TEST(Location, AStoreThatFailsIsUnavailableAndRecovers) {
  EngineCluster cluster;
  cluster.before_store = [](int64_t, const std::string&) -> Result<> {
    return fail(Code::kUnavailable, "the network is down");
  };
  cluster.add_location();
  Object location = cluster.get(api::kBackupStorageLocation, kNs, "default");
  EXPECT_EQ(location.phase(), "Unavailable");
  EXPECT_NE(location.status()["message"].as_string().find("the network is down"),
            std::string::npos);
  cluster.before_store = {};
  cluster.run_for(minutes(2));
  EXPECT_EQ(cluster.get(api::kBackupStorageLocation, kNs, "default").phase(), "Available");
}

}  // namespace
}  // namespace breakwater::velero_test
