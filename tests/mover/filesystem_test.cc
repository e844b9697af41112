// A volume of mode Filesystem, from a claim to the repository and into another claim, by what a
// worker pod really runs.
#include "tests/datapath/tree_files.h"
#include "tests/mover/real_worker.h"
#include "tests/mover/story.h"

namespace breakwater::mover_test {
namespace {

Object filesystem_claim(const Key& key) {
  Object claim = Object::make(api::kPersistentVolumeClaim, key);
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, "Filesystem");
  claim.set({"spec", "storageClassName"}, "sandbox-block");
  claim.set({"spec", "resources", "requests", "storage"}, "64Mi");
  return claim;
}

TEST(FilesystemVolume, GoesThroughUploadAndDownloadAndComesBackEqual) {
  Story story;
  RealWorker worker(story.world.directory() / "store");
  story.world.on_idle = [&] { return worker.work(story.world.processes()); };
  story.add_password();
  story.world.create(api::kPersistentVolumeClaim, filesystem_claim(kDisk));
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kDisk); }));
  const auto source = story.world.file_of(kDisk);
  tree_files::make_everything(source);
  story.make_snapshot();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed"))
      << to_json(story.upload().json(), 1);
  const std::string snapshot = story.upload().status()["snapshotID"].as_string();
  EXPECT_GT(story.upload().status()["progress"]["totalBytes"].as_int(), 64 << 20);
  story.expect_clean(1);

  Object target = filesystem_claim(kTarget);
  target.set({"spec", "selector", "matchLabels", kRestoreLabel}, "shop.restored.12345");
  story.world.create(api::kPersistentVolumeClaim, target);
  story.make_download(snapshot);
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Completed"))
      << to_json(story.download().json(), 1);
  tree_files::expect_equal(source, story.world.file_of(kTarget));
  ASSERT_EQ(worker.configs.size(), 2u);
  for (const auto& config : worker.configs) EXPECT_EQ(config.volume_mode, "Filesystem");
  story.expect_clean(2);
}

TEST(FilesystemVolume, IsMountedIntoItsWorker) {
  Story story;
  story.worker.hangs = true;
  story.add_password();
  story.world.create(api::kPersistentVolumeClaim, filesystem_claim(kDisk));
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kDisk); }));
  story.make_snapshot();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "InProgress"));
  const Object pod = story.world.get(api::kPod, {"velero", kUpload.name});
  const Json& container = pod.spec()["containers"][0];
  EXPECT_EQ(container["volumeMounts"][0]["mountPath"].as_string(), mover::kMountPath);
  EXPECT_FALSE(container.has("volumeDevices"));
  story.cancel(api::kDataUpload, kUpload);
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Canceled"));
  story.expect_clean(1);
}

}  // namespace
}  // namespace breakwater::mover_test
