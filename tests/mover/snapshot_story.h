// The same small cluster, moved by VolumeSnapshotBackup and VolumeSnapshotRestore.
#pragma once

#include "tests/mover/story.h"

namespace breakwater::mover_test {

inline const Key kVsb{"shop", "vsb-1"};
inline const Key kVsr{"shop", "vsr-1"};

class SnapshotStory : public Story {
 public:
  explicit SnapshotStory(mover::Settings settings = {}) : Story(std::move(settings)) {}

  // A password, a disk and a snapshot of it.
  void furnish() {
    add_password();
    make_disk();
    make_snapshot();
  }

  std::string content() {
    return world.get(api::kVolumeSnapshot, kSnapshot)
        .status()["boundVolumeSnapshotContentName"]
        .as_string();
  }
  std::string handle_of(const std::string& name) {
    return world.get(api::kVolumeSnapshotContent, {"", name})
        .status()["snapshotHandle"]
        .as_string();
  }

  Object make_vsb(const Key& key = kVsb, const std::string& secret = "default-volsync-restic") {
    Object vsb = Object::make(api::kVolumeSnapshotBackup, key);
    vsb.set({"spec", "volumeSnapshotContent", "name"}, content());
    vsb.set({"spec", "protectedNamespace"}, "velero");
    if (!secret.empty()) vsb.set({"spec", "resticSecretRef", "name"}, secret);
    return world.create(api::kVolumeSnapshotBackup, vsb);
  }

  Object vsr_of(const std::string& repository, const Key& key = kVsr) {
    Object vsr = Object::make(api::kVolumeSnapshotRestore, key);
    vsr.set({"spec", "protectedNamespace"}, "velero");
    vsr.set({"spec", "resticSecretRef", "name"}, "default-volsync-restic");
    vsr.set({"spec", "volumeSnapshotMoverBackupRef"},
            Json::object({{"sourcePVCData", Json::object({{"name", "disk"},
                                                          {"size", "1Mi"},
                                                          {"storageClassName", "sandbox-block"},
                                                          {"volumeMode", "Block"}})},
                          {"resticrepository", repository},
                          {"volumeSnapshotClassName", "sandbox-snapshots"}}));
    return vsr;
  }
  Object make_vsr(const std::string& repository, const Key& key = kVsr) {
    return world.create(api::kVolumeSnapshotRestore, vsr_of(repository, key));
  }

  void make_dpa(const Json& data_mover) {
    Object dpa = Object::make(api::kDataProtectionApplication, {"velero", "dpa"});
    dpa.set({"spec", "features", "dataMover"}, data_mover);
    world.create(api::kDataProtectionApplication, dpa);
  }

  Object vsb() { return world.get(api::kVolumeSnapshotBackup, kVsb); }
  Object vsr() { return world.get(api::kVolumeSnapshotRestore, kVsr); }
  std::string repository() { return vsb().status()["resticrepository"].as_string(); }
  static std::string message_of(const Object& move) {
    return kube::find_condition(move, "Reconciled")["message"].as_string();
  }
  static std::string reconciled(const Object& move) {
    return kube::find_condition(move, "Reconciled")["status"].as_string();
  }
  bool run_vsb_to(std::string_view phase, Duration limit = std::chrono::minutes(5)) {
    return run_to(api::kVolumeSnapshotBackup, kVsb, phase, limit);
  }
  bool run_vsr_to(std::string_view phase, Duration limit = std::chrono::minutes(5)) {
    return run_to(api::kVolumeSnapshotRestore, kVsr, phase, limit);
  }

  // What there is of snapshots, volumes and our own objects.
  struct Expected {
    size_t claims = 1;     // users'
    size_t snapshots = 1;  // VolumeSnapshots of users
    size_t contents = 1;
    size_t files = 1;  // snapshots of the storage
  };
  // Nothing of a move is left besides that, and the user's snapshot is what it was.
  void expect_only(const Expected& expected) {
    world.run(std::chrono::seconds(30));
    EXPECT_TRUE(world.names(api::kPod).empty());
    EXPECT_EQ(world.names(api::kVolumeSnapshot).size(), expected.snapshots);
    EXPECT_EQ(world.names(api::kVolumeSnapshotContent).size(), expected.contents);
    EXPECT_EQ(world.names(api::kPersistentVolumeClaim).size(), expected.claims);
    EXPECT_EQ(world.names(api::kPersistentVolume).size(), expected.claims);
    EXPECT_EQ(world.files("volumes").size(), expected.claims);
    EXPECT_EQ(world.files("snapshots").size(), expected.files);
    for (const std::string& secret : world.names(api::kSecret, "velero")) {
      EXPECT_FALSE(secret.ends_with("-secret")) << secret;
    }
    EXPECT_TRUE(world.processes().running.empty());
  }
  void remember_snapshot() { before_ = snapshot_now(); }
  void expect_snapshot_untouched() { EXPECT_EQ(snapshot_now(), before_); }

 private:
  std::string snapshot_now() {
    const Object snapshot = world.get(api::kVolumeSnapshot, kSnapshot);
    const Object held =
        world.get(api::kVolumeSnapshotContent,
                  {"", snapshot.status()["boundVolumeSnapshotContentName"].as_string()});
    return to_json(snapshot.json()) + to_json(held.json());
  }
  std::string before_;
};

}  // namespace breakwater::mover_test
