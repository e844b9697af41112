#include <gtest/gtest.h>

#include "tests/datapath/harness.h"

namespace breakwater::datapath {
namespace {

using datapath_test::DatapathTest;
using datapath_test::kChunk;
using datapath_test::MemoryTarget;
using datapath_test::MemoryVolume;
using datapath_test::noise;

class RoundTrip : public DatapathTest {};

// Data, zeros and repetitions in random order.
Bytes mixture(uint64_t seed, size_t size) {
  SeededRandom random(seed);
  Bytes content;
  while (content.size() < size) {
    const size_t length = 1 + random.below(5 * kChunk);
    switch (random.below(3)) {
      case 0:
        content.resize(content.size() + length);
        break;
      case 1:
        content.insert(content.end(), length, std::byte{0x41});
        break;
      default: {
        const Bytes part = noise(random.next(), length);
        content.insert(content.end(), part.begin(), part.end());
      }
    }
  }
  content.resize(size);
  return content;
}

TEST_F(RoundTrip, AnySizeComesBack) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{kChunk - 1}, size_t{kChunk},
                            size_t{kChunk + 1}, size_t{30 * kChunk}, size_t{200 * kChunk + 77}}) {
    MemoryVolume source(mixture(size, size));
    const auto result = backup(source);
    ASSERT_TRUE(result) << size << ": " << result.error().to_string();
    EXPECT_EQ(result->progress.total_bytes, size);
    EXPECT_EQ(result->progress.bytes_done, size);
    EXPECT_EQ(result->progress.bytes_read, size);
    EXPECT_EQ(restored(result->snapshot, size), source.content) << size;
  }
  expect_sound();
}

TEST_F(RoundTrip, TheChunksThatVolumesAreCutIntoByDefault) {
  options.chunk_size = 0;
  Bytes content = noise(1, (5 << 20) + 1);
  std::fill_n(content.begin() + (1 << 20), 2 << 20, std::byte{0});
  MemoryVolume source(std::move(content));
  const auto result = *backup(source);
  EXPECT_EQ(restored(result.snapshot, source.size()), source.content);
  const auto opened = *repository.open();
  ASSERT_TRUE(opened->load_index());
  const auto snapshot = *opened->load_snapshot(result.snapshot);
  const auto node = (*opened->load_tree(snapshot.tree)).at(0);
  ASSERT_EQ(node.content.size(), 11u);
  // restic's chunk of zeros, by which `restic restore --sparse` knows holes
  EXPECT_EQ(node.content[2].to_string(),
            "07854d2fef297a06ba81685e660c332de36d5d18d546927d30daad6d7fda1541");
}

TEST_F(RoundTrip, HolesAreNotRead) {
  MemoryVolume source(Bytes(64 * kChunk));
  source.write(10 * kChunk, noise(1, 2 * kChunk));
  source.data = {{10 * kChunk + 5, 2 * kChunk - 10}};
  const auto result = *backup(source);
  EXPECT_EQ(source.take_read(), (volume::Extents{{10 * kChunk, 2 * kChunk}}));
  EXPECT_EQ(result.progress.bytes_read, 2 * kChunk);
  EXPECT_EQ(result.progress.bytes_done, 64 * kChunk);
  EXPECT_EQ(restored(result.snapshot, source.size()), source.content);
  expect_sound();
}

TEST_F(RoundTrip, ZerosAndRepetitionsAreStoredOnce) {
  options.threads = 4;
  MemoryVolume zeros(Bytes(1000 * kChunk));
  EXPECT_LT(backup(zeros)->progress.bytes_moved, 2000u);
  MemoryVolume repeated(Bytes(1000 * kChunk, std::byte{7}));
  EXPECT_LT(backup(repeated)->progress.bytes_moved, 2000u);
  MemoryVolume random(noise(1, 100 * kChunk));
  EXPECT_GT(backup(random)->progress.bytes_moved, 100 * kChunk);
  EXPECT_LT(backup(random)->progress.bytes_moved, 5000u) << "more than the list of its chunks";
}

TEST_F(RoundTrip, ZerosAreWrittenInRuns) {
  MemoryVolume source(Bytes(100 * kChunk));
  source.write(50 * kChunk, noise(1, kChunk));
  ASSERT_TRUE(backup(source));
  MemoryTarget target(noise(2, 100 * kChunk));
  ASSERT_TRUE(restore(target));
  EXPECT_EQ(target.content, source.content);
  EXPECT_EQ(target.zero_calls, 2u);
  EXPECT_EQ(target.written, kChunk);
}

