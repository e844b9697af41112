// What the original Volume Snapshot Mover got wrong (volume-snapshot-mover.md 12), one row each;
// and limits, names and Secrets, which are what those rows are about.
#include "mover/data_mover_options.h"
#include "mover/repository_place.h"
#include "mover/repository_url.h"
#include "tests/mover/snapshot_story.h"

namespace breakwater::mover_test {
namespace {

struct Defect {
  int number;
  const char* name;
  std::function<void(SnapshotStory&)> check;
};

// The test's own mover settings are the defaults; what a row needs besides it makes itself.
void make_vsbs(SnapshotStory& story, int count) {
  for (int i = 0; i < count; ++i) {
    const Key snapshot{"shop", "snapshot-" + std::to_string(i)};
    story.world.create_snapshot(snapshot, kDisk.name);
    ASSERT_TRUE(story.world.run_until([&] { return story.world.is_ready(snapshot); }));
    Object vsb = Object::make(api::kVolumeSnapshotBackup, {"shop", "v" + std::to_string(i)});
    vsb.set(
        {"spec", "volumeSnapshotContent", "name"},
        story.world.get(api::kVolumeSnapshot, snapshot).status()["boundVolumeSnapshotContentName"]);
    vsb.set({"spec", "protectedNamespace"}, "velero");
    story.world.create(api::kVolumeSnapshotBackup, vsb);
  }
}

std::map<std::string, int> count_batching(SnapshotStory& story) {
  std::map<std::string, int> counts;
  const auto all = story.world.client().list(api::kVolumeSnapshotBackup, "");
  for (const Object& vsb : *all) ++counts[vsb.status()["batchingStatus"].as_string()];
  return counts;
}

Object make_backup(SnapshotStory& story, const std::string& phase) {
  Object backup = Object::make(api::kBackup, {"velero", "backup-1"});
  backup.set({"status", "phase"}, phase);
  return story.world.create(api::kBackup, backup);
}

void make_owned_vsb(SnapshotStory& story) {
  Object vsb = Object::make(api::kVolumeSnapshotBackup, kVsb);
  vsb.set_label(api::kBackupNameLabel, "backup-1");
  vsb.set({"spec", "volumeSnapshotContent", "name"}, story.content());
  vsb.set({"spec", "protectedNamespace"}, "velero");
  story.world.create(api::kVolumeSnapshotBackup, vsb);
}

void expect_failed(SnapshotStory& story, const std::string& sentence) {
  ASSERT_TRUE(story.run_vsb_to("Failed", std::chrono::minutes(20)));
  EXPECT_NE(SnapshotStory::message_of(story.vsb()).find(sentence), std::string::npos)
      << SnapshotStory::message_of(story.vsb());
  story.expect_only({});
}

void check_slots_survive(SnapshotStory& story) {
  story.make_dpa(Json::object({{"enable", true}, {"maxConcurrentBackupVolumes", "2"}}));
  story.worker.hangs = true;
  make_vsbs(story, 4);
  story.world.run(std::chrono::minutes(1));
  for (int i = 0; i < 3; ++i) {
    story.world.restart();
    story.world.run(std::chrono::minutes(1));
    EXPECT_EQ(count_batching(story)["Processing"], 2);
    EXPECT_EQ(count_batching(story)["Queued"], 2);
  }
  const auto all = story.world.client().list(api::kVolumeSnapshotBackup, "");
  for (const Object& vsb : *all) {  // one that runs is deleted: exactly one of the others starts
    if (vsb.status()["batchingStatus"].as_string() != "Processing") continue;
    story.world.remove(api::kVolumeSnapshotBackup, vsb.key());
    break;
  }
  story.world.run(std::chrono::minutes(1));
  EXPECT_EQ(count_batching(story)["Processing"], 2);
  story.worker.error = "no";
  story.worker.code = "Forbidden";
  story.worker.hangs = false;
  story.world.run(std::chrono::minutes(2));  // Failed ones give their slots to the others
  EXPECT_EQ(count_batching(story)["Completed"], 3);
}

void check_no_class_names(SnapshotStory& story) {
  const std::string name = story.content();
  story.world.change(api::kVolumeSnapshotContent, {"", name}, [](Object& now) {
    now.erase({"spec", "volumeSnapshotClassName"});
    now.erase({"spec", "sourceVolumeMode"});
  });
  story.world.remove(api::kPersistentVolumeClaim, kDisk);  // nor a claim with a storage class
  story.world.run();
  story.make_vsb();
  EXPECT_TRUE(story.run_vsb_to("Completed")) << to_json(story.vsb().json(), 1);
}

void check_two_engines_of_secrets(SnapshotStory& story) {
  Object other = Object::make(api::kSecret, {"velero", "other"});
  other.set({"data", "RESTIC_PASSWORD"}, to_base64(as_bytes("another one")));
  other.set({"data", "RESTIC_REPOSITORY"}, to_base64(as_bytes("/mnt/elsewhere/base/")));
  story.world.create(api::kSecret, other);
  story.make_vsb(kVsb, "other");
  ASSERT_TRUE(story.run_vsb_to("Completed")) << to_json(story.vsb().json(), 1);
  EXPECT_TRUE(story.repository().starts_with("/mnt/elsewhere/base/restic/")) << story.repository();
  EXPECT_NE(story.worker.environment.find("RESTIC_PASSWORD=another one"), std::string::npos);
  story.make_vsb({"shop", "vsb-2"});
  ASSERT_TRUE(story.run_to(api::kVolumeSnapshotBackup, {"shop", "vsb-2"}, "Completed"));
  EXPECT_NE(story.worker.environment.find("RESTIC_PASSWORD=open sesame"), std::string::npos);
}

void check_owner_phases(SnapshotStory& story) {
  story.worker.hangs = true;
  make_backup(story, "WaitingForPluginOperationsPartiallyFailed");
  make_owned_vsb(story);
  ASSERT_TRUE(story.run_vsb_to("InProgress"));
  story.world.run(std::chrono::minutes(1));
  EXPECT_EQ(story.vsb().phase(), "InProgress") << "another volume's failure is none of ours";
  story.world.change(api::kBackup, {"velero", "backup-1"}, [](Object& now) {
    now.set({"status", "phase"}, "Failed");
  });
  ASSERT_TRUE(story.run_vsb_to("PartiallyFailed"));
  EXPECT_EQ(SnapshotStory::message_of(story.vsb()),
            "backup failed. Marking volumeSnapshotBackup as partiallyFailed");
  story.expect_snapshot_untouched();
  story.expect_only({});
}

void check_sizes(SnapshotStory& story) {
  // The claim asks for less than the snapshot needs.
  story.world.remove(api::kPersistentVolumeClaim, kDisk);
  story.world.run();
  Object smaller = Object::make(api::kPersistentVolumeClaim, kDisk);
  smaller.set({"spec", "accessModes"}, Json::array({"ReadWriteMany"}));
  smaller.set({"spec", "volumeMode"}, "Block");
  smaller.set({"spec", "resources", "requests", "storage"}, "512Ki");
  story.world.create(api::kPersistentVolumeClaim, smaller);
  story.worker.hangs = true;
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("InProgress"));
  const Object claim =
      story.world.get(api::kPersistentVolumeClaim, {"velero", story.content() + "-pvc"});
  EXPECT_EQ(claim.spec()["accessModes"][0].as_string(), "ReadWriteMany");
  EXPECT_EQ(story.vsb().status()["sourcePVCData"]["size"].as_string(), "1Mi");
}

void check_shared_repository(SnapshotStory& story) {
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("Completed"));
  const std::string first = story.repository();
  story.make_vsb({"shop", "vsb-2"});
  ASSERT_TRUE(story.run_to(api::kVolumeSnapshotBackup, {"shop", "vsb-2"}, "Completed"));
  const std::string second = story.world.get(api::kVolumeSnapshotBackup, {"shop", "vsb-2"})
                                 .status()["resticrepository"]
                                 .as_string();
  EXPECT_NE(first, second);
  EXPECT_EQ(mover::split_snapshot(first).url, mover::split_snapshot(second).url);
}

