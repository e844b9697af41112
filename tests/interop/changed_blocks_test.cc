// The previous snapshot of a claim is kept where the file system tells what changed since, and only
// that is read.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/mover/real_worker.h"
#include "tests/mover/story.h"

namespace breakwater::mover_test {
namespace {

constexpr uint64_t kBlock = 512 << 10;
constexpr int64_t kGiB = 1 << 30;

// A file system of its own in a file, mounted where only this process sees it.
class ChangedBlocks : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      GTEST_SKIP() << "cannot mount here";
    }
    const auto image = place_.path() / "image";
    root_ = place_.path() / "root";
    std::filesystem::create_directory(root_);
    const std::string type = GetParam();
    const std::string command = "{ truncate -s 4G " + image.string() + " && mkfs." + type + " -q " +
                                image.string() + " && mount -o loop " + image.string() + " " +
                                root_.string() + "; } >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "cannot make and loop-mount " << type;
    story_ = std::make_unique<Story>(mover::Settings(), root_);
    worker_ = std::make_unique<RealWorker>(place_.path() / "store");
    story_->world.on_idle = [this] { return worker_->work(story_->world.processes()); };
    story_->add_password();
  }
  void TearDown() override {
    story_.reset();
    if (!root_.empty()) ::umount2(root_.c_str(), MNT_DETACH);
  }

  void make_disk(const std::string& size = "1Gi") {
    story_->world.create_claim(kDisk, size);
    ASSERT_TRUE(story_->world.run_until([&] { return story_->world.is_bound(kDisk); }));
  }
  // Full of data of which little has to be stored.
  void fill_disk() {
    std::fstream disk(story_->world.file_of(kDisk),
                      std::ios::in | std::ios::out | std::ios::binary);
    SeededRandom random(1);
    std::string block(kBlock, '\0');
    for (int64_t at = 0; at < kGiB; at += kBlock) {
      if (at % (8 << 20) == 0) random.fill(std::as_writable_bytes(std::span(block)));
      disk.write(block.data(), kBlock);
    }
    ASSERT_TRUE(disk.good());
  }
  void change(uint64_t seed, int blocks) {
    SeededRandom random(seed);
    std::string block(kBlock, '\0');
    for (int i = 0; i < blocks; ++i) {
      random.fill(std::as_writable_bytes(std::span(block)));
      const uint64_t at = static_cast<uint64_t>(i) * 100 % 2048 * kBlock;
      World::write_at(story_->world.file_of(kDisk), at, block);
    }
  }
  // The status of the next upload, once it is completed.
  Json upload(const std::string& parent = "") {
    const std::string name = "upload-" + std::to_string(++uploads_);
    const Key snapshot{"shop", name};
    story_->world.create_snapshot(snapshot, kDisk.name);
    EXPECT_TRUE(story_->world.run_until([&] { return story_->world.is_ready(snapshot); }));
    const Key key{"velero", name};
    Object object = story_->make_upload(key, snapshot);
    if (!parent.empty()) {
      story_->world.change(api::kDataUpload, key, [&](Object& now) {
        now.set({"spec", "parentSnapshot"}, parent);
      });
    }
    EXPECT_TRUE(story_->run_to(api::kDataUpload, key, "Completed"))
        << to_json(story_->world.get(api::kDataUpload, key).json(), 1);
    story_->world.run(std::chrono::seconds(5));
    return story_->world.get(api::kDataUpload, key).status();
  }
  int64_t bytes_read(const Json& status) {
    return std::stoll(status["dataMoverResult"]["bytesRead"].as_string());
  }
  // One base and its file; nothing else of any move.
  void expect_one_base() {
    const auto contents = story_->world.names(api::kVolumeSnapshotContent);
    ASSERT_EQ(contents.size(), 1u);
    EXPECT_EQ(contents[0],
              "breakwater-base-" + story_->world.get(api::kPersistentVolumeClaim, kDisk).uid());
    EXPECT_EQ(story_->world.files("snapshots").size(), 1u);
    EXPECT_EQ(story_->world.files("volumes").size(), 1u);
    EXPECT_TRUE(story_->world.names(api::kVolumeSnapshot).empty());
    EXPECT_TRUE(story_->world.names(api::kPod).empty());
    EXPECT_EQ(story_->world.names(api::kPersistentVolumeClaim).size(), 1u);
  }
  // The last snapshot, restored, is the disk.
  void expect_restored(const Json& status) {
    mover_test::RealWorker& worker = *worker_;
    Object target = Object::make(api::kPersistentVolumeClaim, kTarget);
    target.set({"spec"}, story_->world.get(api::kPersistentVolumeClaim, kDisk).spec());
    target.erase({"spec", "volumeName"});
    target.set({"spec", "selector", "matchLabels", kRestoreLabel}, "shop.restored.12345");
    story_->world.create(api::kPersistentVolumeClaim, target);
    story_->make_download(status["snapshotID"].as_string());
    ASSERT_TRUE(story_->run_to(api::kDataDownload, kDownload, "Completed"));
    EXPECT_FALSE(worker.result.is_null());
    const std::string compare = "cmp -s " + story_->world.file_of(kDisk).string() + " " +
                                story_->world.file_of(kTarget).string();
    EXPECT_EQ(std::system(compare.c_str()), 0);
  }

  TempDir place_ = *TempDir::create(std::filesystem::temp_directory_path(), "changed");
  std::filesystem::path root_;
  std::unique_ptr<Story> story_;
  std::unique_ptr<RealWorker> worker_;
  int uploads_ = 0;
};