TEST_F(RoundTrip, ALargerTargetKeepsItsRest) {
  MemoryVolume source(noise(1, 10 * kChunk + 1));
  ASSERT_TRUE(backup(source));
  MemoryTarget target(Bytes(20 * kChunk, std::byte{0x55}));
  ASSERT_TRUE(restore(target));
  Bytes expected = source.content;
  expected.resize(20 * kChunk, std::byte{0x55});
  EXPECT_EQ(target.content, expected);
}

TEST_F(RoundTrip, TheSnapshotSaysWhatItIs) {
  options.file_name = "disk-0.img";
  options.paths = {"/vm-1/disk-0"};
  options.tags = {"backup=b1", "uid=7"};
  MemoryVolume source(noise(1, 3 * kChunk));
  const auto result = *backup(source);
  const auto opened = *repository.open();
  const auto snapshot = *opened->load_snapshot(result.snapshot);
  EXPECT_EQ(snapshot.hostname, "vm-1");
  EXPECT_EQ(snapshot.paths, options.paths);
  EXPECT_EQ(snapshot.tags, options.tags);
  EXPECT_EQ(snapshot.time, repository.clock.now());
  EXPECT_EQ(snapshot.parent, std::nullopt);
  ASSERT_TRUE(snapshot.summary);
  EXPECT_EQ(snapshot.summary->total_bytes_processed, 3 * kChunk);
  EXPECT_EQ(snapshot.summary->data_blobs, 3u);
  EXPECT_EQ(snapshot.summary->tree_blobs, 1u);
  EXPECT_GT(snapshot.summary->data_added, 3 * kChunk);
  const auto stored = *find_volume(*opened, {});
  EXPECT_EQ(stored.file, "/disk-0.img");
  EXPECT_EQ(stored.size, 3 * kChunk);
  EXPECT_EQ(stored.snapshot, result.snapshot);
}

TEST_F(RoundTrip, ProgressOnlyGrowsAndEndsComplete) {
  MemoryVolume source(noise(1, 300 * kChunk));
  const auto opened = *repository.open();
  std::vector<Progress> seen;
  const auto watch = [&seen](const Progress& progress) { seen.push_back(progress); };
  ASSERT_TRUE(backup_volume(source, *opened, repository.clock, options, {}, watch));
  ASSERT_FALSE(seen.empty());
  for (size_t i = 1; i < seen.size(); ++i) {
    EXPECT_GE(seen[i].bytes_done, seen[i - 1].bytes_done);
    EXPECT_GE(seen[i].bytes_moved, seen[i - 1].bytes_moved);
  }
  EXPECT_EQ(seen.back().bytes_done, source.size());
  seen.clear();
  MemoryTarget target(Bytes(source.size()));
  ASSERT_TRUE(restore_volume(*opened, target, {}, {}, watch));
  EXPECT_EQ(seen.back().bytes_done, source.size());
  EXPECT_GT(seen.back().bytes_moved, source.size());
}

TEST_F(RoundTrip, NamesThatAreNoNamesAreRefused) {
  MemoryVolume source(Bytes(5));
  for (const char* name : {"", "a/b", ".", "..", "/x"}) {
    options.file_name = name;
    EXPECT_TRUE(backup(source).error().is(Code::kInvalid)) << name;
  }
  EXPECT_EQ(snapshot_count(), 0u);
}

// Volumes that are stored as a folder of extents.
class Extents : public DatapathTest {
 protected:
  Extents() {
    options.flat_limit = 20 * kChunk;
    options.extent_size = 8 * kChunk;
  }
};

TEST_F(Extents, ComeBackAndAreFoundByTheirName) {
  MemoryVolume source(mixture(3, 50 * kChunk + 9));
  const auto result = *backup(source);
  EXPECT_EQ(restored(result.snapshot, source.size()), source.content);
  MemoryTarget target(Bytes(source.size()));
  RestoreOptions how;
  how.file = "disk.img";
  ASSERT_TRUE(restore(target, how));
  EXPECT_EQ(target.content, source.content);
  how.file = "/disk.img/00000001";
  EXPECT_TRUE(restore(target, how).error().is(Code::kInvalid));
  how.file = "/disk.img/00000001/extent";
  ASSERT_TRUE(restore(target, how));
  expect_sound();
}

TEST_F(Extents, WhatDidNotChangeIsTheSameTree) {
  MemoryVolume source(noise(3, 50 * kChunk));
  const auto first = *backup(source);
  source.write(9 * kChunk, noise(4, 10));
  options.parent = first.snapshot.to_string();
  options.changed = {{{9 * kChunk, 10}}};
  const auto second = *backup(source);
  EXPECT_EQ(second.progress.bytes_read, kChunk);
  const auto opened = *repository.open();
  EXPECT_EQ(opened->load_snapshot(second.snapshot)->summary->tree_blobs, 3u);
  EXPECT_EQ(restored(second.snapshot, source.size()), source.content);
}

}  // namespace
}  // namespace breakwater::datapath
