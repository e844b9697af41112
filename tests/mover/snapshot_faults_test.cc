// VolumeSnapshotBackups and -Restores whose controllers crash, over an API that misbehaves, and
// what becomes of them when something is missing.
#include "tests/mover/snapshot_story.h"

namespace breakwater::mover_test {
namespace {

// The controllers of storage, node and mover crash after the k-th write of a round trip, for every
// k.
TEST(SnapshotMove, CrashAfterAnyWriteEndsWellAndLeavesNothing) {
  int64_t k = 0;
  for (bool crashed = true; crashed; ++k) {
    SnapshotStory story;
    story.furnish();
    story.remember_snapshot();
    story.world.restart();
    story.world.crash_after(k);
    story.make_vsb();
    ASSERT_TRUE(story.run_vsb_to("Completed")) << "crash after write " << k;
    story.make_vsr(story.repository());
    ASSERT_TRUE(story.run_vsr_to("Completed")) << "crash after write " << k;
    story.expect_snapshot_untouched();
    story.expect_only({.contents = 2, .files = 2});
    story.world.remove(api::kVolumeSnapshotRestore, kVsr);
    crashed = story.world.crashes() > 0;
    story.expect_only({});
    if (testing::Test::HasFailure()) FAIL() << "crash after write " << k;
  }
  EXPECT_GT(k, 60);
}

// Deleted just before any write of a round trip, whoever makes it.
TEST(SnapshotMove, DeletedAtAnyMomentLeavesNothing) {
  int64_t k = 0;
  for (bool deleted = true; deleted; ++k) {
    SnapshotStory story;
    story.furnish();
    story.remember_snapshot();
    story.make_vsb();
    ASSERT_TRUE(story.run_vsb_to("Completed"));
    const std::string repository = story.repository();
    story.world.remove(api::kVolumeSnapshotBackup, kVsb);
    story.world.run();
    story.world.restart();
    deleted = false;
    story.world.before_write(k, [&] {
      deleted = true;
      story.world.remove(api::kVolumeSnapshotBackup, kVsb);
      story.world.remove(api::kVolumeSnapshotRestore, kVsr);
    });
    story.make_vsb();
    story.make_vsr(repository);
    story.world.run();
    if (deleted) {
      EXPECT_FALSE(story.world.exists(api::kVolumeSnapshotBackup, kVsb)) << k;
      EXPECT_FALSE(story.world.exists(api::kVolumeSnapshotRestore, kVsr)) << k;
      story.expect_snapshot_untouched();
      story.expect_only({});
    }
    if (testing::Test::HasFailure()) FAIL() << "deleted before write " << k;
  }
  EXPECT_GT(k, 60);
}

// The same when both are deleted half way.
TEST(SnapshotMove, CrashAfterAnyWriteOfADeletionLeavesNothing) {
  int64_t k = 0;
  for (bool crashed = true; crashed; ++k) {
    SnapshotStory story;
    story.worker.hangs = true;
    story.furnish();
    story.remember_snapshot();
    story.make_vsb();
    ASSERT_TRUE(story.run_vsb_to("InProgress"));
    story.make_vsr("/srv/bucket/one/two/restic/" +
                   story.world.get(api::kNamespace, {"", "kube-system"}).uid() + "/shop#snap1");
    ASSERT_TRUE(story.run_vsr_to("InProgress")) << to_json(story.vsr().json(), 1);
    story.world.restart();
    story.world.crash_after(k);
    story.world.remove(api::kVolumeSnapshotBackup, kVsb);
    story.world.remove(api::kVolumeSnapshotRestore, kVsr);
    ASSERT_TRUE(story.world.run_until([&] {
      return !story.world.exists(api::kVolumeSnapshotBackup, kVsb) &&
             !story.world.exists(api::kVolumeSnapshotRestore, kVsr);
    })) << "crash after write "
        << k;
    crashed = story.world.crashes() > 0;
    story.expect_snapshot_untouched();
    story.expect_only({});
    if (testing::Test::HasFailure()) FAIL() << "crash after write " << k;
  }
  EXPECT_GT(k, 10);
}

TEST(SnapshotMove, EndsWellOverAnApiThatMisbehaves) {
  kube::Faults faults;
  faults.timeout_before_write = 0.03;
  faults.timeout_after_write = 0.06;
  faults.conflict = 0.05;
  faults.unavailable = 0.03;
  faults.expired_watch = 0.01;
  faults.dropped_watch = 0.02;
  faults.stale_list = 0.1;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SnapshotStory story;
    story.furnish();
    story.world.set_faults(faults, seed);
    story.worker.deaths = static_cast<int>(seed % 3);
    story.make_vsb();
    ASSERT_TRUE(story.run_vsb_to("Completed", std::chrono::minutes(30)))
        << "seed " << seed << to_json(story.vsb().json(), 1);
    story.make_vsr(story.repository());
    ASSERT_TRUE(story.run_vsr_to("Completed", std::chrono::minutes(30)))
        << "seed " << seed << to_json(story.vsr().json(), 1);
    story.world.run(std::chrono::minutes(5));
    story.expect_only({.contents = 2, .files = 2});
    story.world.remove(api::kVolumeSnapshotRestore, kVsr);
    story.world.run(std::chrono::minutes(5));
    story.expect_only({});
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

// --- what is missing or wrong
// --------------------------------------------------------------------

struct Trouble {
  const char* name;
  std::function<void(SnapshotStory&)> before;  // of a story that is furnished
  std::string sentence;                        // part of the condition's message
  SnapshotStory::Expected left = {};
};

void edit_vsb_away(SnapshotStory& story, const std::function<void(Object&)>& edit) {
  Object vsb = Object::make(api::kVolumeSnapshotBackup, kVsb);
  vsb.set({"spec", "volumeSnapshotContent", "name"}, story.content());
  vsb.set({"spec", "protectedNamespace"}, "velero");
  edit(vsb);
  story.world.create(api::kVolumeSnapshotBackup, vsb);
}

const std::vector<Trouble>& troubles() {
  static const std::vector<Trouble> all = {
      {"no content is named",
       [](SnapshotStory& story) {
         edit_vsb_away(story, [](Object& vsb) { vsb.erase({"spec", "volumeSnapshotContent"}); });
       },
       "snapshot name cannot be nil for volumesnapshotbackup shop/vsb-1"},
      {"no protected namespace",
       [](SnapshotStory& story) {
         edit_vsb_away(story, [](Object& vsb) { vsb.erase({"spec", "protectedNamespace"}); });
       },
       "protected ns cannot be empty for volumesnapshotbackup shop/vsb-1"},
      {"the content does not exist",
       [](SnapshotStory& story) {
         edit_vsb_away(story, [](Object& vsb) {
           vsb.set({"spec", "volumeSnapshotContent", "name"}, "unknown");
         });
       },
       "waiting for VolumeSnapshotContent unknown"},
      {"the Secret does not exist", [](SnapshotStory& story) { story.make_vsb(kVsb, "unknown"); },
       "waiting for Secret velero/unknown"},
      {"the password is empty",
       [](SnapshotStory& story) {
         Object secret = Object::make(api::kSecret, {"velero", "default-volsync-restic"});
         secret.set({"data", "RESTIC_PASSWORD"}, "");
         story.world.create(api::kSecret, secret);
         story.make_vsb();
       },
       "Secret velero/default-volsync-restic has no key RESTIC_PASSWORD or it is empty"},
      {"the data mover's password is missing",
       [](SnapshotStory& story) {
         story.world.remove(api::kSecret, {"velero", "dm-credential"});
         story.make_vsb();
       },
       "Secret velero/dm-credential has no key RESTIC_PASSWORD or it is empty"},
      {"the worker fails",
       [](SnapshotStory& story) {
         story.worker.error = "the password is wrong";
         story.worker.code = "Forbidden";
         story.make_vsb();
       },
       "the password is wrong"},
      {"the worker dies for ever",
       [](SnapshotStory& story) {
         story.worker.deaths = 100;
         story.make_vsb();
       },
       "exit code 137"},
      {"the storage has lost the snapshot",
       [](SnapshotStory& story) {
         for (const std::string& file : story.world.files("snapshots")) {
           std::filesystem::remove(story.world.directory() / "snapshots" / file);
         }
         story.make_vsb();
       },
       "does not exist",
       {.files = 0}},
      {"the location is ReadOnly",
       [](SnapshotStory& story) {
         story.world.change(api::kBackupStorageLocation, {"velero", "default"}, [](Object& now) {
           now.set({"spec", "accessMode"}, "ReadOnly");
         });
         story.make_vsb();
       },
       "is ReadOnly"},
  };
  return all;
}

TEST(VolumeSnapshotBackup, FailsWithASentenceAndLeavesNothing) {
  for (const Trouble& trouble : troubles()) {
    SCOPED_TRACE(trouble.name);
    SnapshotStory story;
    story.furnish();
    story.remember_snapshot();
    trouble.before(story);
    ASSERT_TRUE(story.run_vsb_to("Failed", std::chrono::minutes(20)))
        << to_json(story.vsb().json(), 1);
    EXPECT_NE(SnapshotStory::message_of(story.vsb()).find(trouble.sentence), std::string::npos)
        << SnapshotStory::message_of(story.vsb());
    EXPECT_EQ(SnapshotStory::reconciled(story.vsb()), "False");
    EXPECT_EQ(story.vsb().status()["batchingStatus"].as_string(), "Completed");
    story.expect_snapshot_untouched();
    story.expect_only(trouble.left);
    EXPECT_FALSE(story.vsb().has_finalizer("oadp.openshift.io/oadp-datamover"));
  }
}

TEST(VolumeSnapshotBackup, RefusesASnapshotOfAnotherNamespace) {
  SnapshotStory story;
  story.furnish();
  story.world.create(api::kNamespace, Object::make(api::kNamespace, {"", "spy"}));
  const Key spy{"spy", "vsb-1"};
  story.make_vsb(spy);
  ASSERT_TRUE(story.run_to(api::kVolumeSnapshotBackup, spy, "Failed"));
  const std::string message =
      SnapshotStory::message_of(story.world.get(api::kVolumeSnapshotBackup, spy));
  EXPECT_NE(message.find("belongs to another namespace"), std::string::npos) << message;
  EXPECT_EQ(message.find("shop"), std::string::npos) << "it does not even say whose it is";
  story.expect_only({});
}

TEST(VolumeSnapshotBackup, SurvivesTheLossOfTheSourceClaim) {
  SnapshotStory story;
  story.furnish();
  story.world.remove(api::kPersistentVolumeClaim, kDisk);
  story.world.run();
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("Completed")) << to_json(story.vsb().json(), 1);
  EXPECT_EQ(story.vsb().status()["sourcePVCData"]["name"].as_string(), "disk");
  EXPECT_EQ(story.vsb().status()["sourcePVCData"]["size"].as_string(), "1Mi");
  story.expect_only({.claims = 0});
}

TEST(VolumeSnapshotBackup, GoesOnWhenWhatItWaitedForComes) {
  SnapshotStory story;
  story.make_disk();
  story.make_snapshot();
  story.make_vsb();
  story.world.run(std::chrono::minutes(1));
  EXPECT_EQ(story.vsb().phase(), "");
  EXPECT_EQ(SnapshotStory::reconciled(story.vsb()), "False");
  story.add_password();
  ASSERT_TRUE(story.run_vsb_to("Completed"));
  EXPECT_EQ(SnapshotStory::reconciled(story.vsb()), "True");
}

TEST(VolumeSnapshotBackup, IsDoneAndCleanedUpAsItWasAcceptedWhateverItSaysLater) {
  SnapshotStory story;
  story.worker.hangs = true;
  story.furnish();
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("InProgress"));
  story.world.change(api::kVolumeSnapshotBackup, kVsb, [](Object& now) {
    now.set({"spec", "protectedNamespace"}, "shop");
    now.set({"spec", "volumeSnapshotContent", "name"}, "another");
  });
  story.world.run();
  story.worker.hangs = false;
  ASSERT_TRUE(story.run_vsb_to("Completed")) << to_json(story.vsb().json(), 1);
  story.expect_only({});
}

TEST(VolumeSnapshotBackup, CanBeDeletedAtAnyTime) {
  for (const std::string phase : {"", "InProgress", "Completed"}) {
    SCOPED_TRACE(phase);
    SnapshotStory story;
    story.worker.hangs = phase != "Completed";
    story.furnish();
    story.remember_snapshot();
    story.make_vsb();
    if (!phase.empty()) {
      ASSERT_TRUE(story.run_vsb_to(phase));
    }
    story.world.remove(api::kVolumeSnapshotBackup, kVsb);
    ASSERT_TRUE(story.world.run_until(
        [&] { return !story.world.exists(api::kVolumeSnapshotBackup, kVsb); }));
    story.expect_snapshot_untouched();
    story.expect_only({});
  }
}

struct BadRestore {
  const char* name;
  std::function<void(SnapshotStory&, Object&)> change;
  std::string sentence;
};

void set_reference(Object& vsr, std::string_view member, const std::string& value) {
  vsr.set({"spec", "volumeSnapshotMoverBackupRef", member}, value);
}

const std::vector<BadRestore>& bad_restores() {
  static const std::vector<BadRestore> all = {
      {"no repository",
       [](SnapshotStory&, Object& vsr) { set_reference(vsr, "resticrepository", ""); },
       "resticrepository cannot be empty"},
      {"no size",
       [](SnapshotStory&, Object& vsr) {
         vsr.set({"spec", "volumeSnapshotMoverBackupRef", "sourcePVCData", "size"}, "");
       },
       "sourcePVCData size cannot be empty"},
      {"a size that is none",
       [](SnapshotStory&, Object& vsr) {
         vsr.set({"spec", "volumeSnapshotMoverBackupRef", "sourcePVCData", "size"}, "big");
       },
       "big"},
      {"a bucket that is not the location's",
       [](SnapshotStory&, Object& vsr) {
         set_reference(vsr, "resticrepository", "/srv/other/restic/c/shop#snap1");
       },
       "is not in /srv/bucket"},
      {"outside the location's prefix",
       [](SnapshotStory&, Object& vsr) {
         set_reference(vsr, "resticrepository", "/srv/bucket/three/restic/c/shop#snap1");
       },
       "is not below /srv/bucket/one/two"},
      {"by dots",
       [](SnapshotStory&, Object& vsr) {
         set_reference(vsr, "resticrepository", "/srv/bucket/one/two/../../restic/c/shop#snap1");
       },
       "is not in /srv/bucket"},
      {"another namespace",
       [](SnapshotStory&, Object& vsr) {
         set_reference(vsr, "resticrepository", "/srv/bucket/one/two/restic/c/vault#snap1");
       },
       "may not read"},
      {"the original mover's, without a Restore",
       [](SnapshotStory&, Object& vsr) {
         set_reference(vsr, "resticrepository", "/srv/bucket/openshift-adp/backup-1/content-pvc");
       },
       "may not read"},
      {"a snapshot that is not there",
       [](SnapshotStory& story, Object& vsr) {
         const std::string url = story.repository();
         set_reference(vsr, "resticrepository", url.substr(0, url.find('#')) + "#unknown");
       },
       "unknown"},
  };
  return all;
}

TEST(VolumeSnapshotRestore, FailsWithASentenceAndLeavesNothing) {
  for (const BadRestore& one : bad_restores()) {
    SCOPED_TRACE(one.name);
    SnapshotStory story;
    story.furnish();
    story.make_vsb();
    ASSERT_TRUE(story.run_vsb_to("Completed"));
    Object vsr = story.vsr_of(story.repository());
    one.change(story, vsr);
    story.world.create(api::kVolumeSnapshotRestore, vsr);
    ASSERT_TRUE(story.run_vsr_to("Failed", std::chrono::minutes(20)))
        << to_json(story.vsr().json(), 1);
    EXPECT_NE(SnapshotStory::message_of(story.vsr()).find(one.sentence), std::string::npos)
        << SnapshotStory::message_of(story.vsr());
    story.expect_only({});
  }
}

Object make_restore(const std::string& name, const Json& mapping) {
  Object restore = Object::make(api::kRestore, {"velero", name});
  restore.set({"spec", "backupName"}, "backup-1");
  restore.set({"spec", "namespaceMapping"}, mapping);
  restore.set({"status", "phase"}, "WaitingForPluginOperations");
  return restore;
}

TEST(VolumeSnapshotRestore, ReadsAnotherNamespaceOnlyForARestoreThatMapsIt) {
  struct Case {
    const char* mapped_from;
    const char* expected;
  };
  for (const Case& one : {Case{"shop", "Completed"}, Case{"vault", "Failed"}}) {
    SCOPED_TRACE(one.mapped_from);
    SnapshotStory story;
    story.furnish();
    story.make_vsb();
    ASSERT_TRUE(story.run_vsb_to("Completed"));
    story.world.create(api::kNamespace, Object::make(api::kNamespace, {"", "shop-copy"}));
    story.world.create(api::kRestore,
                       make_restore("r", Json::object({{one.mapped_from, "shop-copy"}})));
    const Key copy{"shop-copy", "vsr-1"};
    Object vsr = story.vsr_of(story.repository(), copy);
    vsr.set_label(api::kRestoreNameLabel, "r");
    story.world.create(api::kVolumeSnapshotRestore, vsr);
    EXPECT_TRUE(story.run_to(api::kVolumeSnapshotRestore, copy, one.expected))
        << to_json(story.world.get(api::kVolumeSnapshotRestore, copy).json(), 1);
  }
}

TEST(VolumeSnapshotRestore, GivesUpInTimeOnASnapshotThatDoesNotBecomeReady) {
  SnapshotStory story;
  story.furnish();
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("Completed"));
  for (const std::string& name : story.world.names(api::kVolumeSnapshotClass)) {
    story.world.remove(api::kVolumeSnapshotClass, {"", name});
  }
  story.make_vsr(story.repository());
  ASSERT_TRUE(story.run_vsr_to("InProgress"));
  EXPECT_FALSE(story.run_vsr_to("Failed", std::chrono::minutes(9)));
  ASSERT_TRUE(story.run_vsr_to("Failed", std::chrono::minutes(3)));
  EXPECT_NE(SnapshotStory::message_of(story.vsr()).find("VolumeSnapshotClass"), std::string::npos);
  story.expect_only({});
}

TEST(VolumeSnapshotRestore, CanBeDeletedAtAnyTime) {
  for (const std::string phase : {"", "InProgress"}) {
    SCOPED_TRACE(phase);
    SnapshotStory story;
    story.furnish();
    story.make_vsb();
    ASSERT_TRUE(story.run_vsb_to("Completed"));
    story.worker.hangs = phase == "InProgress";
    story.make_vsr(story.repository());
    if (!phase.empty()) {
      ASSERT_TRUE(story.run_vsr_to(phase));
    }
    story.world.remove(api::kVolumeSnapshotRestore, kVsr);
    ASSERT_TRUE(story.world.run_until(
        [&] { return !story.world.exists(api::kVolumeSnapshotRestore, kVsr); }));
    story.expect_only({});
  }
}

}  // namespace
}  // namespace breakwater::mover_test
