// The previous snapshot of a claim is kept, one for each claim, where its class says so.
#include "tests/mover/story.h"

namespace breakwater::mover_test {
namespace {

class SnapshotBase : public testing::Test {
 protected:
  SnapshotBase() {
    story.world.change(api::kVolumeSnapshotClass,
                       {"", story.world.names(api::kVolumeSnapshotClass).at(0)}, [](Object& now) {
                         now.set_annotation(api::kChangedBlocksAnnotation, api::kSharedExtents);
                       });
    story.add_password();
    story.make_disk();
  }
  void upload() {
    const std::string name = "upload-" + std::to_string(++uploads);
    story.world.create_snapshot({"shop", name}, kDisk.name);
    ASSERT_TRUE(story.world.run_until([&] { return story.world.is_ready({"shop", name}); }));
    story.make_upload({"velero", name}, {"shop", name});
    ASSERT_TRUE(story.run_to(api::kDataUpload, {"velero", name}, "Completed"))
        << to_json(story.world.get(api::kDataUpload, {"velero", name}).json(), 1);
    story.world.run(std::chrono::seconds(5));
  }
  // One base and its file; nothing else of any move.
  void expect_one_base() {
    const std::string name =
        "breakwater-base-" + story.world.get(api::kPersistentVolumeClaim, kDisk).uid();
    EXPECT_EQ(story.world.names(api::kVolumeSnapshotContent), std::vector<std::string>{name});
    const Object base = story.world.get(api::kVolumeSnapshotContent, {"", name});
    EXPECT_EQ(base.annotation(api::kBaseSnapshotAnnotation), "snap" + std::to_string(uploads));
    EXPECT_EQ(story.world.files("snapshots").size(), 1u);
    EXPECT_EQ(story.world.files("volumes").size(), 1u);
    EXPECT_TRUE(story.world.names(api::kVolumeSnapshot).empty());
    EXPECT_TRUE(story.world.names(api::kPod).empty());
    EXPECT_EQ(story.world.names(api::kPersistentVolumeClaim).size(), 1u);
  }

  Story story;
  int uploads = 0;
};

TEST_F(SnapshotBase, IsTheLastOneAndGoesWithTheClaim) {
  for (int i = 0; i < 3; ++i) {
    upload();
    expect_one_base();
  }
  story.world.remove(api::kPersistentVolumeClaim, kDisk);
  story.world.run(std::chrono::minutes(2));
  story.expect_clean(0);
}

TEST_F(SnapshotBase, IsAVolumeOfTheNextWorkerThatIsOnlyRead) {
  upload();
  story.worker.hangs = true;
  story.world.create_snapshot(kSnapshot, kDisk.name);
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_ready(kSnapshot); }));
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "InProgress"));
  const Object pod = story.world.get(api::kPod, {"velero", kUpload.name});
  const Json& volume = pod.spec()["volumes"][1]["persistentVolumeClaim"];
  EXPECT_EQ(volume["claimName"].as_string(), kUpload.name + "-base");
  EXPECT_TRUE(volume["readOnly"].as_bool());
  const Json& device = pod.spec()["containers"][0]["volumeDevices"][1];
  EXPECT_EQ(device["devicePath"].as_string(), mover::kParentPath);
  story.cancel(api::kDataUpload, kUpload);
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Canceled"));
  story.world.run(std::chrono::seconds(30));
  expect_one_base();  // a move that came to nothing changes nothing
}

TEST_F(SnapshotBase, ACrashAfterAnyWriteLeavesOne) {
  upload();
  bool crashed = true;
  for (int64_t k = 0; crashed; ++k) {
    const int before = story.world.crashes();
    story.world.crash_after(k);
    upload();
    crashed = story.world.crashes() > before;
    EXPECT_EQ(story.world.files("snapshots").size(), 1u);
    EXPECT_EQ(story.world.names(api::kVolumeSnapshotContent).size(), 1u);
    if (HasFailure()) FAIL() << "crash after write " << k;
    if (!crashed) expect_one_base();
  }
}

}  // namespace
}  // namespace breakwater::mover_test