void check_location_choice(SnapshotStory& story) {
  Object similar = Object::make(api::kBackupStorageLocation, {"velero", "default-2"});
  similar.set({"spec", "provider"}, api::kLocalProvider);
  similar.set({"spec", "objectStorage", "bucket"}, "other");
  similar.set({"spec", "config", "path"}, "/srv");
  story.world.create(api::kBackupStorageLocation, similar);
  story.make_vsb(kVsb, "default-2-volsync-restic");
  ASSERT_TRUE(story.run_vsb_to("Completed"));
  EXPECT_TRUE(story.repository().starts_with("/srv/other/restic/")) << story.repository();
}

void check_other_classes(SnapshotStory& story) {
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("Completed"));
  Object vsr = story.vsr_of(story.repository());
  vsr.set({"spec", "volumeSnapshotMoverBackupRef", "sourcePVCData", "storageClassName"}, "gp2-csi");
  vsr.set({"spec", "volumeSnapshotMoverBackupRef", "volumeSnapshotClassName"}, "ebs");
  story.world.create(api::kVolumeSnapshotRestore, vsr);
  EXPECT_TRUE(story.run_vsr_to("Completed")) << to_json(story.vsr().json(), 1);
}

void check_two_on_one_content(SnapshotStory& story) {
  story.worker.hangs = true;
  story.make_vsb();
  story.make_vsb({"shop", "vsb-2"});
  ASSERT_TRUE(story.run_vsb_to("InProgress"));
  ASSERT_TRUE(story.run_to(api::kVolumeSnapshotBackup, {"shop", "vsb-2"}, "InProgress"));
  story.worker.hangs = false;
  ASSERT_TRUE(story.run_vsb_to("Completed"));
  ASSERT_TRUE(story.run_to(api::kVolumeSnapshotBackup, {"shop", "vsb-2"}, "Completed"));
  story.expect_snapshot_untouched();
  story.expect_only({});
}