TEST_P(ChangedBlocks, OnlyTheyAreRead) {
  make_disk();
  fill_disk();
  const Json first = upload();
  EXPECT_EQ(bytes_read(first), kGiB);
  expect_one_base();
  EXPECT_TRUE(worker_->configs.back().parent_volume.empty());

  change(2, 20);  // 10 MiB, 1 %
  const Json second = upload();
  EXPECT_FALSE(worker_->configs.back().parent_volume.empty());
  EXPECT_GE(bytes_read(second), 10 << 20);
  EXPECT_LE(bytes_read(second), 13 << 20);
  EXPECT_EQ(second["progress"]["totalBytes"].as_int(), kGiB);
  expect_one_base();

  EXPECT_LE(bytes_read(upload()), 2 << 20);  // nothing has changed
  change(3, 4);
  const Json last = upload();
  EXPECT_LE(bytes_read(last), 4 << 20);
  expect_one_base();
  expect_restored(last);
}

TEST_P(ChangedBlocks, WhatDoesNotFitMeansAFullRead) {
  make_disk("64Mi");
  World::write_at(story_->world.file_of(kDisk), 0, std::string(8 << 20, 'x'));
  const Json first = upload();
  EXPECT_LT(bytes_read(upload()), 1 << 20);
  EXPECT_GE(bytes_read(upload("none")), 8 << 20);
  EXPECT_GE(bytes_read(upload(first["snapshotID"].as_string())), 8 << 20);  // not the base's
  EXPECT_LT(bytes_read(upload()), 1 << 20);
  // The base says another snapshot of the repository, or the storage has lost it.
  const auto base = [&] { return Key{"", story_->world.names(api::kVolumeSnapshotContent).at(0)}; };
  story_->world.change(api::kVolumeSnapshotContent, base(), [](Object& now) {
    now.set_annotation(api::kBaseSnapshotAnnotation, std::string(64, 'a'));
  });
  EXPECT_GE(bytes_read(upload()), 8 << 20);
  for (const std::string& file : story_->world.files("snapshots")) {
    std::filesystem::remove(story_->world.directory() / "snapshots" / file);
  }
  EXPECT_GE(bytes_read(upload()), 8 << 20);
  expect_one_base();
}

TEST_P(ChangedBlocks, ABaseGoesWithItsClaim) {
  make_disk("1Mi");
  upload();
  expect_one_base();
  story_->world.remove(api::kPersistentVolumeClaim, kDisk);
  story_->world.run(std::chrono::seconds(10));
  make_disk("1Mi");  // another one of the same name
  story_->world.run(std::chrono::minutes(2));
  EXPECT_TRUE(story_->world.names(api::kVolumeSnapshotContent).empty());
  EXPECT_TRUE(story_->world.files("snapshots").empty());
  upload();
  expect_one_base();
  story_->world.change(api::kVolumeSnapshotClass,
                       {"", story_->world.names(api::kVolumeSnapshotClass).at(0)}, [](Object& now) {
                         now.erase({"metadata", "annotations", api::kChangedBlocksAnnotation});
                       });
  story_->world.run(std::chrono::minutes(2));
  EXPECT_TRUE(story_->world.names(api::kVolumeSnapshotContent).empty());
  upload();
  story_->expect_clean(1);
}

INSTANTIATE_TEST_SUITE_P(FileSystems, ChangedBlocks, testing::Values("xfs", "btrfs"));

}  // namespace
}  // namespace breakwater::mover_test
