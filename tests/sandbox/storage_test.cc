// Claims, volumes and snapshots as a user of the sandbox sees them.
#include "tests/sandbox/world.h"

namespace breakwater::sandbox_test {
namespace {

constexpr const char* kOneMiB = "1Mi";

std::vector<std::string> event_reasons(World& world) {
  std::vector<std::string> reasons;
  const auto events = world.client().list(api::kEvent, "");
  for (const Object& event : *events) reasons.push_back(event["reason"].as_string());
  return reasons;
}

bool contains(const std::vector<std::string>& list, const std::string& what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

TEST(Storage, ClaimGetsASparseFileOfItsSizeAndLeavesNothingBehind) {
  World world;
  const Key key{"shop", "disk"};
  world.create_claim(key, kOneMiB);
  ASSERT_TRUE(world.run_until([&] { return world.is_bound(key); }));

  const Object claim = world.get(api::kPersistentVolumeClaim, key);
  EXPECT_EQ(claim.spec()["storageClassName"].as_string(), "sandbox-block");
  EXPECT_EQ(claim.annotation(api::kBindCompletedAnnotation), "yes");
  EXPECT_EQ(claim.annotation(api::kStorageProvisionerAnnotation), api::kSandboxDriver);
  EXPECT_EQ(claim.status()["capacity"]["storage"].as_string(), "1Mi");
  const Object volume =
      world.get(api::kPersistentVolume, {"", claim.spec()["volumeName"].as_string()});
  EXPECT_EQ(volume.name(), "pvc-" + claim.uid());
  EXPECT_EQ(volume.spec()["claimRef"]["uid"].as_string(), claim.uid());
  EXPECT_EQ(volume.spec()["volumeMode"].as_string(), "Block");
  const auto file = world.file_of(key);
  EXPECT_TRUE(file.is_absolute());
  EXPECT_EQ(std::filesystem::file_size(file), 1u << 20);
  EXPECT_EQ(world.files("volumes"), std::vector<std::string>{file.filename().string()});
  ASSERT_TRUE(world.run_until(
      [&] { return world.get(api::kPersistentVolume, volume.key()).phase() == "Bound"; }));

  world.remove(api::kPersistentVolumeClaim, key);
  world.run();
  EXPECT_TRUE(world.names(api::kPersistentVolumeClaim).empty());
  EXPECT_TRUE(world.names(api::kPersistentVolume).empty());
  EXPECT_TRUE(world.files("volumes").empty());
}

// The directory of a bound claim of mode Filesystem.
std::filesystem::path make_directory(World& world, const Key& key,
                                     const std::string& snapshot = "") {
  Object claim = Object::make(api::kPersistentVolumeClaim, key);
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));  // Filesystem, by default
  claim.set({"spec", "resources", "requests", "storage"}, kOneMiB);
  if (!snapshot.empty()) {
    claim.set({"spec", "dataSource"}, Json::object({{"apiGroup", "snapshot.storage.k8s.io"},
                                                    {"kind", "VolumeSnapshot"},
                                                    {"name", snapshot}}));
  }
  world.create(api::kPersistentVolumeClaim, claim);
  EXPECT_TRUE(world.run_until([&] { return world.is_bound(key); }));
  return world.file_of(key);
}

TEST(Storage, FilesystemClaimGetsADirectoryThatSnapshotsAndClones) {
  World world;
  const auto directory = make_directory(world, {"shop", "files"});
  EXPECT_TRUE(std::filesystem::is_directory(directory));
  std::filesystem::create_directory(directory / "sub");
  std::ofstream(directory / "sub" / "file") << "content";
  std::filesystem::create_hard_link(directory / "sub" / "file", directory / "again");
  std::filesystem::create_symlink("sub/file", directory / "link");
  world.create_snapshot({"shop", "snap"}, "files");
  ASSERT_TRUE(world.run_until([&] { return world.is_ready({"shop", "snap"}); }));
  const Object content =
      world.get(api::kVolumeSnapshotContent, {"", world.names(api::kVolumeSnapshotContent).at(0)});
  EXPECT_EQ(content.spec()["sourceVolumeMode"].as_string(), "Filesystem");
  EXPECT_EQ(content.status()["restoreSize"].as_int(), 1 << 20);

  std::ofstream(directory / "sub" / "file") << "changed";
  const auto clone = make_directory(world, {"shop", "clone"}, "snap");
  EXPECT_EQ(read_file(clone / "again").value(), "content");
  EXPECT_TRUE(std::filesystem::equivalent(clone / "again", clone / "sub" / "file"));
  EXPECT_EQ(std::filesystem::read_symlink(clone / "link"), "sub/file");
  EXPECT_EQ(world.files("volumes").size(), 2u);
  const Key clone_volume{
      "",
      world.get(api::kPersistentVolumeClaim, {"shop", "clone"}).spec()["volumeName"].as_string()};
  EXPECT_EQ(world.get(api::kPersistentVolume, clone_volume).spec()["volumeMode"].as_string(),
            "Filesystem");

  world.create_claim({"shop", "block"}, kOneMiB, "snap");  // of another mode
  world.run();
  EXPECT_FALSE(world.is_bound({"shop", "block"}));
  EXPECT_TRUE(contains(event_reasons(world), "ProvisioningFailed"));

  for (const char* name : {"block", "clone", "files"}) {
    world.remove(api::kPersistentVolumeClaim, {"shop", name});
  }
  world.change(api::kVolumeSnapshotContent, content.key(), [](Object& now) {
    now.set({"spec", "deletionPolicy"}, "Delete");
  });
  world.remove(api::kVolumeSnapshot, {"shop", "snap"});
  world.run();
  EXPECT_TRUE(world.files("volumes").empty());
  EXPECT_TRUE(world.files("snapshots").empty());
}

TEST(Storage, ClaimWithSelectorIsNeverProvisionedAndTakesTheVolumeThatMatches) {
  World world;
  const Key key{"shop", "restored"};
  Object claim = Object::make(api::kPersistentVolumeClaim, key);
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, "Block");
  claim.set({"spec", "resources", "requests", "storage"}, kOneMiB);
  claim.set({"spec", "selector", "matchLabels", "velero.io/dynamic-pv-restore"}, "shop.restored");
  world.create(api::kPersistentVolumeClaim, claim);
  world.run();
  EXPECT_EQ(world.get(api::kPersistentVolumeClaim, key).phase(), "Pending");
  EXPECT_TRUE(world.names(api::kPersistentVolume).empty());