const std::vector<Defect>& defects() {
  static const std::vector<Defect> all = {
      {1, "a mover's failure is never detected",
       [](SnapshotStory& story) {
         story.worker.error = "Fatal: wrong password";
         story.worker.code = "Forbidden";
         story.make_vsb();
         expect_failed(story, "Fatal: wrong password");
       }},
      {2, "failed ones leave their helpers behind",
       [](SnapshotStory& story) {
         story.worker.deaths = 100;
         story.make_vsb();
         expect_failed(story, "exit code 137");
       }},
      {3, "failed ones keep their slot, restarts and deletions lose count", check_slots_survive},
      {4, "one above the limit works all the same; a queued one cannot be deleted",
       [](SnapshotStory& story) {
         story.make_dpa(Json::object({{"enable", true}, {"maxConcurrentBackupVolumes", "1"}}));
         story.worker.hangs = true;
         make_vsbs(story, 2);
         story.world.run(std::chrono::minutes(1));
         EXPECT_EQ(story.world.names(api::kPod).size(), 1u);
         const auto all_now = story.world.client().list(api::kVolumeSnapshotBackup, "");
         for (const Object& vsb : *all_now) {
           if (vsb.status()["batchingStatus"].as_string() != "Queued") continue;
           story.world.remove(api::kVolumeSnapshotBackup, vsb.key());
           story.world.run(std::chrono::seconds(10));
           EXPECT_FALSE(story.world.exists(api::kVolumeSnapshotBackup, vsb.key()));
         }
       }},
      {6, "a crash where a class name or a size is missing", check_no_class_names},
      {7, "credentials of one move are used for another", check_two_engines_of_secrets},
      {8, "nothing happens without a Backup, or when it is gone",
       [](SnapshotStory& story) {
         make_owned_vsb(story);
         EXPECT_TRUE(story.run_vsb_to("Completed"));
       }},
      {9, "one failed volume fails all others of its Backup", check_owner_phases},
      {11, "restores too small, access modes lost", check_sizes},
      {12, "every backup has a repository of its own", check_shared_repository},
      {15, "locations are chosen by a part of their name", check_location_choice},
      {16, "another cluster needs the same classes", check_other_classes},
      {17, "an empty restore succeeds",
       [](SnapshotStory& story) {
         story.make_vsr("/srv/bucket/one/two/restic/" +
                        story.world.get(api::kNamespace, {"", "kube-system"}).uid() +
                        "/shop#snap9");
         ASSERT_TRUE(story.run_vsr_to("Failed"));
         EXPECT_NE(SnapshotStory::message_of(story.vsr()).find("snap9"), std::string::npos);
         story.expect_only({});
       }},
      {18, "two backups of one content have the same helpers", check_two_on_one_content},
  };
  return all;
}

