#include "volume/shared_extents.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdlib>

#include "tests/volume/files.h"
#include "volume/block_volume.h"

namespace breakwater::volume {
namespace {

using volume_test::allocated;
using volume_test::poke;
using volume_test::random_bytes;
using volume_test::scratch;

constexpr uint64_t kSharedMiB = 1 << 20;

// A file system of its own in a file, mounted where only this process sees it, so that nothing
// stays mounted however the test ends. Needs root and loop devices.
class MountedFileSystem : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: cannot mount " << GetParam();
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      GTEST_SKIP() << "no mount namespace of its own: cannot mount " << GetParam();
    }
    dir_ = std::make_unique<TempDir>(scratch());
    const auto image = dir_->path() / "fs.img";
    root_ = dir_->path() / "mnt";
    std::filesystem::create_directory(root_);
    const std::string type = GetParam();
    const std::string make = type == "xfs" ? "mkfs.xfs -q -m reflink=1 " : "mkfs." + type + " -q ";
    const std::string command = "{ truncate -s 400M " + image.string() + " && " + make +
                                image.string() + " && mount -o loop " + image.string() + " " +
                                root_.string() + "; } >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) {
      GTEST_SKIP() << "this machine cannot make and loop-mount " << type;
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) umount2(root_.c_str(), MNT_DETACH);
  }

  std::unique_ptr<TempDir> dir_;
  std::filesystem::path root_;
  bool mounted_ = false;
};

TEST_P(MountedFileSystem, ACloneSharesAndOnlyWritesAreChanges) {
  const auto live = root_ / "live", first = root_ / "first", second = root_ / "second";
  poke(live, 0, random_bytes(1, 8 * kSharedMiB));
  poke(live, 20 * kSharedMiB, random_bytes(2, 4 * kSharedMiB));
  ASSERT_EQ(truncate(live.c_str(), 40 * kSharedMiB), 0);
  ASSERT_EQ(*clone_file(live, first), CopyMethod::kReflink);

  ASSERT_EQ(*clone_file(live, root_ / "same"), CopyMethod::kReflink);
  EXPECT_EQ(**changed_between(first, root_ / "same"), Extents{});
  EXPECT_EQ(**changed_between(first, first), Extents{});

  const Bytes patch = random_bytes(3, 4096);
  poke(live, 3 * kSharedMiB, patch);   // over data
  poke(live, 30 * kSharedMiB, patch);  // into a hole
  ASSERT_TRUE((*open_block_writer(live, 40 * kSharedMiB))->write_zeros(21 * kSharedMiB, 8192));
  ASSERT_EQ(*clone_file(live, second), CopyMethod::kReflink);
  const Extents changed = **changed_between(first, second);
  EXPECT_TRUE(overlaps(changed, 3 * kSharedMiB, 4096));
  EXPECT_TRUE(overlaps(changed, 30 * kSharedMiB, 4096));
  EXPECT_TRUE(overlaps(changed, 21 * kSharedMiB, 4096));
  EXPECT_TRUE(overlaps(changed, 21 * kSharedMiB + 4096, 4096));
  EXPECT_LT(total_length(changed), kSharedMiB) << format_extents(changed);
}

// The rule that matters: what is not named is equal, whatever was done to the file.
TEST_P(MountedFileSystem, WhatIsNotNamedIsEqual) {
  SeededRandom random(11);
  const auto live = root_ / "live";
  uint64_t size = 24 * kSharedMiB + 1234;
  poke(live, 0, random_bytes(1, 10 * kSharedMiB));
  ASSERT_EQ(truncate(live.c_str(), static_cast<off_t>(size)), 0);
  ASSERT_TRUE(clone_file(live, root_ / "0"));
  for (int round = 1; round <= 12; ++round) {
    for (int step = 0; step < 6; ++step) {
      const uint64_t at = random.below(size - 70'000), length = 1 + random.below(70'000);
      switch (random.below(4)) {
        case 0:
          ASSERT_TRUE((*open_block_writer(live, size))->write_zeros(at, length));
          break;
        case 1:
          ASSERT_EQ(std::system(
                        fmt::format("fallocate -o {} -l {} {}", at, length, live.string()).c_str()),
                    0);
          break;
        default:
          poke(live, at, random_bytes(random.next(), length));
      }
    }
    if (round % 3 == 0) size += 100'000;
    if (round % 5 == 0) size -= 300'000;
    ASSERT_EQ(truncate(live.c_str(), static_cast<off_t>(size)), 0);
    const auto before = root_ / std::to_string(round - 1), after = root_ / std::to_string(round);
    ASSERT_TRUE(clone_file(live, after));
    const Extents changed = **changed_between(before, after);
    std::string a = *read_file(before);
    const std::string b = *read_file(after);
    a.resize(b.size());
    EXPECT_TRUE(changed.empty() || changed.back().end() <= b.size());
    for (uint64_t at = 0; at < b.size(); at += 512) {
      const uint64_t length = std::min<uint64_t>(512, b.size() - at);
      if (overlaps(changed, at, length)) continue;
      ASSERT_EQ(a.compare(at, length, b, at, length), 0) << "at " << at << " in round " << round;
    }
    EXPECT_LT(total_length(changed), 8 * kSharedMiB) << "round " << round;
  }
}

TEST_P(MountedFileSystem, FilesThatShareNothingAreAllChanged) {
  poke(root_ / "a", 0, random_bytes(1, kSharedMiB));
  poke(root_ / "b", 0, random_bytes(1, kSharedMiB));
  EXPECT_EQ(**changed_between(root_ / "a", root_ / "b"), (Extents{{0, kSharedMiB}}));
}

INSTANTIATE_TEST_SUITE_P(Reflink, MountedFileSystem, ::testing::Values("xfs", "btrfs"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(SharedExtents, OtherFileSystemsSayThatTheyCannotTell) {
  const TempDir memory = *TempDir::create("/dev/shm", "vol");  // tmpfs
  ASSERT_TRUE(write_file(memory.path() / "a", "x"));
  ASSERT_TRUE(write_file(memory.path() / "b", "x"));
  const auto changed = changed_between(memory.path() / "a", memory.path() / "b");
  ASSERT_TRUE(changed);
  EXPECT_FALSE(changed->has_value());
  EXPECT_TRUE(
      changed_between(memory.path() / "a", memory.path() / "c").error().is(Code::kNotFound));
  EXPECT_TRUE(changed_between(memory.path(), memory.path() / "a").error().is(Code::kInvalid));
}

}  // namespace
}  // namespace breakwater::volume
