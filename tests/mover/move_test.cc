// DataUploads and DataDownloads over the embedded API, the sandbox's storage and a fake worker.
#include "tests/mover/story.h"

namespace breakwater::mover_test {
namespace {

std::string cluster_of(Story& story) {
  return story.world.get(api::kNamespace, {"", "kube-system"}).uid();
}

TEST(DataUpload, MovesASnapshotAndLeavesNothingBehind) {
  Story story;
  back_up(story);
  const Json status = story.upload().status();
  EXPECT_EQ(status["snapshotID"].as_string(), "restic/" + cluster_of(story) + "/shop#snap1");
  EXPECT_EQ(status["progress"]["totalBytes"].as_int(), 1 << 20);
  EXPECT_EQ(status["progress"]["bytesDone"].as_int(), 1 << 20);
  EXPECT_EQ(status["incrementalBytes"].as_int(), 1 << 19);
  EXPECT_EQ(status["dataMoverResult"]["bytesRead"].as_string(), "1048576");
  EXPECT_EQ(status["dataMoverResult"]["bytesMoved"].as_string(), "524288");
  EXPECT_EQ(status["nodeOS"].as_string(), "linux");
  EXPECT_EQ(status["node"].as_string(), "sandbox");
  EXPECT_EQ(status["message"].as_string(), "");
  for (const char* time : {"acceptedTimestamp", "startTimestamp", "completionTimestamp"}) {
    EXPECT_TRUE(parse_rfc3339(status[time].as_string())) << time;
  }
  const auto stored = story.world.directory() / "repository/bucket/one/two/restic" /
                      cluster_of(story) / "shop/snap1";
  EXPECT_EQ(read_file(stored).value(), story.bytes);
  EXPECT_NE(story.worker.environment.find("RESTIC_PASSWORD=open sesame"), std::string::npos);
  story.expect_clean(1);
}

TEST(DataUpload, MakesAPodWithoutATokenThatItOwns) {
  Story story;
  story.worker.hangs = true;
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  const Object upload = story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "InProgress"));
  const Object pod = story.world.get(api::kPod, kUpload);
  EXPECT_FALSE(pod.spec()["automountServiceAccountToken"].as_bool(true));
  EXPECT_EQ(pod.spec()["restartPolicy"].as_string(), "Never");
  EXPECT_EQ(pod.label(api::kManagedByLabel), "breakwater");
  EXPECT_EQ(pod.label(api::kDataUploadLabel), kUpload.name);
  EXPECT_EQ(pod.controller_uid(), upload.uid());
  EXPECT_EQ(to_json(pod.json()).find("open sesame"), std::string::npos);
  ASSERT_TRUE(story.world.run_until(
      [&] { return story.upload().status()["progress"]["bytesDone"].as_int() == 4096; }));
  EXPECT_EQ(story.upload().status()["progress"]["totalBytes"].as_int(), 1 << 20);
}

TEST(DataUpload, LeavesOtherMoversAlone) {
  Story story;
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  story.make_upload();
  story.world.change(api::kDataUpload, kUpload, [](Object& now) {
    now.set({"spec", "datamover"}, "kubevirt");
  });
  story.world.run();
  EXPECT_EQ(story.upload().phase(), "");
  EXPECT_FALSE(story.upload().has_finalizer(api::kDataMoverFinalizer));
}

TEST(DataUpload, WaitsForThePasswordThenFailsNamingSecretAndKey) {
  Story story;
  story.make_disk();
  story.make_snapshot();
  story.make_upload();
  story.world.run(std::chrono::minutes(1));
  EXPECT_EQ(story.upload().phase(), "Accepted");
  const std::string message = story.upload().status()["message"].as_string();
  EXPECT_NE(message.find("velero/dm-credential"), std::string::npos) << message;
  EXPECT_NE(message.find("RESTIC_PASSWORD"), std::string::npos) << message;
  EXPECT_TRUE(story.world.is_ready(kSnapshot)) << "nothing is touched before it can be moved";
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Failed", std::chrono::minutes(31)));
  EXPECT_NE(story.upload().status()["message"].as_string().find("RESTIC_PASSWORD"),
            std::string::npos);
  story.expect_clean(1);
}

TEST(DataUpload, GoesOnWhenThePasswordComes) {
  Story story;
  story.make_disk();
  story.make_snapshot();
  story.make_upload();
  story.world.run(std::chrono::minutes(1));
  story.add_password();
  EXPECT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed"));
}

TEST(DataUpload, FailsWhenTheSnapshotIsNotThere) {
  Story story;
  story.add_password();
  story.make_disk();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Failed"));
  EXPECT_EQ(story.upload().status()["message"].as_string(),
            "VolumeSnapshot shop/velero-disk-x does not exist");
  story.expect_clean(1);
}

