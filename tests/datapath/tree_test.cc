#include <gtest/gtest.h>

#include "base/file.h"
#include "datapath/tree_backup.h"
#include "datapath/tree_restore.h"
#include "tests/datapath/harness.h"
#include "tests/datapath/tree_files.h"

namespace breakwater::datapath_test {
namespace {

namespace fs = std::filesystem;
using namespace tree_files;

class TreeTest : public DatapathTest {
 protected:
  TreeTest() { fs::create_directory(source); }

  Result<datapath::TreeBackupResult> back_up(const CancelToken& cancel = {},
                                             const datapath::OnProgress& progress = {}) {
    const auto opened = TRY(repository.open());
    repository.clock.advance(std::chrono::seconds(1));
    return datapath::backup_tree(*opened, repository.clock, how, cancel, progress);
  }
  datapath::TreeBackupResult must_back_up() {
    auto result = back_up();
    EXPECT_TRUE(result) << result.error().to_string();
    return result.value_or(datapath::TreeBackupResult());
  }
  Result<datapath::TreeRestoreResult> restore_to(const fs::path& to,
                                                 const datapath::TreeRestoreOptions& what) {
    const auto opened = TRY(repository.open());
    return datapath::restore_tree(*opened, to, what, {});
  }
  datapath::TreeRestoreResult must_restore(const fs::path& to) {
    datapath::TreeRestoreOptions what;
    what.as_volume = what.exact = true;
    auto result = restore_to(to, what);
    EXPECT_TRUE(result) << result.error().to_string();
    return result.value_or(datapath::TreeRestoreResult());
  }

