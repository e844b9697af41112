#include "datapath/worker.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/datapath/harness.h"

namespace breakwater::datapath {
namespace {

using datapath_test::noise;

class Worker : public ::testing::Test {
 protected:
  Worker() {
    config.location = {blob::kLocalProvider,
                       "bucket",
                       "prefix/restic/c1/ns",
                       {{"path", (dir.path() / "store").string()}},
                       ""};
    config.password = "secret";
    config.volume = dir.path() / "disk.img";
    config.hostname = "ns/vm-1";
    config.init_if_missing = true;
  }

  Result<Json> run(const EmitProgress& emit = {}) {
    WorkerEnvironment environment{
        clock, random, {}, "pod-1", "breakwater", [this](const blob::StoreLocation& location) {
          return blob::open_store(location, random);
        }};
    environment.kdf = {1024, 8, 1};
    environment.settings.lock_recheck = std::chrono::milliseconds(1);
    clock.advance(std::chrono::seconds(1));
    return run_worker(config, environment, {}, emit);
  }
  void fill(uint64_t seed) {
    ASSERT_TRUE(write_file(config.volume, as_text(noise(seed, 3'000'000))));
  }
  Result<Json> restore_to(const std::string& name) {
    config.operation = WorkerConfig::Operation::kRestore;
    config.volume = dir.path() / name;
    return run();
  }

  TempDir dir = *TempDir::create(std::filesystem::temp_directory_path(), "worker");
  ManualClock clock{Time(std::chrono::hours(24 * 365 * 50))};
  SystemRandom random;
  WorkerConfig config;
};

TEST_F(Worker, BacksUpAndRestores) {
  fill(1);
  std::vector<Json> lines;
  const auto backup = run([&lines](const Json& line) { lines.push_back(line); });
  ASSERT_TRUE(backup) << backup.error().to_string();
  EXPECT_EQ((*backup)["snapshotID"].as_string().size(), 64u);
  EXPECT_FALSE(backup->has("parent"));
  EXPECT_EQ((*backup)["totalBytes"].as_int(), 3'000'000);
  EXPECT_EQ((*backup)["bytesRead"].as_int(), 3'000'000);
  EXPECT_GT((*backup)["bytesMoved"].as_int(), 3'000'000);
  ASSERT_FALSE(lines.empty());
  EXPECT_LE(lines.size(), 2u) << "the clock stood still, so one line and the last one";
  EXPECT_EQ(lines.back()["bytesDone"].as_int(), 3'000'000);
  EXPECT_TRUE(std::filesystem::exists(dir.path() / "store/bucket/prefix/restic/c1/ns/config"));

  config.snapshot = (*backup)["snapshotID"].as_string();
  const auto restore = restore_to("new.img");
  ASSERT_TRUE(restore) << restore.error().to_string();
  EXPECT_EQ((*restore)["snapshotID"], (*backup)["snapshotID"]);
  EXPECT_EQ(*read_file(dir.path() / "new.img"), *read_file(dir.path() / "disk.img"));
}

TEST_F(Worker, MovesTheFilesOfADirectory) {
  config.volume = dir.path() / "files";
  config.volume_mode = "Filesystem";
  config.paths = {"/shop/files"};
  const auto missing = run();
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().to_string().find(config.volume.string()), std::string::npos);
  std::filesystem::create_directories(config.volume / "sub");
  ASSERT_TRUE(write_file(config.volume / "sub/file", "content"));
  const auto backup = run();
  ASSERT_TRUE(backup) << backup.error().to_string();
  EXPECT_EQ((*backup)["totalBytes"].as_int(), 7);

  std::filesystem::create_directories(dir.path() / "restored/extra");
  const auto restore = restore_to("restored");
  ASSERT_TRUE(restore) << restore.error().to_string();
  EXPECT_EQ(*read_file(dir.path() / "restored/sub/file"), "content");
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "restored/extra"));
  config.volume_mode = "Block";
  EXPECT_EQ(restore_to("restored").error().code(), Code::kInvalid);
}

