#include "datapath/tree_restore.h"

#include <sys/stat.h>

#include <fstream>

#include "base/file.h"
#include "tests/repo/harness.h"

namespace breakwater::datapath {
namespace {

using namespace repo;
using namespace repo::repo_test;
namespace fs = std::filesystem;

class RestoreTreeTest : public testing::Test, protected World {
 protected:
  void SetUp() override {
    init();
    repository_ = open();
    ASSERT_TRUE(repository_);
  }

  Node node(const std::string& name, const std::string& type) {
    Node made;
    made.name = name;
    made.type = type;
    made.mode = type == "dir" ? 0755 : 0644;
    made.mtime = made.atime = kStart;
    made.uid = ::getuid();
    made.gid = ::getgid();
    return made;
  }

  Node file(const std::string& name, const std::string& data) {
    Node made = node(name, "file");
    made.content.push_back(repository_->save_blob(BlobType::kData, as_bytes(data))->id);
    made.size = data.size();
    return made;
  }

  Node directory(const std::string& name, const Id& tree) {
    Node made = node(name, "dir");
    made.subtree = tree;
    return made;
  }

  Id tree(const Tree& nodes) { return repository_->save_tree(nodes)->id; }

  // Makes it the newest snapshot.
  std::string snapshot_of(const Id& root) {
    EXPECT_TRUE(repository_->flush());
    Snapshot snapshot;
    snapshot.time = kStart;
    snapshot.tree = root;
    snapshot.paths = {"/x"};
    return repository_->save_snapshot(snapshot)->to_string();
  }

  Result<TreeRestoreResult> restore(const Id& root, const std::string& path = "") {
    const TreeRestoreOptions options{.snapshot = snapshot_of(root), .path = path};
    return restore_tree(*repository_, target_, options, CancelToken());
  }

