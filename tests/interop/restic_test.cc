// Debian's restic and we work on the same repositories, both ways.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "blob/local_store.h"
#include "datapath/tree_restore.h"
#include "repo/repository.h"
#include "repo/tree.h"

namespace breakwater::repo {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPassword = "correct horse";
constexpr size_t kChunk = 512 * 1024;

struct Outcome {
  int code = 0;
  std::string output;
};

Outcome run_command(const std::string& command) {
  Outcome outcome;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return {127, "popen failed"};
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    outcome.output.append(buffer, n);
  }
  const int status = ::pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return outcome;
}

// Deterministic content: a third noise, a third text, a third zeros.
std::string content_of(size_t size, uint64_t seed) {
  SeededRandom random(seed);
  std::string data(size, '\0');
  for (size_t i = 0; i < size / 3; ++i) data[i] = static_cast<char>(random.next());
  for (size_t i = size / 3; i < 2 * (size / 3); ++i) data[i] = "breakwater "[i % 11];
  return data;
}

class ResticTest : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome version = run_command("restic version");
    ASSERT_EQ(version.code, 0) << "this test needs restic: install the Debian package \"restic\"";
    fs::create_directories(scratch("cache"));
  }

  fs::path scratch(const std::string& name) const { return directory_.path() / name; }

  Outcome restic(const std::string& arguments, const std::string& password = kPassword) {
    return run_command("TZ=UTC RESTIC_CACHE_DIR=" + scratch("cache").string() +
                       " RESTIC_PASSWORD='" + password + "' restic -r " + scratch("repo").string() +
                       " " + arguments);
  }

  void expect_restic(const std::string& arguments) {
    const Outcome outcome = restic(arguments);
    EXPECT_EQ(outcome.code, 0) << "restic " << arguments << "\n" << outcome.output;
  }

  Environment environment() { return {*store_, clock_, random_, Logger(), "vm-host", "mover"}; }

  void init() {
    ASSERT_TRUE(Repository::init(environment(), kPassword, {.n = 1024, .r = 8, .p = 1}));
  }

  std::unique_ptr<Repository> open(Settings settings = {},
                                   const std::string& password = kPassword) {
    auto opened = Repository::open(environment(), password, settings);
    EXPECT_TRUE(opened) << opened.error().to_string();
    if (!opened) return nullptr;
    const auto loaded = (*opened)->load_index();
    EXPECT_TRUE(loaded) << loaded.error().to_string();
    return std::move(*opened);
  }

  void expect_clean() {
    auto repository = open();
    ASSERT_TRUE(repository);
    const auto report = repository->check(true, CancelToken());
    ASSERT_TRUE(report) << report.error().to_string();
    EXPECT_TRUE(report->errors.empty()) << report->errors.front();
    EXPECT_GT(report->blobs, 0u);
  }

  // Stores `data` in chunks and returns its node.
  Node save_file(Repository& repository, const std::string& name, const std::string& data) {
    Node node;
    node.name = name;
    node.mode = 0640;
    node.mtime = node.atime = node.ctime = clock_.now();
    node.uid = ::getuid();
    node.gid = ::getgid();
    node.size = data.size();
    for (size_t at = 0; at < data.size(); at += kChunk) {
      const auto saved = repository.save_blob(BlobType::kData, as_bytes(data.substr(at, kChunk)));
      EXPECT_TRUE(saved) << saved.error().to_string();
      node.content.push_back(saved->id);
    }
    return node;
  }

  Id save_tree(Repository& repository, const Tree& tree) {
    const auto saved = repository.save_tree(tree);
    EXPECT_TRUE(saved) << saved.error().to_string();
    return saved->id;
  }

  // A volume, a directory with odd names, a link.
  Id save_sample(Repository& repository, const std::string& disk) {
    Node odd_directory = save_file(repository, "a dir \"quoted\" <&>", "");
    odd_directory.type = "dir";
    odd_directory.mode = 0x80000000u | 0755;
    Node link = odd_directory;
    link.name = "link";
    link.type = "symlink";
    link.mode = 0x08000000u | 0777;
    link.linktarget = "disk.img";
    Tree inner;
    for (const char* name :
         {"empty", "new\nline", "tab\there", "\xc3\xa4\xe2\x82\xac", "\xff\xfe raw"}) {
      inner.push_back(save_file(repository, name, std::string(name) == "empty" ? "" : name));
    }
    odd_directory.subtree = save_tree(repository, inner);
    const Id root =
        save_tree(repository, {odd_directory, save_file(repository, "disk.img", disk), link});
    EXPECT_TRUE(repository.flush());
    Snapshot snapshot;
    snapshot.time = clock_.now();
    snapshot.tree = root;
    snapshot.paths = {"/vm-1/disk-0"};
    snapshot.hostname = "vm-1";
    snapshot.username = "mover";
    snapshot.tags = {"cluster:c1", "nightly"};
    snapshot.program_version = "breakwater 0.1.0";
    snapshot.summary.emplace();
    const auto id = repository.save_snapshot(snapshot);
    EXPECT_TRUE(id);
    return *id;
  }

  // Files that restic backs up: what a directory may hold.
  fs::path make_source() {
    const fs::path source = scratch("source");
    fs::create_directories(source / "sub" / "deeper");
    const auto write = [&](const std::string& name, const std::string& data) {
      std::ofstream(source / name, std::ios::binary) << data;
    };
    write("big", content_of(5 << 20, 3));
    write("empty", "");
    write("sub/\xc3\xa4\xc3\xb6\xe2\x82\xac", "non-ASCII");
    write("sub/quote\" back\\slash", "odd");
    write("sub/control\x01\x7f\n", "odder");
    write("sub/invalid\xff\xfe", "not UTF-8");
    write("sub/html <b>&amp;", "escaped by Go");
    write(
        "sub/no\xc2\xa0"
        "break \xe2\x80\xa8 \xe2\x80\x8b",
        "not printable for Go");
    write("sub/\xf0\x9f\x90\xb3", "beyond the BMP");
    fs::create_symlink("../big", source / "sub/link");
    fs::create_symlink("dangling \xc3\xa4 <&>", source / "sub/dangling");
    fs::create_hard_link(source / "big", source / "sub/deeper/hard");
    write("sparse", "head");
    fs::resize_file(source / "sparse", 4 << 20);
    fs::permissions(source / "sub/deeper", fs::perms(01751));
    fs::permissions(source / "empty", fs::perms(04755));
    EXPECT_EQ(::mkfifo((source / "fifo").c_str(), 0600), 0);
    return source;
  }

  void expect_same(const fs::path& expected, const fs::path& actual) {
    const std::string both = "'" + expected.string() + "' '" + actual.string() + "'";
    const Outcome diff = run_command("diff -r --no-dereference --exclude=fifo " + both);
    EXPECT_EQ(diff.code, 0) << diff.output;
    const auto listing = [](const fs::path& path) {
      return run_command("cd '" + path.string() +
                         "' && find . ! -name fifo -printf '%P|%y|%m|%n|%T@|%l\\n' | LC_ALL=C sort")
          .output;
    };
    EXPECT_EQ(listing(expected), listing(actual));
  }

  TempDir directory_ = std::move(*TempDir::create(testing::TempDir(), "restic"));
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<blob::ObjectStore> store_ =
      blob::make_local_store({.root = directory_.path() / "repo", .sync = false}, random_);
};

