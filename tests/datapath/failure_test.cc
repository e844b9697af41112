#include <gtest/gtest.h>

#include <condition_variable>

#include "blob/faulty_store.h"
#include "datapath/parallel.h"
#include "tests/datapath/harness.h"

namespace breakwater::datapath {
namespace {

using datapath_test::DatapathTest;
using datapath_test::kChunk;
using datapath_test::MemoryTarget;
using datapath_test::MemoryVolume;
using datapath_test::noise;
using datapath_test::TestRepository;

class Failures : public DatapathTest {
 protected:
  static constexpr uint64_t kSize = 100 * kChunk;
  MemoryVolume source{noise(1, kSize)};
};

TEST_F(Failures, ACancelledBackupLeavesASoundRepositoryAndNoSnapshot) {
  CancelToken cancel;
  std::atomic<int> reads{0};
  std::mutex mutex;
  std::condition_variable never;
  source.before_read = [&]() -> Result<> {
    if (++reads < 40) return {};
    cancel.cancel();
    std::unique_lock lock(mutex);  // the calling thread looks at the token before the last chunk
    never.wait_for(lock, std::chrono::milliseconds(30));
    return {};
  };
  const auto result = backup(source, cancel);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Code::kCancelled));
  EXPECT_LT(reads, 100);
  EXPECT_EQ(snapshot_count(), 0u);
  EXPECT_TRUE(stored("locks/").empty());
  expect_sound();
  source.before_read = {};
  EXPECT_EQ(restored(backup(source)->snapshot, kSize), source.content);
}

TEST_F(Failures, AReadErrorOfTheVolumeIsNamedAndStoresNoSnapshot) {
  std::atomic<int> reads{0};
  source.before_read = [&reads]() -> Result<> {
    if (++reads > 70) return fail(Code::kUnavailable, "Input/output error");
    return {};
  };
  const auto result = backup(source);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().to_string(),
            "while backing up memory: while reading memory: Input/output error");
  EXPECT_EQ(snapshot_count(), 0u);
  expect_sound();
}

// The process dies at the k-th operation on the store, for every k.
TEST_F(Failures, ACrashAnywhereLeavesASoundRepositoryAndTheNextRunGoesOn) {
  options.threads = 1;
  options.checkpoint = 10 * kChunk;
  source.content.resize(40 * kChunk);
  source.data = {{0, 40 * kChunk}};
  SeededRandom random(1);
  uint64_t moved_at_once = 0, least_moved_after_crash = UINT64_MAX;
  for (int64_t crash = 1;; ++crash) {
    store = blob::make_memory_store();
    TestRepository fresh(*store);
    ASSERT_TRUE(fresh.open());
    const auto dying = blob::make_faulty_store(
        *store, random, {}, [crash](int64_t ordinal, const std::string& what) -> Result<> {
          if (ordinal >= crash) return fail(Code::kUnavailable, "the store is gone at {}", what);
          return {};
        });
    TestRepository through(*dying);
    auto opened = through.open();
    Result<BackupResult> result = tl::unexpected(Error(Code::kUnavailable, "not opened"));
    if (opened) result = backup_volume(source, **opened, through.clock, options, {});
    if (opened) opened->reset();

    TestRepository after(*store);
    const auto again = *after.open();
    ASSERT_TRUE(again->unlock(true));
    const auto report = again->check(true, {});
    ASSERT_TRUE(report);
    ASSERT_TRUE(report->errors.empty()) << "crash at " << crash << ": " << report->errors[0];
    ASSERT_EQ(report->snapshots, result ? 1u : 0u) << crash;
    const auto rerun = backup_volume(source, *again, after.clock, options, {});
    ASSERT_TRUE(rerun) << "crash at " << crash << ": " << rerun.error().to_string();
    MemoryTarget target(noise(5, source.size()));
    ASSERT_TRUE(restore_volume(*again, target, {}, {}));
    ASSERT_EQ(target.content, source.content) << crash;
    if (result) break;
    moved_at_once = std::max(moved_at_once, rerun->progress.bytes_moved);
    least_moved_after_crash = std::min(least_moved_after_crash, rerun->progress.bytes_moved);
    ASSERT_LT(crash, 500) << "the run never ended";
  }
  EXPECT_GT(moved_at_once, 40 * kChunk);
  EXPECT_LT(least_moved_after_crash, 11 * kChunk) << "what had an index was uploaded again";
}

TEST_F(Failures, SnapshotsAndFilesThatAreNotThereAreNamed) {
  ASSERT_TRUE(backup(source));
  MemoryTarget target(Bytes(kSize, std::byte{1}));
  RestoreOptions how;
  how.snapshot = "0123abcd";
  auto result = restore(target, how);
  EXPECT_TRUE(result.error().is(Code::kNotFound)) << result.error().to_string();
  how.snapshot = "latest";
  how.file = "disk.iso";
  result = restore(target, how);
  EXPECT_TRUE(result.error().is(Code::kNotFound));
  EXPECT_NE(result.error().message().find("disk.iso"), std::string::npos);
  how.file = "/disk.img/x";
  EXPECT_TRUE(restore(target, how).error().is(Code::kInvalid));
  EXPECT_EQ(target.written + target.zeroed, 0u);
}

