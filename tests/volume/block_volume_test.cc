#include "volume/block_volume.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <thread>

#include "tests/volume/files.h"

namespace breakwater::volume {
namespace {

using volume_test::allocated;
using volume_test::poke;
using volume_test::random_bytes;
using volume_test::scratch;

constexpr uint64_t kMiB = 1 << 20;

TEST(IsZero, FindsAnyBitAtAnyPlace) {
  for (size_t size : {0u, 1u, 63u, 64u, 65u, 127u, 128u, 4096u, 5001u}) {
    Bytes data(size);
    EXPECT_TRUE(is_zero(data)) << size;
    for (size_t at = 0; at < size; at += size < 200 ? 1 : 97) {
      data[at] = std::byte{0x10};
      EXPECT_FALSE(is_zero(data)) << at << " of " << size;
      data[at] = std::byte{0};
    }
    if (size == 0) continue;
    data.back() = std::byte{1};
    EXPECT_FALSE(is_zero(data)) << size;
  }
}

TEST(BlockReader, ReadsAtOffsetsAndKnowsHoles) {
  const TempDir dir = scratch();
  const auto path = dir.path() / "disk.img";
  const Bytes data = random_bytes(1, 100'000);
  poke(path, 2 * kMiB, data);
  ASSERT_EQ(truncate(path.c_str(), 8 * kMiB), 0);
  const auto reader = *open_block_reader(path);
  EXPECT_EQ(reader->size(), 8 * kMiB);
  EXPECT_EQ(reader->describe(), "file " + path.string());
  Bytes out(data.size());
  ASSERT_TRUE(reader->read(2 * kMiB, out));
  EXPECT_EQ(out, data);
  const Extents extents = *reader->data_extents();
  EXPECT_TRUE(overlaps(extents, 2 * kMiB, 1));
  EXPECT_TRUE(overlaps(extents, 2 * kMiB + data.size() - 1, 1));
  EXPECT_LT(total_length(extents), kMiB) << "the holes count as data";
}

TEST(BlockReader, AFileThatShrankIsAnErrorNotZeros) {
  const TempDir dir = scratch();
  const auto path = dir.path() / "disk.img";
  poke(path, 0, random_bytes(1, 5000));
  const auto reader = *open_block_reader(path);
  ASSERT_EQ(truncate(path.c_str(), 1000), 0);
  Bytes out(5000);
  const auto read = reader->read(0, out);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().to_string().find("disk.img ends at byte 1000"), std::string::npos);
}

TEST(BlockReader, AnEmptyFileHasNoExtents) {
  const TempDir dir = scratch();
  ASSERT_TRUE(write_file(dir.path() / "empty", ""));
  const auto reader = *open_block_reader(dir.path() / "empty");
  EXPECT_EQ(reader->size(), 0u);
  EXPECT_TRUE(reader->data_extents()->empty());
}

TEST(BlockVolume, WhatIsNoVolumeIsRefusedByName) {
  const TempDir dir = scratch();
  const auto missing = open_block_reader(dir.path() / "nothing");
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().is(Code::kNotFound));
  EXPECT_NE(missing.error().to_string().find("nothing"), std::string::npos);
  EXPECT_TRUE(open_block_reader(dir.path()).error().is(Code::kInvalid));
  EXPECT_TRUE(open_block_reader("/dev/null").error().is(Code::kInvalid));
  EXPECT_TRUE(open_block_writer(dir.path(), 5).error().is(Code::kInvalid));
  EXPECT_TRUE(open_block_writer("/dev/null", 5).error().is(Code::kInvalid));
  EXPECT_TRUE(open_block_writer(dir.path() / "no" / "file", 5).error().is(Code::kNotFound));
}

TEST(BlockWriter, ANewFileIsSparseAndAnOldOneKeepsItsContent) {
  const TempDir dir = scratch();
  const auto path = dir.path() / "disk.img";
  {
    const auto writer = *open_block_writer(path, 64 * kMiB);
    EXPECT_EQ(writer->size(), 64 * kMiB);
    EXPECT_EQ(std::filesystem::file_size(path), 64 * kMiB);
    EXPECT_EQ(allocated(path), 0u);
    ASSERT_TRUE(writer->write(5 * kMiB, random_bytes(3, 4096)));
    ASSERT_TRUE(writer->sync());
  }
  const auto again = *open_block_writer(path, 6 * kMiB);
  EXPECT_EQ(std::filesystem::file_size(path), 6 * kMiB);
  Bytes out(4096);
  ASSERT_TRUE(again->read(5 * kMiB, out));
  EXPECT_EQ(out, random_bytes(3, 4096));
}

TEST(BlockWriter, ZerosReadAsZerosAndReleaseSpace) {
  const TempDir dir = scratch();
  const auto path = dir.path() / "disk.img";
  const auto writer = *open_block_writer(path, 4 * kMiB);
  const Bytes data = random_bytes(4, 4 * kMiB);
  ASSERT_TRUE(writer->write(0, data));
  ASSERT_TRUE(writer->write_zeros(1000, 3 * kMiB));  // not aligned to anything
  ASSERT_TRUE(writer->write_zeros(4 * kMiB - 3, 3));
  ASSERT_TRUE(writer->write_zeros(0, 0));
  ASSERT_TRUE(writer->sync());
  Bytes expected = data, out(4 * kMiB);
  std::fill_n(expected.begin() + 1000, 3 * kMiB, std::byte{0});
  std::fill_n(expected.end() - 3, 3, std::byte{0});
  ASSERT_TRUE(writer->read(0, out));
  EXPECT_EQ(out, expected);
  EXPECT_LT(allocated(path), 2 * kMiB);
  EXPECT_EQ(std::filesystem::file_size(path), 4 * kMiB);
}

TEST(BlockWriter, ThreadsWriteDifferentRanges) {
  const TempDir dir = scratch();
  const auto writer = *open_block_writer(dir.path() / "disk.img", 4 * kMiB);
  const Bytes data = random_bytes(5, 4 * kMiB);
  std::vector<std::thread> threads;
  for (uint64_t part = 0; part < 4; ++part) {
    threads.emplace_back([&writer, &data, part] {
      for (uint64_t at = part * kMiB; at < (part + 1) * kMiB; at += 4096) {
        EXPECT_TRUE(writer->write(at, ByteSpan(data).subspan(at, 4096)));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Bytes out(4 * kMiB);
  ASSERT_TRUE(writer->read(0, out));
  EXPECT_EQ(out, data);
}

// A loop device, where this machine lets us have one.
class LoopDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: cannot make a loop device";
    const std::string image = (dir_.path() / "device.img").string();
    const std::string command =
        "truncate -s 8M " + image + " && losetup --show -f " + image + " 2>/dev/null";
    FILE* pipe = popen(command.c_str(), "r");
    char line[64] = {};
    const bool named = std::fgets(line, sizeof line, pipe) != nullptr;
    if (pclose(pipe) != 0 || !named) GTEST_SKIP() << "this machine has no loop devices";
    path_ = std::string(line).substr(0, std::string_view(line).find('\n'));
  }
  void TearDown() override {
    if (!path_.empty()) {
      EXPECT_EQ(std::system(("losetup -d " + path_).c_str()), 0);
    }
  }

  TempDir dir_ = scratch();
  std::string path_;
};

TEST_F(LoopDevice, IsReadWrittenAndZeroed) {
  const auto small = open_block_writer(path_, 8 * kMiB + 1);
  ASSERT_FALSE(small);
  EXPECT_TRUE(small.error().is(Code::kInvalid));
  EXPECT_NE(small.error().message().find("8388608 bytes, and 8388609"), std::string::npos);

  const auto writer = *open_block_writer(path_, 3 * kMiB);  // the rest is left alone
  EXPECT_EQ(writer->size(), 8 * kMiB);
  EXPECT_EQ(writer->describe(), "device " + path_);
  Bytes data = random_bytes(6, 8 * kMiB), out(8 * kMiB);
  ASSERT_TRUE(writer->write(0, data));
  for (const Extent& zero : Extents{{100, 50}, {5000, 200'000}, {kMiB, kMiB}, {4095, 4098}}) {
    ASSERT_TRUE(writer->write_zeros(zero.offset, zero.length));
    std::fill_n(data.begin() + static_cast<ptrdiff_t>(zero.offset), zero.length, std::byte{0});
  }
  ASSERT_TRUE(writer->sync());
  const auto reader = *open_block_reader(path_);
  EXPECT_EQ(reader->size(), 8 * kMiB);
  EXPECT_EQ(*reader->data_extents(), (Extents{{0, 8 * kMiB}}));
  ASSERT_TRUE(reader->read(0, out));
  EXPECT_EQ(out, data);
}

}  // namespace
}  // namespace breakwater::volume
