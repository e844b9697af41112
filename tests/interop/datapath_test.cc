// Volumes that Breakwater stores, read by the real restic, and the other way round.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "base/random.h"
#include "blob/store_factory.h"
#include "datapath/volume_backup.h"
#include "datapath/worker.h"
#include "volume/block_volume.h"

namespace breakwater::datapath {
namespace {

constexpr uint64_t kInteropMiB = 1 << 20;
constexpr char kInteropPassword[] = "interop";

Bytes interop_noise(uint64_t seed, size_t count) {
  SeededRandom random(seed);
  Bytes bytes(count);
  random.fill(bytes);
  return bytes;
}

class ResticAndVolumes : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(std::system("restic version"), 0) << "install Debian's package restic (make deps)";
    config_.location = {
        blob::kLocalProvider, "bucket", "restic", {{"path", dir_.path().string()}}, ""};
    config_.password = kInteropPassword;
    config_.hostname = "ns/vm-1";
    config_.init_if_missing = true;
    config_.volume = dir_.path() / "disk.img";
  }

  // A disk with data, a repetition, and holes.
  void make_disk(uint64_t size) {
    const auto disk = *volume::open_block_writer(config_.volume, size);
    ASSERT_TRUE(disk->write(0, interop_noise(1, 3 * kInteropMiB)));
    ASSERT_TRUE(disk->write(10 * kInteropMiB, interop_noise(1, kInteropMiB)));
    ASSERT_TRUE(disk->write(size - 100, interop_noise(2, 100)));
  }
  std::string repository_path() const { return (dir_.path() / "bucket/restic").string(); }

  // Runs restic on the repository; its output goes to `out`.
  int restic(const std::string& arguments, const std::string& out = "restic.log") {
    const std::string command = "RESTIC_PASSWORD=" + std::string(kInteropPassword) +
                                " restic --no-cache -r " + repository_path() + " " + arguments +
                                " > " + path(out) + " 2> " + path("restic.err");
    return std::system(command.c_str());
  }
  std::string path(const std::string& name) const { return (dir_.path() / name).string(); }
  std::string text(const std::string& name) const { return read_file(path(name)).value_or(""); }
  WorkerEnvironment environment() {
    return {
        clock_, random_, {}, "pod-1", "breakwater", [this](const blob::StoreLocation& location) {
          return blob::open_store(location, random_);
        }};
  }
  void expect_sound() {
    EXPECT_EQ(restic("check --read-data"), 0) << text("restic.log") << text("restic.err");
    EXPECT_EQ(text("restic.err"), "");
  }

  TempDir dir_ = *TempDir::create(std::filesystem::temp_directory_path(), "interop");
  SystemClock clock_;
  SystemRandom random_;
  WorkerConfig config_;
};

TEST_F(ResticAndVolumes, ResticChecksDumpsAndRestoresWhatWeStore) {
  make_disk(40 * kInteropMiB + 777);
  const auto first = run_worker(config_, environment(), {});
  ASSERT_TRUE(first) << first.error().to_string();
  expect_sound();
  ASSERT_EQ(restic("dump latest /disk.img", "dump"), 0) << text("restic.err");
  EXPECT_EQ(text("dump"), text("disk.img"));
  const std::string original = text("disk.img");

  {
    const auto disk = *volume::open_block_writer(config_.volume, 40 * kInteropMiB + 777);
    ASSERT_TRUE(disk->write(20 * kInteropMiB + 5, interop_noise(3, 1000)));
    ASSERT_TRUE(disk->write_zeros(kInteropMiB, kInteropMiB));
  }
  config_.parent = (*first)["snapshotID"].as_string();
  config_.changed_extents = path("changed");
  ASSERT_TRUE(
      write_file(config_.changed_extents,
                 fmt::format("{} 1000\n{} {}\n", 20 * kInteropMiB + 5, kInteropMiB, kInteropMiB)));
  const auto second = run_worker(config_, environment(), {});
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_LE((*second)["bytesRead"].as_int(), 4 << 19);
  expect_sound();
  ASSERT_EQ(restic("restore latest --target " + path("restored")), 0) << text("restic.err");
  EXPECT_EQ(text("restored/disk.img"), text("disk.img"));
  ASSERT_EQ(restic("dump " + *config_.parent + " /disk.img", "dump"), 0) << text("restic.err");
  EXPECT_EQ(text("dump"), original);
  // host and paths by which restic groups, the parent, and what `restic snapshots` shows
  ASSERT_EQ(restic("snapshots --json"), 0);
  EXPECT_NE(text("restic.log").find("\"hostname\":\"ns/vm-1\""), std::string::npos);
  EXPECT_NE(text("restic.log").find("\"parent\":\"" + *config_.parent), std::string::npos);
  ASSERT_EQ(restic("forget --keep-last 1 --prune"), 0) << text("restic.err");
  expect_sound();
  ASSERT_EQ(restic("dump latest /disk.img", "dump"), 0);
  EXPECT_EQ(text("dump"), text("disk.img"));

  // And what restic has repacked, we restore.
  const std::string expected = text("disk.img");
  config_.operation = WorkerConfig::Operation::kRestore;
  config_.volume = path("ours.img");
  const auto restored = run_worker(config_, environment(), {});
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_EQ(text("ours.img"), expected);
}

TEST_F(ResticAndVolumes, WeRestoreWhatResticStores) {
  make_disk(30 * kInteropMiB);
  ASSERT_EQ(restic("init"), 0) << text("restic.err");
  ASSERT_EQ(restic("backup " + path("disk.img")), 0) << text("restic.err");
  config_.operation = WorkerConfig::Operation::kRestore;
  config_.volume = path("ours.img");
  const auto restored = run_worker(config_, environment(), {});
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_EQ(text("ours.img"), text("disk.img"));
}

// A volume so large that it is a folder of extents, only smaller.
TEST_F(ResticAndVolumes, AFolderOfExtentsIsPutTogetherByCat) {
  make_disk(30 * kInteropMiB + 5);
  SystemRandom& random = random_;
  const auto store = *blob::open_store(config_.location, random);
  const repo::Environment outside{*store, clock_, random, {}, "pod-1", "breakwater"};
  ASSERT_TRUE(repo::Repository::init(outside, kInteropPassword, {1024, 8, 1}));
  const auto repository = *repo::Repository::open(outside, kInteropPassword, {});
  BackupOptions options;
  options.flat_limit = 20 * kInteropMiB;
  options.extent_size = 4 * kInteropMiB;
  const auto source = *volume::open_block_reader(config_.volume);
  const auto result = backup_volume(*source, *repository, clock_, options, {});
  ASSERT_TRUE(result) << result.error().to_string();
  expect_sound();
  ASSERT_EQ(restic("restore latest --target " + path("restored")), 0) << text("restic.err");
  ASSERT_EQ(
      std::system(("cat " + path("restored") + "/disk.img/*/extent > " + path("whole")).c_str()),
      0);
  EXPECT_EQ(text("whole"), text("disk.img"));
}

}  // namespace
}  // namespace breakwater::datapath
