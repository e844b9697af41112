// DataProtectionApplications and BackupStorageLocations.
#include <gtest/gtest.h>

#include "tests/velero/engine_cluster.h"
#include "velero/dpa_data_mover.h"

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
  cluster.apply(fmt::format(
      "{{apiVersion: v1, kind: Secret, metadata: {{name: dm-credential, namespace: {}}}, "
      "stringData: {{RESTIC_PASSWORD: x}}}}",
      kNs));
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

// The mission's three, as written but for the text in place of <secret-name>.
constexpr char kMissionDpa[] = R"(
apiVersion: oadp.openshift.io/v1alpha1
kind: DataProtectionApplication
metadata:
  name: {0}
  namespace: {1}
spec:
  features:
    dataMover:
      enable: true
      credentialName: {2}{3}
  backupLocations:
    - velero:
        config:
          profile: default
          region: us-east-1
        credential:
          key: cloud
          name: cloud-credentials
        default: true
        objectStorage:
          bucket: <bucket-name>
          prefix: <bucket-prefix>
        provider: aws
  configuration:
    restic:
      enable: false
    velero:
      defaultPlugins:
        - openshift
        - aws
        - csi{4}
      featureFlags:
        - EnableCSI)";

constexpr char kCephfsOptions[] = R"(
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
            moverSecurityContext: true)";

class MissionDpas : public testing::Test {
 protected:
  MissionDpas() {
    cluster.namespaces = {kNs, "dpa-openshift"};
    cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: dpa-openshift}}");
    cluster.start_engine();
  }
  void apply_all(std::string_view secret) {
    for (const auto& [name, ns, options, plugin] :
         {std::tuple("velero-sample", kNs, "", "\n        - vsm"),
          std::tuple("cephfs-dpa", kNs, kCephfsOptions, ""),
          std::tuple("all-other-storage-dpa", "dpa-openshift", "", "")})
      cluster.apply(fmt::format(kMissionDpa, name, ns, secret, options, plugin));
    cluster.run_for(seconds(5));
  }
  void add_secret(const std::string& ns, const std::string& name, const std::string& key) {
    cluster.apply(
        fmt::format("{{apiVersion: v1, kind: Secret, metadata: {{name: {}, namespace: "
                    "{}}}, stringData: {{{}: my-secure-restic-password}}}}",
                    name, ns, key));
  }
  std::string verdict(const std::string& ns, const std::string& name) {
    const Object dpa = cluster.get(api::kDataProtectionApplication, ns, name);
    const Json condition = reconciled(dpa);
    return condition["status"].as_string() + ": " + condition["message"].as_string();
  }
  EngineCluster cluster;
};

TEST_F(MissionDpas, ApplyAsWrittenAndNameWhatIsMissing) {
  apply_all("<secret-name>");
  EXPECT_EQ(verdict(kNs, "velero-sample"),
            "False: spec.features.dataMover.credentialName: Secret <secret-name> with key "
            "RESTIC_PASSWORD does not exist in openshift-adp");
  const Object dpa = cluster.get(api::kDataProtectionApplication, kNs, "cephfs-dpa");
  const Json& options = dpa.spec()["features"]["dataMover"]["volumeOptionsForStorageClasses"];
  EXPECT_TRUE(
      options.at({"ocs-storagecluster-cephfs", "sourceVolumeOptions", "moverSecurityContext"})
          .as_bool());
  for (const auto& [ns, location] :
       {std::pair(kNs, "velero-sample-1"), std::pair(kNs, "cephfs-dpa-1"),
        std::pair("dpa-openshift", "all-other-storage-dpa-1")}) {
    const Object made = cluster.get(api::kBackupStorageLocation, ns, location);
    EXPECT_EQ(made.spec()["objectStorage"]["prefix"].as_string(), "<bucket-prefix>");
    EXPECT_EQ(made.spec()["credential"]["name"].as_string(), "cloud-credentials");
    EXPECT_EQ(made.phase(), "Available") << location;
  }
}

TEST_F(MissionDpas, AreReconciledOnceEverythingIsThere) {
  apply_all("restic-secret");
  add_secret("dpa-openshift", "restic-secret", "PASSWORD");
  add_secret(kNs, "restic-secret", "RESTIC_PASSWORD");
  cluster.run_for(minutes(1));
  EXPECT_EQ(verdict(kNs, "velero-sample"), "True: Reconcile complete");
  EXPECT_EQ(verdict("dpa-openshift", "all-other-storage-dpa"),
            "False: spec.features.dataMover.credentialName: Secret restic-secret has no key "
            "RESTIC_PASSWORD or it is empty");
  EXPECT_EQ(verdict(kNs, "cephfs-dpa"),
            "False: spec.features.dataMover.volumeOptionsForStorageClasses: StorageClass "
            "ocs-storagecluster-cephfs does not exist");
  for (const char* name : {"ocs-storagecluster-cephfs", "ocs-storagecluster-cephfs-shallow"})
    cluster.apply(
        fmt::format("{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: "
                    "{{name: {}}}, provisioner: p}}",
                    name));
  cluster.run_for(minutes(1));
  EXPECT_EQ(verdict(kNs, "cephfs-dpa"), "True: Reconcile complete");
}