// A disk image in a file system is what some volumes are; either way it is the same data.
TEST_F(Worker, ADiskGoesIntoADirectoryAndBack) {
  fill(3);
  config.paths = {"/shop/disk"};
  ASSERT_TRUE(run());
  std::filesystem::create_directories(dir.path() / "mounted");
  ASSERT_TRUE(restore_to("mounted"));
  EXPECT_EQ(*read_file(dir.path() / "mounted/disk.img"), *read_file(dir.path() / "disk.img"));
  config.operation = WorkerConfig::Operation::kBackup;
  ASSERT_TRUE(run());
  ASSERT_TRUE(restore_to("again.img"));
  EXPECT_EQ(*read_file(dir.path() / "again.img"), *read_file(dir.path() / "disk.img"));
}

// A killed worker cannot remove its lock; the pod that replaces it has its name.
TEST_F(Worker, RemovesTheLockThatItsPredecessorLeft) {
  fill(1);
  ASSERT_TRUE(run());
  const auto store = *blob::open_store(config.location, random);
  const auto lock_of = [&](const std::string& host) {
    repo::Settings settings;
    settings.lock_recheck = std::chrono::milliseconds(1);
    auto repository = *repo::Repository::open({*store, clock, random, {}, host, "breakwater"},
                                              config.password, settings);
    auto lock = *repository->lock(false);
    return std::pair(std::move(repository), std::move(lock));
  };
  const auto predecessor = lock_of("pod-1"), stranger = lock_of("pod-2");
  EXPECT_EQ(store->list("locks/")->objects.size(), 2u);
  ASSERT_TRUE(run());
  EXPECT_EQ(store->list("locks/")->objects.size(), 1u) << "the stranger's stays";
}

TEST_F(Worker, UsesTheListOfChangedExtents) {
  fill(1);
  config.parent = (*run())["snapshotID"].as_string();
  config.changed_extents = dir.path() / "changed";
  ASSERT_TRUE(write_file(config.changed_extents, "0 10\n"));
  const auto second = *run();
  EXPECT_EQ(second["parent"].as_string(), *config.parent);
  EXPECT_EQ(second["bytesRead"].as_int(), 512 << 10);
  ASSERT_TRUE(write_file(config.changed_extents, "0-10\n"));
  const auto third = run();
  EXPECT_TRUE(third.error().is(Code::kInvalid));
  EXPECT_NE(third.error().to_string().find("changed: line 1"), std::string::npos);
}

// Whether the file system knows what changed or not, the content is right; where it does, less is
// read (tests/volume says which file systems ran).
TEST_F(Worker, AsksTheFileSystemWhatChanged) {
  fill(1);
  const auto before = dir.path() / "before.img";
  ASSERT_TRUE(volume::clone_file(config.volume, before));
  config.parent = (*run())["snapshotID"].as_string();
  {
    const auto disk = *volume::open_block_writer(config.volume, 3'000'000);
    ASSERT_TRUE(disk->write(1'000'000, noise(2, 10)));
  }
  config.parent_volume = before;
  const auto second = run();
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_EQ((*second)["parent"].as_string(), *config.parent);
  config.parent_volume = dir.path() / "gone.img";
  ASSERT_TRUE(run());
  const std::string expected = *read_file(config.volume);
  config.snapshot = (*second)["snapshotID"].as_string();
  ASSERT_TRUE(restore_to("new.img"));
  EXPECT_EQ(*read_file(dir.path() / "new.img"), expected);
}

TEST_F(Worker, AVolumeThatExistsKeepsItsSize) {
  fill(1);
  ASSERT_TRUE(run());
  ASSERT_TRUE(write_file(dir.path() / "large.img", std::string(4'000'000, 'x')));
  ASSERT_TRUE(restore_to("large.img"));
  const std::string restored = *read_file(dir.path() / "large.img");
  EXPECT_EQ(restored.size(), 4'000'000u);
  EXPECT_EQ(restored.substr(0, 3'000'000), *read_file(dir.path() / "disk.img"));
  EXPECT_EQ(restored.back(), 'x');
  ASSERT_TRUE(write_file(dir.path() / "small.img", "too small"));
  EXPECT_TRUE(restore_to("small.img").error().is(Code::kInvalid));
  EXPECT_EQ(*read_file(dir.path() / "small.img"), "too small");
}

