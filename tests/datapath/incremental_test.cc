#include <gtest/gtest.h>

#include "datapath/backup_plan.h"
#include "tests/datapath/harness.h"

namespace breakwater::datapath {
namespace {

using datapath_test::DatapathTest;
using datapath_test::kChunk;
using datapath_test::MemoryVolume;
using datapath_test::noise;

class Incremental : public DatapathTest {
 protected:
  static constexpr uint64_t kSize = 100 * kChunk + 5;
  MemoryVolume source{noise(1, kSize)};

  // Changes the volume and returns where.
  volume::Extents change(uint64_t seed) {
    source.write(3 * kChunk + 1, noise(seed, 10));
    source.write(50 * kChunk - 1, noise(seed + 1, 2));
    source.write(kSize - 1, noise(seed + 2, 1));
    return {{3 * kChunk + 1, 10}, {50 * kChunk - 1, 2}, {kSize - 1, 1}};
  }
};

TEST_F(Incremental, OnlyChangedChunksAreRead) {
  const auto first = *backup(source);
  source.take_read();
  options.parent = first.snapshot.to_string();
  options.changed = change(2);
  const auto second = *backup(source);
  EXPECT_EQ(source.take_read(),
            (volume::Extents{{3 * kChunk, kChunk}, {49 * kChunk, 2 * kChunk}, {100 * kChunk, 5}}));
  EXPECT_EQ(second.parent, first.snapshot);
  EXPECT_EQ(second.progress.bytes_read, 3 * kChunk + 5);
  EXPECT_EQ(second.progress.bytes_done, kSize);
  EXPECT_LT(second.progress.bytes_moved, 10 * kChunk);
  EXPECT_EQ(restored(second.snapshot, kSize), source.content);
  EXPECT_NE(restored(first.snapshot, kSize), source.content);
  expect_sound();
}

TEST_F(Incremental, NothingChangedReadsNothing) {
  options.parent = backup(source)->snapshot.to_string();
  source.take_read();
  options.changed = volume::Extents{};
  const auto second = *backup(source);
  EXPECT_TRUE(source.take_read().empty());
  EXPECT_EQ(restored(second.snapshot, kSize), source.content);
}

TEST_F(Incremental, WhatBecameAHoleIsZeroWithoutReading) {
  options.parent = backup(source)->snapshot.to_string();
  source.take_read();
  source.write(8 * kChunk, Bytes(4 * kChunk));
  source.data = {{0, 8 * kChunk}, {12 * kChunk, kSize - 12 * kChunk}};
  options.changed = {{{8 * kChunk, 4 * kChunk}}};
  const auto second = *backup(source);
  EXPECT_TRUE(source.take_read().empty());
  EXPECT_EQ(restored(second.snapshot, kSize), source.content);
}

TEST_F(Incremental, WithoutAListEverythingIsReadAndOnlyNewChunksMove) {
  const auto first = *backup(source);
  change(2);
  source.take_read();
  const auto second = *backup(source);
  EXPECT_EQ(second.parent, first.snapshot);
  EXPECT_EQ(source.take_read(), (volume::Extents{{0, kSize}}));
  EXPECT_LT(second.progress.bytes_moved, 10 * kChunk);
  EXPECT_EQ(restored(second.snapshot, kSize), source.content);
}

// A list of changes means nothing without the very snapshot it is relative to.
TEST_F(Incremental, AListWithoutItsParentIsIgnored) {
  const auto first = *backup(source);
  options.chunk_size = 2 * kChunk;
  const auto unfit = *backup(source);
  options.chunk_size = kChunk;
  options.hostname = "vm-2";
  change(2);
  options.changed = volume::Extents{};  // a lie that must not be believed
  const std::string nowhere(64, '7');
  for (const std::optional<std::string>& parent :
       {std::optional<std::string>(), std::optional<std::string>("none"),
        std::optional<std::string>(nowhere), std::optional(unfit.snapshot.to_string())}) {
    options.parent = parent;
    source.take_read();
    const auto result = *backup(source);
    EXPECT_EQ(source.take_read(), (volume::Extents{{0, kSize}})) << parent.value_or("newest");
    EXPECT_EQ(restored(result.snapshot, kSize), source.content);
  }
  options.parent = first.snapshot.to_string();
  options.file_name = "other.img";  // not in that snapshot
  source.take_read();
  EXPECT_EQ(backup(source)->parent, std::nullopt);
  EXPECT_EQ(source.take_read(), (volume::Extents{{0, kSize}}));
}

TEST_F(Incremental, TheNewestSnapshotThatFitsIsTheParent) {
  const auto first = *backup(source);
  options.hostname = "vm-2";
  EXPECT_EQ(backup(source)->parent, std::nullopt);
  options.hostname = "vm-1";
  options.paths = {"/other"};
  EXPECT_EQ(backup(source)->parent, std::nullopt);
  options.paths = {};
  options.chunk_size = 2 * kChunk;
  EXPECT_EQ(backup(source)->parent, std::nullopt);
  options.chunk_size = kChunk;
  const auto next = *backup(source);
  EXPECT_EQ(next.parent, first.snapshot);
  EXPECT_EQ(backup(source)->parent, next.snapshot);
}

TEST_F(Incremental, AResizedVolumeIsReadWhereItGrew) {
  const auto first = *backup(source);
  const uint64_t sizes[] = {
      kSize + 1, kSize + 10 * kChunk, 101 * kChunk, 100 * kChunk, 50 * kChunk + 9, kChunk, 3, 0};
  for (const uint64_t size : sizes) {
    MemoryVolume resized(source.content);
    resized.content.resize(kSize);
    const Bytes more = noise(size, 20 * kChunk);
    resized.content.insert(resized.content.end(), more.begin(), more.end());
    resized.content.resize(size);
    resized.data = volume::normalize({{0, size}});
    options.parent = first.snapshot.to_string();
    options.changed = volume::Extents{};
    const auto result = *backup(resized);
    EXPECT_EQ(result.parent, first.snapshot) << size;
    EXPECT_LE(result.progress.bytes_read, 11 * kChunk) << size;
    EXPECT_EQ(restored(result.snapshot, size), resized.content) << size;
  }
}

// Chunks that no index names any more are read again, however unchanged they are.
TEST_F(Incremental, ADamagedParentLeavesNoGap) {
  const auto first = *backup(source);
  const auto lost = stored("index/");
  change(2);
  const auto second = *backup(source);
  for (const auto& object : lost) ASSERT_TRUE(store->remove(object.key));
  ASSERT_TRUE((*repository.open())->remove_snapshot(first.snapshot));
  options.parent = second.snapshot.to_string();
  options.changed = volume::Extents{};
  source.take_read();
  const auto third = *backup(source);
  EXPECT_EQ(third.parent, second.snapshot);
  const auto read = source.take_read();
  EXPECT_TRUE(volume::overlaps(read, 0, kChunk));
  EXPECT_FALSE(volume::overlaps(read, 100 * kChunk, 5)) << "that chunk is in the newer index";
  EXPECT_EQ(restored(third.snapshot, kSize), source.content);
  expect_sound();
}

TEST_F(Incremental, AParentWithoutItsTreeIsNone) {
  const auto first = *backup(source);
  for (const auto& object : stored("index/")) {
    ASSERT_TRUE(store->remove(object.key));
  }
  options.parent = first.snapshot.to_string();
  options.changed = volume::Extents{};
  const auto second = *backup(source);
  EXPECT_EQ(second.parent, std::nullopt);
  EXPECT_EQ(restored(second.snapshot, kSize), source.content);
}

TEST(BackupPlan, EveryChunkIsReadCopiedOrZero) {
  const Cut cut{10 * 8 + 3, 8};
  const repo::Id zero{sha256(Bytes(8))};
  Parent parent;
  for (uint64_t i = 0; i < cut.count(); ++i) {
    parent.content.push_back(repo::Id{sha256(Bytes(1, static_cast<std::byte>(i)))});
  }
  parent.usable.assign(cut.count(), true);
  parent.usable[5] = false;
  const volume::Extents data{{0, 60}};              // chunks 0 to 7
  const volume::Extents changed{{15, 2}, {70, 1}};  // chunks 1, 2 and 8
  const auto plan = make_backup_plan(cut, zero, data, &parent, &changed);
  EXPECT_EQ(plan.read, (std::vector<uint64_t>{1, 2, 5}));
  EXPECT_EQ(plan.bytes_to_read, 24u);
  EXPECT_EQ(plan.content[0], parent.content[0]);
  EXPECT_EQ(plan.content[8], zero);
  EXPECT_EQ(plan.content[9], parent.content[9]);
  EXPECT_EQ(plan.content[10], parent.content[10]);

  const auto full = make_backup_plan(cut, zero, data, &parent, nullptr);
  EXPECT_EQ(full.read, (std::vector<uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 10}));
  EXPECT_TRUE(full.has_zeros);
}

TEST(BackupPlan, ChunksGrowWithTheVolume) {
  EXPECT_EQ(default_chunk_size(1), 512u << 10);
  EXPECT_EQ(default_chunk_size(uint64_t{2} << 40), 512u << 10);
  EXPECT_EQ(default_chunk_size((uint64_t{2} << 40) + 1), 1u << 20);
}

}  // namespace
}  // namespace breakwater::datapath
