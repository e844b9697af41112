// Directories: what we store restic checks and restores, what restic stores we restore, and each
// finds what the other has stored already.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>

#include "base/file.h"
#include "base/json.h"
#include "blob/local_store.h"
#include "datapath/tree_backup.h"
#include "datapath/tree_restore.h"
#include "tests/datapath/tree_files.h"

namespace breakwater::datapath {
namespace {

namespace fs = std::filesystem;

class ResticAndTrees : public testing::Test {
 protected:
  void SetUp() override {
    tree_files::make_everything(source());
    tree_files::write_text(source() / "text", text_of(3'000'000));
    // Of symlinks restic 0.14 knows neither attributes nor targets that are not UTF-8.
    fs::remove(source() / "sub" / "link");
    fs::create_symlink("../nowhere", source() / "sub" / "link");
    for (const char* name : {"sub/link", "sub", "."}) {
      tree_files::set_time(source() / name, 1'600'000'000, 5);
    }
  }

  // Repeats itself, so that chunks are long, up to the longest there is.
  static std::string text_of(size_t size) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 7);
    return text;
  }
  fs::path source() const { return dir_.path() / "source"; }
  fs::path repository_path() const { return dir_.path() / "repo"; }

  int restic(const std::string& arguments) {
    const std::string command = "TZ=UTC RESTIC_PASSWORD=interop restic --no-cache -r " +
                                repository_path().string() + " " + arguments + " > " +
                                (dir_.path() / "out").string() + " 2> " +
                                (dir_.path() / "err").string();
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
  void expect_restic(const std::string& arguments) {
    EXPECT_EQ(restic(arguments), 0) << arguments << "\n" << output("out") << output("err");
  }
  std::string output(const std::string& name) { return *read_file(dir_.path() / name); }
  // The summary of a `restic backup --json`.
  Json restic_backup(const std::string& arguments) {
    expect_restic("backup --json --host tester " + arguments + " " + source().string());
    std::string text = output("out");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return parse_json(text.substr(text.rfind('\n') + 1)).value_or(Json());
  }

  std::unique_ptr<repo::Repository> open() {
    store_ = blob::make_local_store({repository_path(), 0600, false}, random_);
    const repo::Environment outside{*store_, clock_, random_, {}, "tester", "root"};
    if (!*repo::Repository::exists(*store_)) {
      EXPECT_TRUE(repo::Repository::init(outside, "interop", {1024, 8, 1}));
    }
    return *repo::Repository::open(outside, "interop", {});
  }
  TreeBackupResult our_backup(const std::optional<std::string>& parent = {}) {
    TreeBackupOptions options;
    options.sources = {{source(), source().string()}};
    options.hostname = "tester";
    options.parent = parent;
    const auto result = backup_tree(*open(), clock_, options, {});
    EXPECT_TRUE(result) << result.error().to_string();
    return result.value_or(TreeBackupResult());
  }
  void expect_restored_by_both() {
    TreeRestoreOptions options;
    options.as_volume = options.exact = true;
    const auto restored = restore_tree(*open(), dir_.path() / "ours", options, {});
    ASSERT_TRUE(restored) << restored.error().to_string();
    tree_files::expect_equal(source(), dir_.path() / "ours");
    expect_restic("restore latest --target " + (dir_.path() / "theirs").string());
    auto expected = tree_files::describe_directory(source());
    auto theirs = tree_files::describe_directory(dir_.path() / "theirs" / source().relative_path());
    for (auto* files : {&expected, &theirs}) {  // restic makes no holes unless told to
      for (auto& [name, line] : *files) {
        if (const size_t at = line.find(" sparse"); at != line.npos) line.erase(at, 7);
      }
    }
    EXPECT_EQ(theirs, expected);
    expect_restic("check --read-data");
  }

  TempDir dir_ = *TempDir::create(fs::temp_directory_path(), "trees");
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<blob::ObjectStore> store_;
};

TEST_F(ResticAndTrees, ResticGoesOnWhereWeStopped) {
  const auto ours = our_backup();
  ASSERT_GT(ours.progress.bytes_read, 8'000'000u);
  expect_restored_by_both();
  // Our snapshot is the parent: nothing is read again.
  const Json next = restic_backup("");
  EXPECT_EQ(next["files_unmodified"].as_int(), 8);
  EXPECT_EQ(next["data_blobs"].as_int(), 0);
  EXPECT_EQ(next["files_changed"].as_int() + next["files_new"].as_int(), 0);
  // Read again all the same, every file is cut where we cut it.
  const Json forced = restic_backup("--force");
  EXPECT_EQ(forced["files_new"].as_int(), 8);
  EXPECT_EQ(forced["data_blobs"].as_int(), 0);
  EXPECT_LT(forced["data_added"].as_int(), 20'000);
  expect_restic("check --read-data");
}

TEST_F(ResticAndTrees, WeGoOnWhereResticStopped) {
  expect_restic("init");
  restic_backup("");
  expect_restored_by_both();
  const auto next = our_backup();
  EXPECT_TRUE(next.parent);
  EXPECT_EQ(next.progress.bytes_read, 0u);
  EXPECT_LT(next.progress.bytes_moved, 20'000u);
  const auto forced = our_backup("none");
  EXPECT_GT(forced.progress.bytes_read, 8'000'000u);
  EXPECT_LT(forced.progress.bytes_moved, 20'000u);
  expect_restic("check --read-data");
}

}  // namespace
}  // namespace breakwater::datapath