TEST_F(Failures, ASnapshotOfSeveralFilesNeedsAName) {
  const auto opened = *repository.open();
  ASSERT_TRUE(opened->load_index());
  repo::Tree tree(2);
  tree[0].name = "a.img";
  tree[1].name = "b.img";
  repo::Snapshot snapshot;
  snapshot.tree = opened->save_tree(tree)->id;
  snapshot.paths = {"/"};
  ASSERT_TRUE(opened->flush());
  ASSERT_TRUE(opened->save_snapshot(snapshot));
  RestoreOptions how;
  const auto found = find_volume(*opened, how);
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().is(Code::kInvalid));
  EXPECT_NE(found.error().message().find("/a.img and /b.img"), std::string::npos);
  how.file = "b.img";
  EXPECT_EQ(find_volume(*opened, how)->file, "/b.img");
}

TEST_F(Failures, ATargetThatIsTooSmallIsLeftAlone) {
  ASSERT_TRUE(backup(source));
  MemoryTarget target(Bytes(kSize - 1, std::byte{1}));
  const auto result = restore(target);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Code::kInvalid));
  EXPECT_NE(result.error().message().find("409599 bytes"), std::string::npos);
  EXPECT_NE(result.error().message().find("409600"), std::string::npos);
  EXPECT_EQ(target.written + target.zeroed, 0u);
}

// One flipped bit, anywhere in a pack that the restore needs.
TEST_F(Failures, AFlippedBitIsCorruptAndNamesThePack) {
  ASSERT_TRUE(backup(source));
  SeededRandom random(3);
  int refused = 0;
  for (const auto& object : stored("data/")) {
    const Bytes good = *store->get(object.key);
    if (good.size() < 10 * kChunk) continue;  // the tree's
    Bytes bad = good;
    bad[random.below(bad.size() - 2000)] ^= static_cast<std::byte>(1 << random.below(8));
    ASSERT_TRUE(store->put(object.key, bad));
    MemoryTarget target(Bytes(kSize, std::byte{1}));
    const auto result = restore(target);
    ASSERT_FALSE(result) << object.key;
    EXPECT_TRUE(result.error().is(Code::kCorrupt)) << result.error().to_string();
    const std::string pack = object.key.substr(object.key.rfind('/') + 1);
    EXPECT_NE(result.error().to_string().find(pack.substr(0, 8)), std::string::npos)
        << result.error().to_string();
    EXPECT_FALSE(target.synced);
    ASSERT_TRUE(store->put(object.key, good));
    ++refused;
  }
  EXPECT_GT(refused, 3);
}

TEST_F(Failures, AChunkThatNoIndexNamesIsCorrupt) {
  ASSERT_TRUE(backup(source));
  const auto lost = stored("index/");
  source.write(0, noise(2, 10));
  ASSERT_TRUE(backup(source));
  for (const auto& object : lost) ASSERT_TRUE(store->remove(object.key));
  MemoryTarget target(Bytes(kSize, std::byte{1}));
  const auto result = restore(target);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Code::kCorrupt));
  EXPECT_NE(result.error().message().find("/disk.img, at byte 4096"), std::string::npos)
      << result.error().message();
  EXPECT_EQ(target.written + target.zeroed, 0u);
}

TEST_F(Failures, ARestoreCanBeCancelled) {
  ASSERT_TRUE(backup(source));
  CancelToken cancel;
  cancel.cancel();
  MemoryTarget target(Bytes(kSize, std::byte{1}));
  const auto opened = *repository.open();
  const auto result = restore_volume(*opened, target, {}, cancel);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Code::kCancelled));
  EXPECT_EQ(target.written, 0u);
}

TEST(Parallel, EveryItemRunsOnce) {
  for (const int threads : {1, 3, 8}) {
    std::vector<std::atomic<int>> runs(1000);
    int ticks = 0;
    const auto result = parallel(
        runs.size(), threads,
        [&](int worker, uint64_t item) -> Result<> {
          EXPECT_LT(worker, threads);
          ++runs[item];
          return {};
        },
        [&ticks]() -> Result<> {
          ++ticks;
          return {};
        });
    EXPECT_TRUE(result);
    EXPECT_GE(ticks, 1);
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST(Parallel, TheFirstErrorEndsIt) {
  for (const int threads : {1, 4}) {
    std::atomic<int> runs{0};
    const auto result = parallel(
        100'000, threads,
        [&runs](int, uint64_t item) -> Result<> {
          ++runs;
          if (item == 5) return fail(Code::kInvalid, "five");
          return {};
        },
        []() -> Result<> { return {}; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), "five");
    if (threads == 1) {
      EXPECT_EQ(runs, 6);
    }
  }
  EXPECT_EQ(parallel(0, 4, {}, []() -> Result<> { return fail(Code::kCancelled, "tick"); })
                .error()
                .message(),
            "tick");
}

}  // namespace
}  // namespace breakwater::datapath
