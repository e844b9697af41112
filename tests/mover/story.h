// A disk, its snapshot, and the moves of it, in a small cluster with a worker that is none.
#pragma once

#include "base/encoding.h"
#include "mover/mover.h"
#include "tests/mover/fake_worker.h"
#include "tests/sandbox/world.h"

namespace breakwater::mover_test {

using kube::Key;
using kube::Object;
using sandbox_test::World;

inline const Key kDisk{"shop", "disk"};
inline const Key kSnapshot{"shop", "velero-disk-x"};
inline const Key kTarget{"shop", "restored"};
inline const Key kUpload{"velero", "backup-1-abcde"};
inline const Key kDownload{"velero", "restore-1-abcde"};
inline constexpr const char* kRestoreLabel = "velero.io/dynamic-pv-restore";

class Story {
 public:
  explicit Story(mover::Settings settings = {},
                 const std::filesystem::path& parent = World::fast_directory())
      : world(
            [this, settings](kube::Reader& reader, kube::Client& client) {
              return mover::make_mover_controllers(settings,
                                                   {reader, client, world.clock(), Logger()});
            },
            parent),
        worker(world.directory() / "repository") {
    world.on_idle = [this] { return worker.work(world.processes()); };
    add_location();
  }

  void add_password() {
    Object secret = Object::make(api::kSecret, {"velero", std::string(api::kRepositorySecret)});
    secret.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes("open sesame")));
    world.create(api::kSecret, secret);
  }

  void make_disk(const std::string& content = "the disk's bytes") {
    world.create_claim(kDisk, "1Mi");
    ASSERT_TRUE(world.run_until([&] { return world.is_bound(kDisk); }));
    World::write_at(world.file_of(kDisk), 1000, content);
    bytes = read_file(world.file_of(kDisk)).value();
  }

  void make_snapshot() {
    world.create_snapshot(kSnapshot, kDisk.name);
    ASSERT_TRUE(world.run_until([&] { return world.is_ready(kSnapshot); }));
  }

  Object make_upload(const Key& key = kUpload, const Key& snapshot = kSnapshot) {
    Object upload = Object::make(api::kDataUpload, key);
    upload.set_label(api::kBackupNameLabel, "backup-1");
    upload.set({"spec"}, Json::object({{"snapshotType", "CSI"},
                                       {"sourcePVC", kDisk.name},
                                       {"sourceNamespace", snapshot.ns},
                                       {"backupStorageLocation", "default"},
                                       {"operationTimeout", "10m0s"},
                                       {"datamover", ""}}));
    upload.set({"spec", "csiSnapshot"}, Json::object({{"volumeSnapshot", snapshot.name},
                                                      {"storageClass", "sandbox-block"}}));
    return world.create(api::kDataUpload, upload);
  }

  void make_target() {
    Object claim = Object::make(api::kPersistentVolumeClaim, kTarget);
    claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
    claim.set({"spec", "volumeMode"}, "Block");
    claim.set({"spec", "storageClassName"}, "sandbox-block");
    claim.set({"spec", "resources", "requests", "storage"}, "1Mi");
    claim.set({"spec", "selector", "matchLabels", kRestoreLabel}, "shop.restored.12345");
    world.create(api::kPersistentVolumeClaim, claim);
  }

  Object make_download(const std::string& snapshot) {
    Object download = Object::make(api::kDataDownload, kDownload);
    download.set({"spec"}, Json::object({{"snapshotID", snapshot},
                                         {"sourceNamespace", "shop"},
                                         {"backupStorageLocation", "default"},
                                         {"operationTimeout", "10m0s"},
                                         {"snapshotSize", 1 << 20}}));
    download.set({"spec", "targetVolume"},
                 Json::object({{"namespace", kTarget.ns}, {"pvc", kTarget.name}, {"pv", ""}}));
    return world.create(api::kDataDownload, download);
  }

  Object upload() { return world.get(api::kDataUpload, kUpload); }
  Object download() { return world.get(api::kDataDownload, kDownload); }

  bool run_to(const kube::Kind& kind, const Key& key, std::string_view phase,
              Duration limit = std::chrono::minutes(5)) {
    return world.run_until([&, kind] { return world.get(kind, key).phase() == phase; }, limit);
  }

  void cancel(const kube::Kind& kind, const Key& key) {
    world.change(kind, key, [](Object& now) { now.set({"spec", "cancel"}, true); });
  }

  // Nothing of a move is left: so many claims of users, and what those are bound to.
  void expect_clean(size_t claims) { expect_clean(claims, claims); }
  void expect_clean(size_t claims, size_t volumes) {
    world.run(std::chrono::seconds(30));
    EXPECT_TRUE(world.names(api::kPod).empty());
    EXPECT_TRUE(world.names(api::kVolumeSnapshot).empty());
    EXPECT_TRUE(world.names(api::kVolumeSnapshotContent).empty());
    EXPECT_EQ(world.names(api::kPersistentVolumeClaim).size(), claims);
    EXPECT_EQ(world.names(api::kPersistentVolume).size(), volumes);
    EXPECT_EQ(world.files("volumes").size(), volumes);
    EXPECT_TRUE(world.files("snapshots").empty());
    EXPECT_TRUE(world.processes().running.empty());
    for (const kube::Kind* kind : {&api::kDataUpload, &api::kDataDownload}) {
      const auto moves = world.client().list(*kind, "");
      for (const Object& move : *moves) {
        EXPECT_FALSE(move.has_finalizer(api::kDataMoverFinalizer)) << move.name();
      }
    }
  }

  World world;
  FakeWorker worker;
  std::string bytes;  // of the disk when it was backed up

 private:
  void add_location() {
    Object location = Object::make(api::kBackupStorageLocation, {"velero", "default"});
    location.set({"spec", "provider"}, api::kLocalProvider);
    location.set({"spec", "default"}, true);
    location.set({"spec", "config", "path"}, "/srv");
    location.set({"spec", "objectStorage"},
                 Json::object({{"bucket", "bucket"}, {"prefix", "one/two"}}));
    world.create(api::kBackupStorageLocation, location);
  }
};

inline void back_up(Story& story) {
  story.add_password();
  story.make_disk();
  story.make_snapshot();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed"))
      << to_json(story.upload().json(), 1);
}

}  // namespace breakwater::mover_test