  Object volume = Object::make(api::kPersistentVolume, {"", "found"});
  volume.set_label("velero.io/dynamic-pv-restore", "shop.restored");
  volume.set({"spec"}, Json::object({{"storageClassName", "sandbox-block"},
                                     {"volumeMode", "Block"},
                                     {"accessModes", Json::array({"ReadWriteOnce"})},
                                     {"persistentVolumeReclaimPolicy", "Retain"}}));
  volume.set({"spec", "capacity", "storage"}, "2Mi");
  volume.set({"spec", "csi"},
             Json::object({{"driver", api::kSandboxDriver}, {"volumeHandle", "found"}}));
  world.create(api::kPersistentVolume, volume);
  ASSERT_TRUE(world.run_until([&] { return world.is_bound(key); }));
  EXPECT_EQ(world.get(api::kPersistentVolumeClaim, key).spec()["volumeName"].as_string(), "found");
}

TEST(Storage, VolumeThatNamesAClaimIsBoundToItAgain) {
  World world;
  const Key first{"velero", "scratch"};
  const Key second{"shop", "disk"};
  world.create_claim(first, kOneMiB);
  ASSERT_TRUE(world.run_until([&] { return world.is_bound(first); }));
  const auto file = world.file_of(first);
  World::write_at(file, 4096, "precious");
  const Key volume{"",
                   world.get(api::kPersistentVolumeClaim, first).spec()["volumeName"].as_string()};
  world.change(api::kPersistentVolume, volume, [](Object& now) {
    now.set({"spec", "persistentVolumeReclaimPolicy"}, "Retain");
  });
  world.remove(api::kPersistentVolumeClaim, first);
  ASSERT_TRUE(world.run_until(
      [&] { return world.get(api::kPersistentVolume, volume).phase() == "Released"; }));
  EXPECT_TRUE(std::filesystem::exists(file));

  Object claim = Object::make(api::kPersistentVolumeClaim, second);
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, "Block");
  claim.set({"spec", "resources", "requests", "storage"}, kOneMiB);
  claim.set({"spec", "selector", "matchLabels", "wanted"}, "yes");
  world.create(api::kPersistentVolumeClaim, claim);
  world.change(api::kPersistentVolume, volume, [&](Object& now) {
    now.set({"spec", "claimRef"}, Json::object({{"apiVersion", "v1"},
                                                {"kind", "PersistentVolumeClaim"},
                                                {"namespace", second.ns},
                                                {"name", second.name}}));
  });
  ASSERT_TRUE(world.run_until([&] { return world.is_bound(second); }));
  EXPECT_EQ(world.file_of(second), file);
  ASSERT_TRUE(world.run_until(
      [&] { return world.get(api::kPersistentVolume, volume).phase() == "Bound"; }));
}