TEST_F(ResticTest, ChecksListsDumpsAndRestoresWhatWeWrite) {
  init();
  const std::string disk = content_of(9 * kChunk + 12345, 1);
  {
    const auto repository = open({.pack_size = 1 << 20});
    save_sample(*repository, disk);
  }
  expect_restic("check --read-data");
  std::ofstream(scratch("disk.img"), std::ios::binary) << disk;
  expect_restic("dump latest /disk.img > " + scratch("dumped").string());
  EXPECT_EQ(
      run_command("cmp " + scratch("disk.img").string() + " " + scratch("dumped").string()).output,
      "");
  expect_restic("restore latest --target " + scratch("restored").string());
  EXPECT_EQ(run_command("cmp " + scratch("disk.img").string() + " " +
                        (scratch("restored") / "link").string())
                .output,
            "");
  const fs::path odd = scratch("restored") / "a dir \"quoted\" <&>";
  for (const char* name : {"new\nline", "tab\there", "\xc3\xa4\xe2\x82\xac", "\xff\xfe raw"}) {
    EXPECT_EQ(read_file(odd / name).value_or("missing"), name);
  }
  EXPECT_EQ(fs::file_size(odd / "empty"), 0u);
}

TEST_F(ResticTest, ShowsTheMetadataOfOurSnapshots) {
  init();
  const Id id = save_sample(*open(), "small");
  const Outcome listed = restic("snapshots --json");
  ASSERT_EQ(listed.code, 0) << listed.output;
  const auto json = parse_json(listed.output.substr(0, listed.output.find('\n')));
  ASSERT_TRUE(json) << listed.output;
  ASSERT_EQ(json->size(), 1u);
  const Json& snapshot = (*json)[0];
  EXPECT_EQ(snapshot["id"].as_string(), id.to_string());
  EXPECT_EQ(snapshot["hostname"].as_string(), "vm-1");
  EXPECT_EQ(snapshot["username"].as_string(), "mover");
  EXPECT_EQ(snapshot["paths"][0].as_string(), "/vm-1/disk-0");
  EXPECT_EQ(snapshot["tags"][1].as_string(), "nightly");
  EXPECT_EQ(restic("snapshots --tag nightly --host vm-1 --path /vm-1/disk-0 --json").output,
            listed.output);
}