  TempDir outside_ = std::move(*TempDir::create(testing::TempDir(), "restore"));
  fs::path target_ = outside_.path() / "deep" / "target";
  std::unique_ptr<Repository> repository_;
};

TEST_F(RestoreTreeTest, RefusesNamesThatWouldEscape) {
  for (const std::string name : {"../evil", "..", ".", "a/b", "", "a\\u0000b"}) {
    const std::string text =
        "{\"nodes\":[{\"name\":\"good\",\"type\":\"file\",\"content\":[]},{\"name\":\"" + name +
        "\",\"type\":\"file\",\"content\":[]}]}\n";
    const Id root = repository_->save_blob(BlobType::kTree, as_bytes(text))->id;
    const auto restored = restore(root);
    ASSERT_FALSE(restored) << name;
    EXPECT_EQ(restored.error().code(), Code::kCorrupt);
    EXPECT_FALSE(fs::exists(target_ / "good"));
  }
  EXPECT_FALSE(fs::exists(outside_.path() / "deep" / "evil"));
}

TEST_F(RestoreTreeTest, NeverFollowsASymlink) {
  const fs::path elsewhere = outside_.path() / "elsewhere";
  fs::create_directories(elsewhere);
  fs::create_directories(target_);
  std::ofstream(elsewhere / "file") << "untouched";
  fs::create_directory_symlink(elsewhere, target_ / "sub");
  fs::create_symlink(elsewhere / "file", target_ / "file");
  const Id root = tree({file("file", "new"), directory("sub", tree({file("file", "evil")}))});
  const auto restored = restore(root);
  ASSERT_FALSE(restored);
  EXPECT_NE(restored.error().to_string().find("sub"), std::string::npos);
  EXPECT_EQ(read_file(elsewhere / "file").value(), "untouched");
  EXPECT_FALSE(fs::is_symlink(target_ / "file"));
  EXPECT_EQ(read_file(target_ / "file").value(), "new");
}

TEST_F(RestoreTreeTest, RestoresTypesModesTimesAndHardLinks) {
  Node script = file("script", "#!/bin/sh\n");
  script.mode = 0x00800000u | 0755;  // setuid in Go's notation
  Node one = file("one", "shared"), two = one;
  two.name = "two";
  one.links = two.links = 2;
  one.inode = two.inode = 77;
  Node link = node("link", "symlink");
  link.linktarget = "one\xff";
  Node secret = directory("secret", tree({file("inside", "x")}));
  secret.mode = 0x80000000u | 0x00100000u | 0700;
  const auto restored = restore(
      tree({node("fifo", "fifo"), link, one, script, secret, node("socket", "socket"), two}));
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_EQ(restored->files, 3u);
  EXPECT_EQ(restored->directories, 1u);
  EXPECT_EQ(restored->links, 2u);
  EXPECT_EQ(restored->others, 1u);
  EXPECT_TRUE(fs::is_fifo(target_ / "fifo"));
  ASSERT_EQ(restored->notes.size(), 1u);
  EXPECT_EQ(restored->notes[0], "/socket: a socket is not restored");
  struct stat info;
  ASSERT_EQ(::stat((target_ / "script").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 04755u);
  EXPECT_EQ(info.st_mtim.tv_sec, kStart.time_since_epoch() / std::chrono::seconds(1));
  ASSERT_EQ(::stat((target_ / "secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 01700u);
  EXPECT_EQ(info.st_mtim.tv_sec, kStart.time_since_epoch() / std::chrono::seconds(1));
  EXPECT_EQ(fs::hard_link_count(target_ / "one"), 2u);
  EXPECT_EQ(fs::read_symlink(target_ / "link").string(), "one\xff");
}

TEST_F(RestoreTreeTest, ReplacesWhatIsThereAndLeavesTheRest) {
  fs::create_directories(target_ / "sub");
  std::ofstream(target_ / "sub" / "file") << "much longer than the new content";
  std::ofstream(target_ / "sub" / "mine") << "kept";
  ASSERT_TRUE(restore(tree({directory("sub", tree({file("file", "new")}))})));
  EXPECT_EQ(read_file(target_ / "sub" / "file").value(), "new");
  EXPECT_EQ(read_file(target_ / "sub" / "mine").value(), "kept");
}

TEST_F(RestoreTreeTest, ZerosBecomeHoles) {
  Node sparse = file("sparse", std::string(256 << 10, '\0'));
  for (int i = 0; i < 30; ++i) sparse.content.push_back(sparse.content[0]);
  sparse.content.insert(sparse.content.begin(),
                        repository_->save_blob(BlobType::kData, as_bytes("head"))->id);
  ASSERT_TRUE(restore(tree({sparse})));
  struct stat info;
  ASSERT_EQ(::stat((target_ / "sparse").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 4 + 31 * (256 << 10));
  EXPECT_LT(info.st_blocks * 512, 64 << 10);
  EXPECT_EQ(read_file(target_ / "sparse")->substr(0, 6), std::string("head\0\0", 6));
}

TEST_F(RestoreTreeTest, RestoresOnlyWhatIsAskedFor) {
  const Id root =
      tree({directory("etc", tree({file("hosts", "localhost"), file("passwd", "root")})),
            file("top", "x")});
  ASSERT_TRUE(restore(root, "/etc/hosts"));
  EXPECT_TRUE(fs::exists(target_ / "etc" / "hosts"));
  EXPECT_FALSE(fs::exists(target_ / "etc" / "passwd"));
  EXPECT_FALSE(fs::exists(target_ / "top"));
  const auto missing = restore(root, "etc/shadow");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_EQ(restore(root, "top/below").error().code(), Code::kNotFound);
}

TEST_F(RestoreTreeTest, StopsWhenCancelledOrDamaged) {
  const Id root = tree({file("a", some_data(1, 5000))});
  ASSERT_TRUE(repository_->flush());
  CancelToken cancel;
  cancel.cancel();
  const TreeRestoreOptions options{.snapshot = snapshot_of(root), .path = ""};
  EXPECT_EQ(restore_tree(*repository_, target_, options, cancel).error().code(), Code::kCancelled);
  const Id blob{sha256(as_bytes(some_data(1, 5000)))};
  const Id pack = repository_->find(BlobType::kData, blob)->pack;
  const std::string key = "data/" + pack.to_string().substr(0, 2) + "/" + pack.to_string();
  Bytes bad = store->get(key).value();
  bad[100] ^= std::byte{1};
  ASSERT_TRUE(store->put(key, bad));
  const auto damaged = restore(root);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code(), Code::kCorrupt);
  EXPECT_NE(damaged.error().to_string().find(blob.to_string()), std::string::npos)
      << damaged.error().to_string();
  EXPECT_NE(damaged.error().to_string().find("/a"), std::string::npos);
}

}  // namespace
}  // namespace breakwater::datapath