// Engines of two namespaces on one Runner: a Backup of the same name in each.
TEST_F(MissionDpas, TwoEnginesDoNotMeet) {
  apply_all("restic-secret");
  cluster.add_namespace("shop");
  cluster.add_vm("shop", "vm-1");
  Object location =
      cluster.get(api::kBackupStorageLocation, "dpa-openshift", "all-other-storage-dpa-1");
  location.set({"spec", "objectStorage", "bucket"}, "another");
  ASSERT_TRUE(cluster.client->update(api::kBackupStorageLocation, location));
  Object dpa =
      cluster.get(api::kDataProtectionApplication, "dpa-openshift", "all-other-storage-dpa");
  Json entries = dpa.spec()["backupLocations"];
  Json entry = entries[0];
  entry.set({"velero", "objectStorage", "bucket"}, "another");
  dpa.set({"spec", "backupLocations"}, Json::array({entry}));
  ASSERT_TRUE(cluster.client->update(api::kDataProtectionApplication, dpa));
  cluster.run_for(minutes(1));
  for (const char* ns : {kNs, "dpa-openshift"})
    cluster.apply(
        fmt::format("{{apiVersion: velero.io/v1, kind: Backup, metadata: {{name: b1, "
                    "namespace: {}}}, spec: {{includedNamespaces: [shop]}}}}",
                    ns));
  cluster.run_for(minutes(2));
  for (const char* ns : {kNs, "dpa-openshift"})
    EXPECT_EQ(cluster.get(api::kBackup, ns, "b1").phase(), "Completed") << ns;
  const auto vsbs = cluster.list(api::kVolumeSnapshotBackup, "shop");
  ASSERT_EQ(vsbs.size(), 2u);
  EXPECT_NE(vsbs[0].spec()["protectedNamespace"], vsbs[1].spec()["protectedNamespace"]);
  EXPECT_TRUE(cluster.list(api::kVolumeSnapshot).empty());
  EXPECT_TRUE(cluster.handles.empty());
}

TEST(Dpa, AWrongDataMoverIsOneSentenceThatNamesTheField) {
  struct Case {
    const char* options;
    const char* message;
  };
  for (const Case& test : {
           Case{"timeout: soon", "timeout: \"soon\" is no duration such as 10m or 1h30m"},
           Case{"timeout: 45m", ""},
           Case{"maxConcurrentBackupVolumes: '0'",
                "maxConcurrentBackupVolumes: \"0\" is no number of volumes, a whole number from 1"},
           Case{"maxConcurrentRestoreVolumes: ten",
                "maxConcurrentRestoreVolumes: \"ten\" is no number of volumes, a whole number from "
                "1"},
           Case{"maxConcurrentRestoreVolumes: 12", ""},
           Case{"pruneInterval: '14'", ""},
           Case{"pruneInterval: 2w",
                "pruneInterval: \"2w\" is no number of days, a whole number from 1"},
           Case{"snapshotRetainPolicy: {daily: '2', within: 3d12h}", ""},
           Case{
               "snapshotRetainPolicy: {weekly: '-1'}",
               "snapshotRetainPolicy.weekly: \"-1\" is no number of snapshots, a whole number from "
               "0"},
           Case{"snapshotRetainPolicy: {within: 3 days}",
                "snapshotRetainPolicy.within: \"3 days\" is no span of time such as 30d or 1y6m"},
           Case{"schedule: '*/5 * * * *'", ""},
           Case{"volumeOptionsForStorageClasses: {fast: {sourceVolumeOptions: {accessMode: RWO}}}",
                "volumeOptionsForStorageClasses.fast.sourceVolumeOptions.accessMode: \"RWO\" is no "
                "access mode such as ReadWriteOnce or ReadOnlyMany"},
           Case{"volumeOptionsForStorageClasses: {fast: {destinationVolumeOptions: {cacheCapacity: "
                "big}}}",
                "volumeOptionsForStorageClasses.fast.destinationVolumeOptions.cacheCapacity: "
                "\"big\" is no size such as 10Gi"},
           Case{"volumeOptionsForStorageClasses: {fast: {sourceVolumeOptions: "
                "{moverSecurityContext: 'true'}}}",
                "volumeOptionsForStorageClasses.fast.sourceVolumeOptions.moverSecurityContext: "
                "must be true or false"},
       }) {
    Object dpa = yaml_object(kLocalDpa);
    dpa.set({"spec", "features", "dataMover"},
            parse_yaml(fmt::format("{{enable: true, {}}}", test.options))->front());
    std::string expected = test.message;
    if (!expected.empty()) expected = "spec.features.dataMover." + expected;
    EXPECT_EQ(velero::check_data_mover(dpa), expected) << test.options;
  }
  Object dpa = yaml_object(kLocalDpa);
  dpa.set({"spec", "features", "dataMover", "schedule"}, "every day");
  EXPECT_NE(velero::check_data_mover(dpa).find("spec.features.dataMover.schedule: "),
            std::string::npos);
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

TEST(Location, ADirectoryThatCannotBeWrittenIsUnavailable) {
  EngineCluster cluster;
  cluster.directory = "/proc/breakwater";
  cluster.add_location();
  const Object location = cluster.get(api::kBackupStorageLocation, kNs, "default");
  EXPECT_EQ(location.phase(), "Unavailable");
  EXPECT_NE(location.status()["message"].as_string().find("/proc/breakwater/bucket"),
            std::string::npos);
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