TEST_F(Worker, ARepositoryIsCreatedOnlyWhenAskedAndWhenThereIsNone) {
  fill(1);
  config.init_if_missing = false;
  EXPECT_TRUE(run().error().is(Code::kNotFound));
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "store"));
  config.init_if_missing = true;
  ASSERT_TRUE(run());
  config.password = "another";
  const auto wrong = run();
  EXPECT_TRUE(wrong.error().is(Code::kForbidden)) << wrong.error().to_string();
  EXPECT_EQ(wrong.error().to_string().find("another"), std::string::npos);
  const auto keys =
      std::filesystem::directory_iterator(dir.path() / "store/bucket/prefix/restic/c1/ns/keys");
  EXPECT_EQ(std::distance(begin(keys), end(keys)), 1);
  config.password = "secret";
  config.location.prefix = "elsewhere";
  EXPECT_TRUE(restore_to("new.img").error().is(Code::kNotFound)) << "a restore creates nothing";
}

TEST_F(Worker, ConfigurationSurvivesItsTextAndCarriesNoSecret) {
  config.tags = {"a", "b=c"};
  config.paths = {"/ns/vm-1/disk"};
  config.parent = "abcd";
  config.changed_extents = "/x/changed";
  config.parent_volume = "/x/before";
  config.threads = 7;
  config.location.credentials = "hidden";
  config.volume_mode = "Filesystem";
  const std::string text = to_json(worker_config_to_json(config));
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_EQ(text.find("hidden"), std::string::npos);
  const WorkerConfig back = *worker_config_from_json(*parse_json(text));
  EXPECT_EQ(to_json(worker_config_to_json(back)), text);
  EXPECT_EQ(back.tags, config.tags);
  EXPECT_EQ(back.parent, config.parent);
  EXPECT_EQ(back.location.config, config.location.config);
  EXPECT_EQ(back.parent_volume, config.parent_volume);
  EXPECT_TRUE(back.init_if_missing);
  config.operation = WorkerConfig::Operation::kRestore;
  config.only_differences = true;
  config.lock = false;
  config.snapshot = "0123";
  const Json restore = worker_config_to_json(config);
  EXPECT_EQ(worker_config_to_json(*worker_config_from_json(restore)), restore);
}

TEST_F(Worker, BadConfigurationNamesTheMember) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "configuration"},
      {R"({"volume":"/v","location":{"provider":"p"}})", "operation"},
      {R"({"operation":"copy","volume":"/v","location":{"provider":"p"}})", "operation"},
      {R"({"operation":"backup","location":{"provider":"p"}})", "volume"},
      {R"({"operation":"backup","volume":"/v"})", "location.provider"},
      {R"({"operation":"backup","volume":"/v","location":{"provider":"p","config":{"a":1}}})",
       "location.config"},
      {R"({"operation":"backup","volume":"/v","location":{"provider":"p"},"tags":"a"})", "tags"},
      {R"({"operation":"backup","volume":"/v","location":{"provider":"p"},"tags":[1]})", "tags"},
      {R"({"operation":"restore","volume":"/v","location":{"provider":"p"},"threads":0})",
       "threads"},
      {R"({"operation":"backup","volume":"/v","location":{"provider":"p"},"lock":1})", "lock"},
  };
  for (const auto& [text, member] : cases) {
    const auto parsed = worker_config_from_json(*parse_json(text));
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().is(Code::kInvalid));
    EXPECT_NE(parsed.error().message().find(member), std::string::npos) << parsed.error().message();
  }
}

TEST(OpenStore, OnlyWhatThisBuildHas) {
  SystemRandom random;
  EXPECT_TRUE(blob::open_store({"gcp", "b", "", {}, ""}, random).error().is(Code::kUnsupported));
  EXPECT_TRUE(
      blob::open_store({blob::kLocalProvider, "b", "", {}, ""}, random).error().is(Code::kInvalid));
  for (const char* bad : {"..", "a/../b", "a//b", "./a"}) {
    const blob::StoreLocation bucket{blob::kLocalProvider, bad, "", {{"path", "/x"}}, ""};
    EXPECT_TRUE(blob::open_store(bucket, random).error().is(Code::kInvalid)) << bad;
    const blob::StoreLocation prefix{blob::kLocalProvider, "b", bad, {{"path", "/x"}}, ""};
    EXPECT_TRUE(blob::open_store(prefix, random).error().is(Code::kInvalid)) << bad;
  }
  EXPECT_TRUE(blob::open_store({blob::kLocalProvider, "b", "/p/q/", {{"path", "/x"}}, ""}, random));
}

}  // namespace
}  // namespace breakwater::datapath