TEST(Storage, ClaimInUseByAPodIsKeptUntilThePodEnds) {
  World world;
  const Key key{"shop", "disk"};
  world.create_claim(key, kOneMiB);
  ASSERT_TRUE(world.run_until([&] { return world.is_bound(key); }));
  Object pod = Object::make(api::kPod, {"shop", "user"});
  Json volume = Json::object({{"name", "data"}});
  volume.set({"persistentVolumeClaim", "claimName"}, key.name);
  pod.set({"spec", "nodeName"}, "elsewhere");
  pod.set({"spec", "containers"},
          Json::array({Json::object({{"name", "main"}, {"image", "example/app"}})}));
  pod.set({"spec", "volumes"}, Json::array({volume}));
  world.create(api::kPod, pod);
  world.remove(api::kPersistentVolumeClaim, key);
  world.run();
  EXPECT_TRUE(world.exists(api::kPersistentVolumeClaim, key));
  world.remove(api::kPod, {"shop", "user"});
  world.run();
  EXPECT_FALSE(world.exists(api::kPersistentVolumeClaim, key));
}

TEST(Storage, SnapshotIsAPointInTimeAndAClaimCanBeMadeFromIt) {
  World world;
  const Key disk{"shop", "disk"};
  const Key snapshot{"shop", "before"};
  const Key clone{"shop", "clone"};
  world.create_claim(disk, kOneMiB);
  ASSERT_TRUE(world.run_until([&] { return world.is_bound(disk); }));
  World::write_at(world.file_of(disk), 0, "before");
  world.create_snapshot(snapshot, disk.name);
  ASSERT_TRUE(world.run_until([&] { return world.is_ready(snapshot); }));
  EXPECT_EQ(world.get(api::kVolumeSnapshot, snapshot).status()["restoreSize"].as_string(), "1Mi");
  World::write_at(world.file_of(disk), 0, "after!");

  world.create_claim(clone, "2Mi", snapshot.name);
  ASSERT_TRUE(world.run_until([&] { return world.is_bound(clone); }));
  const std::string content = read_file(world.file_of(clone)).value();
  EXPECT_EQ(content.size(), 2u << 20);
  EXPECT_EQ(content.substr(0, 6), "before");
}

TEST(Storage, ClaimSmallerThanItsSnapshotIsRefused) {
  World world;
  world.create_claim({"shop", "disk"}, "2Mi");
  ASSERT_TRUE(world.run_until([&] { return world.is_bound({"shop", "disk"}); }));
  world.create_snapshot({"shop", "snap"}, "disk");
  ASSERT_TRUE(world.run_until([&] { return world.is_ready({"shop", "snap"}); }));
  world.create_claim({"shop", "small"}, kOneMiB, "snap");
  world.run();
  EXPECT_FALSE(world.is_bound({"shop", "small"}));
  EXPECT_TRUE(contains(event_reasons(world), "ProvisioningFailed"));
  EXPECT_EQ(world.files("volumes").size(), 1u);
}

TEST(Storage, DeletedSnapshotKeepsOrLosesItsFileAsThePolicySays) {
  for (const char* policy : {"Retain", "Delete"}) {
    World world;
    world.create_claim({"shop", "disk"}, kOneMiB);
    ASSERT_TRUE(world.run_until([&] { return world.is_bound({"shop", "disk"}); }));
    world.create_snapshot({"shop", "snap"}, "disk");
    ASSERT_TRUE(world.run_until([&] { return world.is_ready({"shop", "snap"}); }));
    const auto contents = world.names(api::kVolumeSnapshotContent);
    ASSERT_EQ(contents.size(), 1u);
    world.change(api::kVolumeSnapshotContent, {"", contents[0]}, [&](Object& now) {
      now.set({"spec", "deletionPolicy"}, policy);
    });
    world.remove(api::kVolumeSnapshot, {"shop", "snap"});
    world.run();
    EXPECT_FALSE(world.exists(api::kVolumeSnapshot, {"shop", "snap"}));
    const bool kept = std::string_view(policy) == "Retain";
    EXPECT_EQ(world.names(api::kVolumeSnapshotContent).size(), kept ? 1u : 0u) << policy;
    EXPECT_EQ(world.files("snapshots").size(), kept ? 1u : 0u) << policy;
  }
}