TEST_F(ResticTest, AcceptsEveryCompression) {
  init();
  int seed = 10;
  for (const Compression compression :
       {Compression::kOff, Compression::kFastest, Compression::kAuto, Compression::kBetter,
        Compression::kMax}) {
    save_sample(*open({.compression = compression}), content_of(2 * kChunk + 77, ++seed));
  }
  expect_restic("check --read-data");
  expect_clean();
}

TEST_F(ResticTest, WeRestoreWhatResticWrites) {
  const fs::path source = make_source();
  expect_restic("init");
  expect_restic("backup --compression off " + source.string());
  std::ofstream(source / "big", std::ios::app | std::ios::binary) << content_of(1 << 20, 4);
  expect_restic("backup --compression max --tag second " + source.string());
  expect_clean();

  const auto repository = open();
  const auto snapshots = repository->snapshots();
  ASSERT_TRUE(snapshots);
  ASSERT_EQ(snapshots->size(), 2u);
  EXPECT_EQ((*snapshots)[1].tags, std::vector<std::string>{"second"});
  EXPECT_EQ((*snapshots)[1].parent, (*snapshots)[0].id);
  datapath::TreeRestoreOptions options;
  options.path = source.string();
  const auto restored =
      datapath::restore_tree(*repository, scratch("restored"), options, CancelToken());
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_EQ(restored->others, 1u);  // a fifo
  const fs::path copy = scratch("restored") / source.relative_path();
  expect_same(source, copy);
  struct stat sparse;
  ASSERT_EQ(::stat((copy / "sparse").c_str(), &sparse), 0);
  EXPECT_LT(sparse.st_blocks * 512, 2 << 20);
  // restic restores the same.
  expect_restic("restore latest --target " + scratch("by-restic").string());
  expect_same(scratch("by-restic") / source.relative_path(), copy);
}

TEST_F(ResticTest, TreesKeepTheirIdsWhenWeWriteThem) {
  const fs::path source = make_source();
  init();
  expect_restic("backup " + source.string());
  const auto repository = open();
  std::vector<Id> waiting{repository->snapshots()->at(0).tree};
  int trees = 0;
  while (!waiting.empty()) {
    const Id id = waiting.back();
    waiting.pop_back();
    const auto tree = repository->load_tree(id);
    ASSERT_TRUE(tree) << tree.error().to_string();
    const auto saved = repository->save_tree(*tree);
    ASSERT_TRUE(saved);
    EXPECT_EQ(saved->id, id) << *encode_tree(*tree) << "\n"
                             << as_text(*repository->load_blob(BlobType::kTree, id));
    ++trees;
    for (const Node& node : *tree) {
      if (node.subtree) waiting.push_back(*node.subtree);
    }
  }
  EXPECT_GE(trees, 4);
}