// 5 and 13 are what the crash tests of snapshot_faults_test.cc show; 10 is shown by
// filesystem_test.cc and every test here; 14 is the plugin's, of which we have none.
TEST(SnapshotMove, DoesNotWhatTheOriginalGotWrong) {
  for (const Defect& defect : defects()) {
    SCOPED_TRACE(fmt::format("{}: {}", defect.number, defect.name));
    SnapshotStory story;
    story.furnish();
    story.remember_snapshot();
    defect.check(story);
  }
}

TEST(VolumeSnapshotBackup, TenAreProcessedAtOnceUnlessTheDpaSaysOtherwise) {
  SnapshotStory story;
  story.furnish();
  story.worker.hangs = true;
  make_vsbs(story, 12);
  story.world.run(std::chrono::minutes(1));
  EXPECT_EQ(count_batching(story)["Processing"], 10);
  EXPECT_EQ(count_batching(story)["Queued"], 2);
  EXPECT_EQ(story.world.names(api::kPod).size(), 10u);
  story.worker.hangs = false;
  story.world.run(std::chrono::minutes(2));
  EXPECT_EQ(count_batching(story)["Completed"], 12);
  for (const std::string& name : story.world.names(api::kVolumeSnapshotBackup)) {
    EXPECT_EQ(story.world.get(api::kVolumeSnapshotBackup, {"shop", name.substr(5)}).phase(),
              "Completed");
  }
}

TEST(VolumeSnapshotBackup, NamesakesOfOtherNamespacesDoNotWaitForEachOther) {
  SnapshotStory story;
  story.furnish();
  story.worker.hangs = true;
  story.world.create(api::kNamespace, Object::make(api::kNamespace, {"", "bakery"}));
  story.world.create_claim({"bakery", "disk"}, "1Mi");
  story.world.create_snapshot({"bakery", "s"}, "disk");
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_ready({"bakery", "s"}); }));
  story.make_vsb();
  Object other = Object::make(api::kVolumeSnapshotBackup, {"bakery", kVsb.name});
  other.set({"spec"}, story.vsb().spec());
  other.set({"spec", "volumeSnapshotContent", "name"},
            story.world.get(api::kVolumeSnapshot, {"bakery", "s"})
                .status()["boundVolumeSnapshotContentName"]);
  story.world.create(api::kVolumeSnapshotBackup, other);
  ASSERT_TRUE(story.run_vsb_to("InProgress"));
  EXPECT_TRUE(story.run_to(api::kVolumeSnapshotBackup, other.key(), "InProgress"));
}

TEST(VolumeSnapshotBackup, WaitsAsLongAsTheDpaSays) {
  SnapshotStory story;
  story.furnish();
  story.make_dpa(Json::object({{"enable", true}, {"timeout", "2m"}}));
  story.make_vsb(kVsb, "unknown");
  EXPECT_FALSE(story.run_vsb_to("Failed", std::chrono::seconds(110)));
  EXPECT_TRUE(story.run_vsb_to("Failed", std::chrono::seconds(30)));
}

TEST(VolumeSnapshotBackup, TakesTheDefaultLocationAndTheDpasPasswordIfNothingIsNamed) {
  SnapshotStory story;
  story.furnish();
  story.make_dpa(Json::object({{"enable", true}, {"credentialName", "restic-secret"}}));
  Object secret = Object::make(api::kSecret, {"velero", "restic-secret"});
  secret.set({"data", "RESTIC_PASSWORD"}, to_base64(as_bytes("of the admin")));
  story.world.create(api::kSecret, secret);
  story.make_vsb(kVsb, "");
  ASSERT_TRUE(story.run_vsb_to("Completed"));
  EXPECT_NE(story.worker.environment.find("RESTIC_PASSWORD=of the admin"), std::string::npos);
}