  TempDir directory = std::move(*TempDir::create(testing::TempDir(), "tree"));
  fs::path source = directory.path() / "source", target = directory.path() / "target";
  datapath::TreeBackupOptions how{.sources = {{source, "/shop/disk"}},
                                  .hostname = "cluster",
                                  .paths = {"/shop/disk"},
                                  .tags = {},
                                  .parent = {}};
};

TEST_F(TreeTest, EverythingComesBack) {
  make_everything(source);
  const auto stored = must_back_up();
  EXPECT_EQ(stored.files, 7u);
  EXPECT_EQ(stored.progress.bytes_done, stored.progress.total_bytes);
  EXPECT_LT(stored.progress.bytes_read, 9'000'000u);  // not the hole
  const auto restored = must_restore(target);
  EXPECT_TRUE(restored.notes.empty()) << restored.notes.front();
  expect_equal(source, target);
  expect_sound();
}

TEST_F(TreeTest, UnchangedFilesAreNotReadAgain) {
  make_everything(source);
  const auto first = must_back_up();
  write_text(source / "hello", "HELLO\n");
  write_text(source / "new", "new");
  const auto second = must_back_up();
  EXPECT_EQ(second.parent, first.snapshot);
  EXPECT_EQ(second.progress.total_bytes, first.progress.total_bytes + 3);
  EXPECT_EQ(second.progress.bytes_read, 6u + 6u + 3u);  // hello has two names
  EXPECT_EQ(second.progress.bytes_done, second.progress.total_bytes);
  must_restore(target);
  expect_equal(source, target);
  how.parent = "none";
  EXPECT_GT(must_back_up().progress.bytes_read, 5'000'000u);
  how.parent = first.snapshot.to_string();
  EXPECT_EQ(must_back_up().progress.bytes_read, 15u);
}

TEST_F(TreeTest, AnyOfSizeTimesAndInodeMakesAFileChanged) {
  write_text(source / "file", "one");
  must_back_up();
  // Same size and modification time, other content: the change time tells.
  struct stat before {};
  ASSERT_EQ(::stat((source / "file").c_str(), &before), 0);
  write_text(source / "file", "two");
  set_time(source / "file", before.st_mtim.tv_sec, before.st_mtim.tv_nsec);
  EXPECT_EQ(must_back_up().progress.bytes_read, 3u);
  must_restore(target);
  EXPECT_EQ(read_file(target / "file").value(), "two");
}

TEST_F(TreeTest, ADamagedParentOnlyCostsReading) {
  make_everything(source);
  must_back_up();
  for (const auto& pack : stored("data/")) {
    if (pack.size > 20'000) {
      ASSERT_TRUE(store->remove(pack.key));
    }
  }
  for (const auto& index : stored("index/")) ASSERT_TRUE(store->remove(index.key));
  const auto again = must_back_up();
  EXPECT_GT(again.progress.bytes_read, 5'000'000u);
  must_restore(target);
  expect_equal(source, target);
}

TEST_F(TreeTest, AVolumeBecomesExactlyTheSnapshot) {
  make_everything(source);
  must_back_up();
  // What was there before: other types under the same names, extra files, other attributes.
  fs::create_directories(target / "hello" / "was a directory");
  fs::create_directories(target / "extra" / "deep");
  fs::create_directories(target / "lost+found" / "inode 12");
  write_text(target / "extra" / "deep" / "file", "x");
  write_text(target / "sub", "was a file");
  write_text(target / "fifo", "was a file");
  fs::create_symlink("/etc/passwd", target / "sparse");
  set_attribute(target, "user.old", "goes");
  must_restore(target);
  EXPECT_TRUE(fs::exists(target / "lost+found" / "inode 12"));
  fs::remove_all(target / "lost+found");
  set_time(target, 1'600'008'000, 123'456'789);
  expect_equal(source, target);
}

TEST_F(TreeTest, LostAndFoundAtTheTopIsNobodysData) {
  fs::create_directories(source / "lost+found" / "x");
  fs::create_directories(source / "mine" / "lost+found" / "y");
  how.skip_lost_and_found = true;
  must_back_up();
  must_restore(target);
  EXPECT_FALSE(fs::exists(target / "lost+found"));
  EXPECT_TRUE(fs::exists(target / "mine" / "lost+found" / "y"));
}

TEST_F(TreeTest, AnInterruptedRestoreFetchesOnlyTheRest) {
  write_text(source / "a", noise_text(1, 3'000'000));
  write_text(source / "b", noise_text(2, 3'000'000));
  must_back_up();
  fs::create_directory(target);
  fs::copy_file(source / "a", target / "a");
  std::string half = noise_text(2, 3'000'000);
  std::fill(half.begin() + 2'500'000, half.end(), '\0');
  write_text(target / "b", half);
  const auto restored = must_restore(target);
  EXPECT_LT(restored.progress.bytes_moved, 3'100'000u);  // of b alone
  EXPECT_GT(restored.progress.bytes_moved, 400'000u);
  expect_equal(source, target);
}

TEST_F(TreeTest, WhatCannotBeReadIsAnErrorThatNamesIt) {
  fs::create_directories(source / "sub");
  write_text(source / "sub" / "fine", "x");
  const fs::path bad = source / "sub" / "unreadable";
  write_text(bad, noise_text(1, 100));
  ASSERT_EQ(::truncate(bad.c_str(), 100), 0);
  if (::geteuid() == 0) {  // root reads everything; a directory that is too deep it does not
    fs::path deep = source / "sub";
    for (int i = 0; i < 410; ++i) deep /= "d";
    fs::create_directories(deep);
  } else {
    ASSERT_EQ(::chmod(bad.c_str(), 0), 0);
  }
  const auto failed = back_up();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().to_string().find((source / "sub").string()), std::string::npos)
      << failed.error().to_string();
  EXPECT_EQ(snapshot_count(), 0u);
}

TEST_F(TreeTest, CancelLeavesNoSnapshotAndTheNextRunUsesWhatIsThere) {
  for (int i = 0; i < 40; ++i) {
    write_text(source / std::to_string(i), noise_text(static_cast<uint64_t>(i), 300'000));
  }
  CancelToken cancel;
  int ticks = 0;
  const auto progress = [&](const datapath::Progress& p) {
    if (p.bytes_read > 0 && ++ticks > 0) cancel.cancel();
  };
  repository.clock.advance(std::chrono::hours(1));
  auto result = back_up(cancel, progress);
  if (!result) {  // it may have been quicker than the first tick
    EXPECT_EQ(result.error().code(), Code::kCancelled);
    EXPECT_EQ(snapshot_count(), 0u);
  }
  must_back_up();
  must_restore(target);
  expect_equal(source, target);
  expect_sound();
}

TEST_F(TreeTest, SourcesStandSideBySideInOneSnapshot) {
  fs::create_directories(source / "one");
  write_text(source / "one" / "file", "1");
  write_text(source / "two", "2");
  how.sources = {{source / "one", "/a/one"}, {source / "two", "/a/b/two"}};
  how.paths = {};
  must_back_up();
  ASSERT_TRUE(restore_to(target, {}));
  EXPECT_EQ(read_file(target / "a" / "one" / "file").value(), "1");
  EXPECT_EQ(read_file(target / "a" / "b" / "two").value(), "2");
  how.sources = {{source, "/a"}, {source / "one", "/a/one"}};
  const auto nested = back_up();
  ASSERT_FALSE(nested);
  EXPECT_NE(nested.error().to_string().find("/a"), std::string::npos);
}

TEST_F(TreeTest, ManySmallFilesNeedFewReads) {
  for (int i = 0; i < 600; ++i) {
    write_text(source / std::to_string(i), "content " + std::to_string(i));
  }
  must_back_up();
  const auto restored = must_restore(target);
  EXPECT_EQ(restored.files, 600u);
  expect_equal(source, target);
}

}  // namespace
}  // namespace breakwater::datapath_test