TEST(DataUpload, FailsInTimeWhenTheStorageHasLostTheSnapshot) {
  Story story;
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  for (const std::string& file : story.world.files("snapshots")) {
    std::filesystem::remove(story.world.directory() / "snapshots" / file);
  }
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Failed", std::chrono::minutes(11)));
  EXPECT_NE(story.upload().status()["message"].as_string().find("does not exist"),
            std::string::npos);
  story.expect_clean(1);
}

TEST(DataUpload, SurvivesTheLossOfTheSourceClaim) {
  Story story;
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  story.world.remove(api::kPersistentVolumeClaim, kDisk);
  story.world.run();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed"));
  story.expect_clean(0);
}

TEST(DataUpload, ReplacesADeadWorkerButNotForEver) {
  for (const int deaths : {3, 100}) {
    Story story;
    story.worker.deaths = deaths;
    story.add_password();
    story.make_disk();
    story.make_snapshot();
    story.make_upload();
    const char* end = deaths == 3 ? "Completed" : "Failed";
    ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, end, std::chrono::minutes(20)))
        << to_json(story.upload().json(), 1);
    if (deaths == 100) {
      EXPECT_NE(story.upload().status()["message"].as_string().find("exit code 137"),
                std::string::npos);
      EXPECT_EQ(story.worker.deaths, 100 - 6);
    }
    story.expect_clean(1);
  }
}

TEST(DataUpload, GoesOnHoweverOftenTheNodeIsLost) {
  Story story;
  story.worker.hangs = true;
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  story.make_upload();
  for (int losses = 0; losses < 12; ++losses) {
    ASSERT_TRUE(story.world.run_until([&] {
      return story.upload().phase() == "InProgress" &&
             story.world.get(api::kPod, kUpload).phase() == "Running";
    }));
    story.world.restart();
  }
  story.worker.hangs = false;
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed"));
  story.expect_clean(1);
}

TEST(DataUpload, GoesOnAfterSomebodyDeletedItsPod) {
  Story story;
  story.worker.hangs = true;
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "InProgress"));
  story.world.remove(api::kPod, kUpload);
  story.world.run(std::chrono::seconds(3));
  story.worker.hangs = false;
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed"));
  story.expect_clean(1);
}

TEST(DataUpload, EndsWithTheSentenceOfItsWorker) {
  Story story;
  story.worker.error = "the password is wrong";
  story.worker.code = "Forbidden";
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Failed"));
  EXPECT_EQ(story.upload().status()["message"].as_string(), "the password is wrong");
  story.expect_clean(1);
}

TEST(DataUpload, WaitsForMaintenanceWithoutCountingIt) {
  Story story;
  story.worker.error = "the repository is locked by prune";
  story.worker.code = "Conflict";
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  story.make_upload();
  story.world.run(std::chrono::minutes(10));
  EXPECT_EQ(story.upload().phase(), "InProgress");
  EXPECT_TRUE(story.upload().status()["message"].as_string().starts_with("WaitingForMaintenance"));
  story.worker.error = "";
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed"));
  story.expect_clean(1);
}

TEST(DataUpload, OnlySoManyAreUnderWayAtOnce) {
  mover::Settings settings;
  settings.concurrency = 2;
  Story story(settings);
  story.worker.hangs = true;
  story.add_password();
  story.make_disk();
  for (const char* name : {"a", "b", "c"}) {
    const Key snapshot{"shop", name};
    story.world.create_snapshot(snapshot, kDisk.name);
    ASSERT_TRUE(story.world.run_until([&] { return story.world.is_ready(snapshot); }));
    story.make_upload({"velero", name}, snapshot);
  }
  story.world.run(std::chrono::minutes(2));
  EXPECT_EQ(story.world.names(api::kPod).size(), 2u);
  story.worker.hangs = false;
  EXPECT_TRUE(story.world.run_until([&] {
    for (const char* name : {"a", "b", "c"}) {
      if (story.world.get(api::kDataUpload, {"velero", name}).phase() != "Completed") return false;
    }
    return true;
  }));
  story.expect_clean(1);
}

TEST(DataUpload, CanBeCanceledInEveryPhase) {
  for (const std::string phase : {"", "Accepted", "InProgress"}) {
    for (const bool deleted : {false, true}) {
      Story story;
      story.worker.hangs = true;
      if (phase != "Accepted") story.add_password();
      story.make_disk();
      story.make_snapshot();
      story.make_upload();
      if (!phase.empty()) {
        ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, phase));
      }
      if (deleted) {
        story.world.remove(api::kDataUpload, kUpload);
        ASSERT_TRUE(story.world.run_until([&] {
          return !story.world.exists(api::kDataUpload, kUpload);
        })) << phase;
        if (phase.empty()) continue;  // nobody had taken it: its snapshot is the engine's
      } else {
        story.cancel(api::kDataUpload, kUpload);
        ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Canceled")) << phase;
        EXPECT_FALSE(story.upload().status()["message"].as_string().empty());
      }
      story.expect_clean(1);
      if (testing::Test::HasFailure()) FAIL() << "phase " << phase << " deleted " << deleted;
    }
  }
}