TEST(Storage, StaticContentOfAWrongHandleSaysSo) {
  World world;
  for (const char* handle : {"no-such-snapshot", "../../etc/passwd"}) {
    const Key key{"shop", handle[0] == '.' ? "outside" : "absent"};
    Object content = Object::make(api::kVolumeSnapshotContent, {"", key.name});
    content.set({"spec"},
                Json::object({{"deletionPolicy", "Delete"}, {"driver", api::kSandboxDriver}}));
    content.set({"spec", "source", "snapshotHandle"}, handle);
    content.set({"spec", "volumeSnapshotRef"},
                Json::object({{"namespace", key.ns}, {"name", key.name}}));
    world.create(api::kVolumeSnapshotContent, content);
    Object snapshot = Object::make(api::kVolumeSnapshot, key);
    snapshot.set({"spec", "source", "volumeSnapshotContentName"}, key.name);
    world.create(api::kVolumeSnapshot, snapshot);
    world.run();
    const Json status = world.get(api::kVolumeSnapshot, key).status();
    EXPECT_FALSE(status["readyToUse"].as_bool());
    EXPECT_NE(status["error"]["message"].as_string().find(handle), std::string::npos);
    world.remove(api::kVolumeSnapshot, key);
    world.run();
    EXPECT_FALSE(world.exists(api::kVolumeSnapshotContent, {"", key.name}));
  }
}

// Everything that storage does in one story: disk, snapshot, clone, and all of it deleted.
void storage_story(World& world, bool block) {
  const Key disk{"shop", "disk"};
  const Key clone{"shop", "clone"};
  const Key snapshot{"shop", "snap"};
  if (block) {
    world.create_claim(disk, kOneMiB);
    ASSERT_TRUE(world.run_until([&] { return world.is_bound(disk); }));
    World::write_at(world.file_of(disk), 100, "bytes");
  } else {
    std::ofstream(make_directory(world, disk) / "file") << "bytes";
  }
  world.create_snapshot(snapshot, disk.name);
  ASSERT_TRUE(world.run_until([&] { return world.is_ready(snapshot); }));
  if (block) {
    world.create_claim(clone, kOneMiB, snapshot.name);
    ASSERT_TRUE(world.run_until([&] { return world.is_bound(clone); }));
    EXPECT_EQ(read_file(world.file_of(clone)).value().substr(100, 5), "bytes");
  } else {
    EXPECT_EQ(read_file(make_directory(world, clone, snapshot.name) / "file").value(), "bytes");
  }
  for (const std::string& name : world.names(api::kVolumeSnapshotContent)) {
    world.change(api::kVolumeSnapshotContent, {"", name}, [](Object& now) {
      now.set({"spec", "deletionPolicy"}, "Delete");
    });
  }
  world.remove(api::kVolumeSnapshot, snapshot);
  world.remove(api::kPersistentVolumeClaim, clone);
  world.remove(api::kPersistentVolumeClaim, disk);
  ASSERT_TRUE(world.run_until([&] {
    return world.names(api::kPersistentVolume).empty() &&
           world.names(api::kVolumeSnapshotContent).empty();
  }));
  world.run(std::chrono::seconds(20));
}

class CrashingStorage : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Modes, CrashingStorage, testing::Bool());

TEST_P(CrashingStorage, LeavesNothingBehindAfterAnyWrite) {
  int64_t k = 0;
  for (bool crashed = true; crashed; ++k) {
    World world;
    world.crash_after(k);
    storage_story(world, GetParam());
    crashed = world.crashes() > 0;
    EXPECT_TRUE(world.files("volumes").empty());
    EXPECT_TRUE(world.files("snapshots").empty());
    EXPECT_TRUE(world.names(api::kVolumeSnapshot).empty());
    EXPECT_TRUE(world.names(api::kPersistentVolumeClaim).empty());
    if (testing::Test::HasFailure()) FAIL() << "crash after write " << k;
  }
  EXPECT_GT(k, 20);  // the story has that many writes
}

}  // namespace
}  // namespace breakwater::sandbox_test