TEST_F(ResticTest, VersionOneCanBeReadAndWritten) {
  const fs::path source = make_source();
  expect_restic("init --repository-version 1");
  expect_restic("backup " + source.string());
  {
    const auto repository = open();
    EXPECT_EQ(repository->version(), 1);
    const auto lock = repository->lock(false);
    ASSERT_TRUE(lock);
    save_sample(*repository, content_of(kChunk + 5, 6));
  }
  expect_clean();
  expect_restic("check --read-data");
}

TEST_F(ResticTest, ForgetsAndPrunesOurSnapshots) {
  init();
  for (int i = 0; i < 3; ++i) {
    save_sample(*open({.pack_size = 1 << 20}),
                content_of(4 * kChunk, 20 + static_cast<uint64_t>(i)));
  }
  expect_restic("forget --keep-last 1 --prune --max-unused 0");
  expect_clean();
  const auto repository = open();
  ASSERT_EQ(repository->snapshots()->size(), 1u);
  const auto tree = repository->load_tree(repository->snapshots()->at(0).tree);
  ASSERT_TRUE(tree);
  std::string disk;
  for (const Id& id : (*tree)[1].content) {
    disk += as_text(repository->load_blob(BlobType::kData, id).value());
  }
  EXPECT_EQ(disk, content_of(4 * kChunk, 22));
}

TEST_F(ResticTest, BacksUpIntoOurRepositoryAndFindsOurBlobs) {
  init();
  const std::string disk = content_of(kChunk, 30);
  save_sample(*open(), disk);
  fs::create_directories(scratch("vm"));
  std::ofstream(scratch("vm") / "disk.img", std::ios::binary) << disk;
  expect_restic("backup --host vm-1 " + scratch("vm").string());
  expect_restic("check --read-data");
  expect_clean();
  // 512 KiB is one chunk for restic's chunker too.
  const auto found = open()->find(BlobType::kData, Id{sha256(as_bytes(disk))});
  EXPECT_TRUE(found);
}

TEST_F(ResticTest, RespectsLocksBothWays) {
  init();
  const auto repository = open();
  save_sample(*repository, "small");
  {
    const auto exclusive = repository->lock(true);
    ASSERT_TRUE(exclusive) << exclusive.error().to_string();
    const Outcome refused = restic("snapshots");
    EXPECT_NE(refused.code, 0);
    EXPECT_NE(refused.output.find("locked"), std::string::npos) << refused.output;
    EXPECT_NE(refused.output.find("vm-host"), std::string::npos) << refused.output;
  }
  {
    const auto shared = repository->lock(false);
    ASSERT_TRUE(shared);
    expect_restic("snapshots");
    EXPECT_NE(restic("check").code, 0);
  }
  expect_restic("check");
  // A backup that waits for its input holds restic's lock.
  FILE* backup =
      ::popen(("RESTIC_PASSWORD='" + std::string(kPassword) + "' restic --no-cache -r " +
               scratch("repo").string() + " backup --stdin > " + scratch("log").string() + " 2>&1")
                  .c_str(),
              "w");
  ASSERT_TRUE(backup);
  for (int i = 0; i < 100 && store_->list("locks/")->objects.empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(repository->lock(false));
  const auto conflict = repository->lock(true);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code(), Code::kConflict);
  EXPECT_NE(conflict.error().to_string().find("locked by process"), std::string::npos);
  EXPECT_EQ(*repository->unlock(false), 0);
  std::fputs("data", backup);
  EXPECT_EQ(::pclose(backup), 0) << read_file(scratch("log")).value_or("");
  EXPECT_TRUE(repository->lock(true));
  EXPECT_EQ(store_->list("locks/")->objects.size(), 0u);
}

TEST_F(ResticTest, PasswordsChangeByResticKeys) {
  init();
  save_sample(*open(), "small");
  std::ofstream(scratch("new-password")) << "battery staple";
  expect_restic("key add --new-password-file " + scratch("new-password").string());
  EXPECT_TRUE(open({}, "battery staple"));
  EXPECT_TRUE(open());
  const auto wrong = Repository::open(environment(), "neither", {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), Code::kForbidden);
  EXPECT_EQ(wrong.error().to_string().find("neither"), std::string::npos);
}

}  // namespace
}  // namespace breakwater::repo
