// Restores into real files, and the differences between what is there and what should be.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/datapath/harness.h"

namespace breakwater::datapath {
namespace {

using datapath_test::DatapathTest;
using datapath_test::kChunk;
using datapath_test::MemoryTarget;
using datapath_test::MemoryVolume;
using datapath_test::noise;

class VolumeFiles : public DatapathTest {
 protected:
  static uint64_t blocks(const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0);
    return static_cast<uint64_t>(status.st_blocks) * 512;
  }
  TempDir dir_ = *TempDir::create(std::filesystem::temp_directory_path(), "datapath");
};

TEST_F(VolumeFiles, ADirtyFileGetsTheContentAndTheHoles) {
  const auto path = dir_.path() / "source.img", target = dir_.path() / "target.img";
  constexpr uint64_t kSize = 1000 * kChunk + 13;
  {
    const auto writer = *volume::open_block_writer(path, kSize);
    ASSERT_TRUE(writer->write(10 * kChunk, noise(1, 100 * kChunk)));
    ASSERT_TRUE(writer->write(kSize - 9, noise(2, 9)));
  }
  const auto reader = *volume::open_block_reader(path);
  const auto result = *backup(*reader);
  EXPECT_LT(result.progress.bytes_read, 150 * kChunk);
  ASSERT_TRUE(write_file(target, as_text(noise(3, kSize))));
  {
    const auto writer = *volume::open_block_writer(target, kSize);
    ASSERT_TRUE(restore(*writer));
  }
  EXPECT_EQ(*read_file(target), *read_file(path));
  EXPECT_LT(blocks(target), 200 * kChunk);
}

TEST_F(VolumeFiles, OnlyDifferencesAreFetchedAndWritten) {
  MemoryVolume source(noise(1, 200 * kChunk + 1));
  source.write(20 * kChunk, Bytes(30 * kChunk));
  ASSERT_TRUE(backup(source));
  RestoreOptions how;
  how.only_differences = true;
  MemoryTarget target(source.content);
  auto result = *restore(target, how);
  EXPECT_EQ(target.written + target.zeroed, 0u);
  EXPECT_EQ(result.progress.bytes_moved, 0u);
  EXPECT_EQ(result.progress.bytes_done, source.size());

  target.content[100 * kChunk + 7] ^= std::byte{1};
  target.content[30 * kChunk] = std::byte{1};
  target.content.back() ^= std::byte{1};
  result = *restore(target, how);
  EXPECT_EQ(target.content, source.content);
  EXPECT_EQ(target.written, kChunk + 1);
  EXPECT_EQ(target.zeroed, kChunk);
  EXPECT_LT(result.progress.bytes_moved, 2 * kChunk);
  EXPECT_EQ(result.progress.bytes_done, source.size());
}

// What a restic with content-defined chunks stores: pieces of any length.
TEST_F(VolumeFiles, FilesCutInAnyWayAreRestored) {
  const Bytes content = noise(1, 100'000);
  repo::Id tree;
  {
    const auto opened = *repository.open();
    ASSERT_TRUE(opened->load_index());
    repo::Node node;
    node.name = "vm.img";
    node.size = content.size() + 5000;
    for (uint64_t at = 0, length = 1; at < content.size(); at += length, length = length * 2 + 1) {
      const ByteSpan rest = ByteSpan(content).subspan(at);
      const auto piece = rest.first(std::min<uint64_t>(length, rest.size()));
      node.content.push_back(opened->save_blob(repo::BlobType::kData, piece)->id);
    }
    node.content.push_back(opened->save_blob(repo::BlobType::kData, Bytes(5000))->id);
    repo::Snapshot snapshot;
    snapshot.tree = opened->save_tree({node})->id;
    snapshot.hostname = "vm-1";
    snapshot.paths = {"/disk.img"};
    ASSERT_TRUE(opened->flush());
    ASSERT_TRUE(opened->save_snapshot(snapshot));
  }
  MemoryTarget target(noise(2, 105'000));
  ASSERT_TRUE(restore(target));
  Bytes expected = content;
  expected.resize(105'000);
  EXPECT_EQ(target.content, expected);

  // Nor is it taken for a parent, though host and paths are the same.
  options.file_name = "vm.img";
  options.paths = {"/disk.img"};
  MemoryVolume source(expected);
  EXPECT_EQ(backup(source)->parent, std::nullopt);
}

}  // namespace
}  // namespace breakwater::datapath