TEST(LocationSecret, FollowsTheDpaAndThePassword) {
  SnapshotStory story;
  const Key key{"velero", "default-volsync-restic"};
  story.add_password();
  story.world.run();
  EXPECT_FALSE(story.world.exists(api::kSecret, key)) << "no data mover is enabled";
  story.make_dpa(Json::object({{"enable", true},
                               {"pruneInterval", "3"},
                               {"snapshotRetainPolicy", Json::object({{"daily", "7"}})}}));
  story.world.run();
  Object secret = story.world.get(api::kSecret, key);
  const auto value = [&](const char* name) {
    return std::string(as_text(from_base64(secret["data"][name].as_string()).value()));
  };
  EXPECT_EQ(value("RESTIC_PASSWORD"), "open sesame");
  EXPECT_EQ(value("RESTIC_REPOSITORY"), "/srv/bucket/one/two");
  EXPECT_EQ(value("restic-prune-interval"), "3");
  EXPECT_EQ(value("SnapshotRetainPolicyDaily"), "7");
  EXPECT_EQ(secret.label("openshift.io/oadp-bsl-name"), "default");
  EXPECT_EQ(secret.label("openshift.io/oadp"), "True");
  story.world.change(api::kSecret, {"velero", "dm-credential"}, [](Object& now) {
    now.set({"data", "RESTIC_PASSWORD"}, to_base64(as_bytes("changed")));
  });
  story.world.run(std::chrono::minutes(2));
  secret = story.world.get(api::kSecret, key);
  EXPECT_EQ(value("RESTIC_PASSWORD"), "changed");
  story.world.change(api::kDataProtectionApplication, {"velero", "dpa"}, [](Object& now) {
    now.set({"spec", "features", "dataMover", "enable"}, false);
  });
  story.world.run();
  EXPECT_FALSE(story.world.exists(api::kSecret, key));
}

TEST(RepositoryUrl, IsAsResticSpellsItAndComesBack) {
  struct Case {
    const char* name;
    blob::StoreLocation location;
    const char* url;
  };
  const Case cases[] = {
      {"directory",
       {std::string(api::kLocalProvider), "b", "p/q", {{"path", "/srv/x"}}, ""},
       "/srv/x/b/p/q"},
      {"AWS", {"aws", "b", "p", {{"region", "us-east-1"}}, ""}, "s3:s3.amazonaws.com/b/p"},
      {"MinIO", {"aws", "b", "", {{"s3Url", "http://minio:9000/"}}, ""}, "s3:http://minio:9000/b"},
      {"prefixed",
       {"aws", "b", "p", {{"s3Url", "s3:https://ceph:443"}}, ""},
       "s3:https://ceph:443/b/p"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(mover::repository_url(one.location), one.url);
    const auto back = mover::location_of_url(one.url);
    ASSERT_TRUE(back);
    EXPECT_EQ(mover::repository_url(*back), one.url);
    EXPECT_EQ(mover::path_in_bucket(std::string(one.url) + "/restic/c/ns", one.location).value(),
              mover::below(one.location, "restic/c/ns").prefix);
  }
  EXPECT_EQ(mover::path_in_bucket("s3:https://s3.amazonaws.com/b/x", cases[1].location).value(),
            "x");
  EXPECT_FALSE(mover::path_in_bucket("s3:s3.amazonaws.com/bb/x", cases[1].location));
  EXPECT_FALSE(mover::path_in_bucket("s3:s3.amazonaws.com/b/../c", cases[1].location));
  EXPECT_FALSE(mover::location_of_url("azure:container:/x"));
}

TEST(RepositoryUrl, SaysWhoseDataItIs) {
  struct Case {
    const char *path, *cluster, *ns, *backup;
  };
  for (const Case& one :
       {Case{"p/restic/c/shop", "c", "shop", ""}, Case{"restic/c/shop", "c", "shop", ""},
        Case{"openshift-adp/bk1/snapcontent-1-pvc", "", "", "bk1"},
        Case{"openshift-adp/snapcontent-1-pvc", "", "", ""}}) {
    const auto owner = mover::owner_of_path(one.path);
    ASSERT_TRUE(owner) << one.path;
    EXPECT_EQ(owner->cluster, one.cluster);
    EXPECT_EQ(owner->ns, one.ns);
    EXPECT_EQ(owner->backup, one.backup);
  }
  for (const char* path : {"", "x", "a/b", "a/b/c/d-pvc"}) {
    EXPECT_FALSE(mover::owner_of_path(path)) << path;
  }
}

}  // namespace
}  // namespace breakwater::mover_test