void restore(Story& story) {
  back_up(story);
  const std::string snapshot = story.upload().status()["snapshotID"].as_string();
  story.make_target();
  story.make_download(snapshot);
}

TEST(DataDownload, FillsTheTargetAndLeavesNothingElse) {
  Story story;
  restore(story);
  if (HasFatalFailure()) return;
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Completed"))
      << to_json(story.download().json(), 1);
  ASSERT_TRUE(story.world.is_bound(kTarget));
  EXPECT_EQ(read_file(story.world.file_of(kTarget)).value(), story.bytes);
  const Object target = story.world.get(api::kPersistentVolumeClaim, kTarget);
  const Object volume =
      story.world.get(api::kPersistentVolume, {"", target.spec()["volumeName"].as_string()});
  EXPECT_EQ(volume.label(kRestoreLabel), "shop.restored.12345");
  EXPECT_EQ(volume.spec()["persistentVolumeReclaimPolicy"].as_string(), "Delete");
  EXPECT_EQ(volume.spec()["claimRef"]["uid"].as_string(), target.uid());
  EXPECT_EQ(story.download().status()["progress"]["totalBytes"].as_int(), 1 << 20);
  story.expect_clean(2);
}

TEST(DataDownload, WaitsForItsTargetButNotForEver) {
  Story story;
  story.add_password();
  story.make_download("restic/c/shop#snap1");
  story.world.run(std::chrono::minutes(1));
  EXPECT_EQ(story.download().phase(), "Accepted");
  EXPECT_EQ(story.download().status()["message"].as_string(),
            "waiting for PersistentVolumeClaim shop/restored");
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Failed", std::chrono::minutes(11)));
  EXPECT_NE(story.download().status()["message"].as_string().find("shop/restored"),
            std::string::npos);
  story.expect_clean(0);
}

TEST(DataDownload, RefusesWhatItMustNotRestore) {
  for (const char* snapshot : {"latest", "restic/c/other#snap1"}) {
    Story story;
    story.add_password();
    story.make_target();
    story.make_download(snapshot);
    ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Failed")) << snapshot;
    EXPECT_NE(story.download().status()["message"].as_string().find("snapshotID"),
              std::string::npos);
  }
}

TEST(DataDownload, RefusesATargetThatHasAVolume) {
  Story story;
  back_up(story);
  story.world.create_claim(kTarget, "1Mi");
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kTarget); }));
  const std::string before = read_file(story.world.file_of(kTarget)).value();
  story.make_download(story.upload().status()["snapshotID"].as_string());
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Failed"));
  EXPECT_NE(story.download().status()["message"].as_string().find("already"), std::string::npos);
  EXPECT_EQ(read_file(story.world.file_of(kTarget)).value(), before);
  story.expect_clean(2);
}

TEST(DataDownload, FromAReadOnlyLocationNothingIsLocked) {
  Story story;
  restore(story);
  if (HasFatalFailure()) return;
  EXPECT_TRUE(story.worker.locked) << "a backup locks";
  Object location = story.world.get(api::kBackupStorageLocation, {"velero", "default"});
  location.set({"spec", "accessMode"}, "ReadOnly");
  ASSERT_TRUE(story.world.client().update(api::kBackupStorageLocation, location));
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Completed"))
      << to_json(story.download().json(), 1);
  EXPECT_FALSE(story.worker.locked);
}

TEST(DataDownload, UnknownSnapshotFailsAndLeaksNoVolume) {
  Story story;
  story.add_password();
  story.make_target();
  story.make_download("restic/c/shop#unknown");
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Failed"));
  story.expect_clean(1, 0);
}

TEST(DataDownload, TargetThatGoesBeforeTheEndLeavesNoVolume) {
  Story story;
  story.worker.hangs = true;
  story.add_password();
  story.make_target();
  story.make_download("restic/c/shop#snap1");
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "InProgress"));
  story.world.remove(api::kPersistentVolumeClaim, kTarget);
  const auto folder = story.world.directory() / "repository/bucket/one/two/restic/c/shop";
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(write_file(folder / "snap1", "some bytes"));
  story.worker.hangs = false;
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Failed", std::chrono::minutes(20)));
  EXPECT_NE(story.download().status()["message"].as_string().find("was not bound"),
            std::string::npos);
  story.expect_clean(0);
}

TEST(DataDownload, CanBeCanceledInEveryPhase) {
  for (const std::string phase : {"", "Accepted", "InProgress"}) {
    Story story;
    story.worker.hangs = true;
    if (phase != "Accepted") story.add_password();
    story.make_target();
    story.make_download("restic/c/shop#snap1");
    if (!phase.empty()) {
      ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, phase));
    }
    story.cancel(api::kDataDownload, kDownload);
    ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Canceled")) << phase;
    story.world.remove(api::kPersistentVolumeClaim, kTarget);
    story.expect_clean(0);
    if (testing::Test::HasFailure()) FAIL() << "phase " << phase;
  }
}

}  // namespace
}  // namespace breakwater::mover_test
