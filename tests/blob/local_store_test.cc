#include "blob/local_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/file.h"

namespace breakwater::blob {
namespace {

namespace fs = std::filesystem;

class LocalStoreTest : public testing::Test {
 protected:
  int mode_of(const fs::path& path) {
    struct stat info;
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return static_cast<int>(info.st_mode & 07777);
  }

  SystemRandom random_;
  TempDir directory_ = std::move(*TempDir::create(testing::TempDir(), "local"));
  fs::path root_ = directory_.path() / "store";
  std::unique_ptr<ObjectStore> store_ = make_local_store({.root = root_}, random_);
};

TEST_F(LocalStoreTest, CreatesNothingBeforeTheFirstPut) {
  EXPECT_EQ(store_->get("a").error().code(), Code::kNotFound);
  EXPECT_TRUE(store_->list("")->objects.empty());
  EXPECT_TRUE(store_->remove("a/b"));
  EXPECT_FALSE(fs::exists(root_));
}

TEST_F(LocalStoreTest, KeepsObjectsFromOtherUsers) {
  ASSERT_TRUE(store_->put("data/aa/x", as_bytes("x")));
  EXPECT_EQ(mode_of(root_ / "data/aa/x"), 0600);
  EXPECT_EQ(mode_of(root_ / "data"), 0700);
  const auto read_only = make_local_store({.root = root_, .file_mode = 0400}, random_);
  ASSERT_TRUE(read_only->put("data/aa/y", as_bytes("y")));
  ASSERT_TRUE(read_only->put("data/aa/y", as_bytes("z")));
  EXPECT_EQ(mode_of(root_ / "data/aa/y"), 0400);
}

TEST_F(LocalStoreTest, LeavesNoTemporaryFiles) {
  ASSERT_TRUE(store_->put("folder/a", as_bytes("x")));
  ASSERT_TRUE(store_->put_new("folder/b", as_bytes("x")));
  ASSERT_FALSE(store_->put_new("folder/b", as_bytes("y")));
  ASSERT_FALSE(store_->put("folder", as_bytes("over a directory")));
  ASSERT_FALSE(store_->put("folder/a/below", as_bytes("below a file")));
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 2);
}

TEST_F(LocalStoreTest, IgnoresHalfWrittenObjectsOfACrash) {
  ASSERT_TRUE(store_->put("data/aa/x", as_bytes("x")));
  std::ofstream(root_ / "data/aa/y-tmp-00ff00ff00ff00ff") << "half";
  std::ofstream(root_ / "data/aa/z-tmp-123456789") << "half, by restic";
  EXPECT_EQ(store_->list("")->objects.size(), 1u);
  EXPECT_EQ(store_->put("data/aa/y-tmp-00ff", {}).error().code(), Code::kInvalid);
  ASSERT_TRUE(store_->remove("data/aa/x"));
  EXPECT_TRUE(store_->list("", true)->prefixes.empty());
}

TEST_F(LocalStoreTest, RemovesDirectoriesWithTheirLastObject) {
  ASSERT_TRUE(store_->put("backups/one/log", as_bytes("x")));
  ASSERT_TRUE(store_->put("backups/two/log", as_bytes("x")));
  ASSERT_TRUE(store_->remove("backups/one/log"));
  EXPECT_FALSE(fs::exists(root_ / "backups/one"));
  EXPECT_TRUE(fs::exists(root_ / "backups/two"));
  ASSERT_TRUE(store_->remove("backups/two/log"));
  EXPECT_FALSE(fs::exists(root_ / "backups"));
  EXPECT_TRUE(fs::exists(root_));
  // What somebody opened to a group stays.
  ASSERT_TRUE(store_->put("locks/one", as_bytes("x")));
  fs::permissions(root_ / "locks", fs::perms(0770));
  ASSERT_TRUE(store_->remove("locks/one"));
  EXPECT_EQ(mode_of(root_ / "locks"), 0770);
}

TEST_F(LocalStoreTest, NamesThePathItCannotWrite) {
  std::ofstream(directory_.path() / "file") << "x";
  const auto store = make_local_store({.root = directory_.path() / "file"}, random_);
  const auto done = store->put("a/b", as_bytes("x"));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().to_string().find("file"), std::string::npos);
}

TEST_F(LocalStoreTest, PreparesItsDirectoryOrSaysWhyNot) {
  ASSERT_TRUE(store_->prepare_writing());
  EXPECT_EQ(mode_of(root_), 0700);
  ASSERT_TRUE(store_->prepare_writing());
  std::ofstream(directory_.path() / "file") << "x";
  for (const fs::path& root : {directory_.path() / "file", directory_.path() / "file/below/it",
                               fs::path("/proc/breakwater/bucket")}) {
    auto store = prefixed_store(make_local_store({.root = root}, random_), "cls1");
    const auto prepared = store->prepare_writing();
    ASSERT_FALSE(prepared) << root;
    EXPECT_NE(prepared.error().to_string().find(root.string()), std::string::npos)
        << prepared.error().to_string();
  }
}

}  // namespace
}  // namespace breakwater::blob
