// VolumeSnapshotBackups and VolumeSnapshotRestores over the embedded API, the sandbox's storage and
// a fake worker.
#include "tests/datapath/tree_files.h"
#include "tests/mover/real_worker.h"
#include "tests/mover/snapshot_story.h"

namespace breakwater::mover_test {
namespace {

std::string cluster_id_of(Story& story) {
  return story.world.get(api::kNamespace, {"", "kube-system"}).uid();
}

TEST(VolumeSnapshotBackup, MovesASnapshotAndLeavesItAlone) {
  SnapshotStory story;
  story.furnish();
  story.remember_snapshot();
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("Completed")) << to_json(story.vsb().json(), 1);
  const Json status = story.vsb().status();
  const std::string url = "/srv/bucket/one/two/restic/" + cluster_id_of(story) + "/shop#snap1";
  EXPECT_EQ(status["resticrepository"].as_string(), url);
  EXPECT_EQ(status["batchingStatus"].as_string(), "Completed");
  EXPECT_EQ(to_json(status["sourcePVCData"]),
            R"({"name":"disk","size":"1Mi",)"
            R"("storageClassName":"sandbox-block","volumeMode":"Block"})");
  EXPECT_EQ(status["volumeSnapshotClassName"].as_string(), "sandbox-snapshots");
  EXPECT_EQ(status["replicationSourceData"]["name"].as_string(), "vsb-1-pod");
  EXPECT_EQ(status["progress"]["bytesDone"].as_int(), 1 << 20);
  for (const Json* time : {&status["startTimestamp"], &status["completionTimestamp"],
                           &status["replicationSourceData"]["startTimestamp"],
                           &status["replicationSourceData"]["completionTimestamp"]}) {
    EXPECT_TRUE(parse_rfc3339(time->as_string()));
  }
  EXPECT_EQ(SnapshotStory::reconciled(story.vsb()), "True");
  EXPECT_EQ(SnapshotStory::message_of(story.vsb()), "Reconcile complete");
  EXPECT_EQ(story.vsb().annotation("datamover.io/restic-repository"), url);
  EXPECT_EQ(story.vsb().annotation("datamover.io/source-pvc-name"), "disk");
  EXPECT_EQ(story.vsb().annotation("datamover.io/source-pvc-size"), "1Mi");
  EXPECT_EQ(story.vsb().annotation("datamover.io/source-pvc-storageclass"), "sandbox-block");
  EXPECT_EQ(story.vsb().annotation("datamover.io/source-pvc-volumesnapshotclass"),
            "sandbox-snapshots");
  const auto stored = story.world.directory() / "repository/bucket/one/two/restic" /
                      cluster_id_of(story) / "shop/snap1";
  EXPECT_EQ(read_file(stored).value(), story.bytes);
  EXPECT_FALSE(story.vsb().has_finalizer("oadp.openshift.io/oadp-datamover"));
  EXPECT_TRUE(status["moverState"].is_null());
  story.expect_snapshot_untouched();
  story.expect_only({});
}

TEST(VolumeSnapshotBackup, UsesTheNamesOfTheOriginal) {
  SnapshotStory story;
  story.worker.hangs = true;
  story.furnish();
  const Object vsb = story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("InProgress"));
  EXPECT_TRUE(story.vsb().has_finalizer("oadp.openshift.io/oadp-datamover"));
  const std::string content = story.content();
  const Object clone = story.world.get(api::kVolumeSnapshotContent, {"", content + "-clone"});
  EXPECT_EQ(clone.spec()["deletionPolicy"].as_string(), "Retain");
  EXPECT_EQ(clone.spec()["source"]["snapshotHandle"].as_string(), story.handle_of(content));
  for (const auto& [kind, name] :
       {std::pair(api::kVolumeSnapshot, content + "-clone-volumesnapshot"),
        std::pair(api::kPersistentVolumeClaim, content + "-pvc"),
        std::pair(api::kPod, std::string("vsb-1-pod")),
        std::pair(api::kSecret, std::string("vsb-1-secret"))}) {
    const Object child = story.world.get(kind, {"velero", name});
    EXPECT_EQ(child.label("datamover.oadp.openshift.io/vsb"), "vsb-1") << name;
    EXPECT_TRUE(child.metadata()["ownerReferences"].empty()) << "it is in another namespace";
  }
  const Object secret = story.world.get(api::kSecret, {"velero", "vsb-1-secret"});
  const auto url = from_base64(secret["data"]["RESTIC_REPOSITORY"].as_string()).value();
  EXPECT_EQ(as_text(url), "/srv/bucket/one/two/restic/" + cluster_id_of(story) + "/shop");
  const auto password = from_base64(secret["data"]["RESTIC_PASSWORD"].as_string()).value();
  EXPECT_EQ(as_text(password), "open sesame");
  EXPECT_EQ(to_json(story.vsb().json()).find("open sesame"), std::string::npos);
  const Object pod = story.world.get(api::kPod, {"velero", "vsb-1-pod"});
  EXPECT_EQ(to_json(pod.json()).find("open sesame"), std::string::npos);
  EXPECT_NE(to_json(pod.json()).find("vsb-1-secret"), std::string::npos);
}

TEST(VolumeSnapshotBackup, GoesThroughThePhasesOfTheOriginal) {
  SnapshotStory story;
  story.furnish();
  story.make_vsb();
  std::vector<std::string> seen;
  auto watch = story.world.client().watch(api::kVolumeSnapshotBackup, "shop", {});
  ASSERT_TRUE(watch);
  ASSERT_TRUE(story.run_vsb_to("Completed"));
  while (auto event = (*watch)->next().value()) {
    const std::string now =
        event->object.phase() + "/" + event->object.status()["batchingStatus"].as_string();
    if (seen.empty() || seen.back() != now) seen.push_back(now);
  }
  const std::vector<std::string> expected = {"/",
                                             "/Processing",
                                             "InProgress/Processing",
                                             "SnapshotBackupDone/Completed",
                                             "Cleanup/Completed",
                                             "Completed/Completed"};
  EXPECT_EQ(seen, expected);
}

void restore_by_vsr(SnapshotStory& story) {
  story.furnish();
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("Completed")) << to_json(story.vsb().json(), 1);
  story.make_vsr(story.repository());
}

// A claim from the snapshot that a VolumeSnapshotRestore made, as a restore makes it.
void take_over(SnapshotStory& story, const char* mode = "Block") {
  Object content = Object::make(api::kVolumeSnapshotContent, {"", "static"});
  content.set({"spec"},
              Json::object({{"deletionPolicy", "Retain"}, {"driver", api::kSandboxDriver}}));
  content.set({"spec", "source", "snapshotHandle"}, story.vsr().status()["snapshotHandle"]);
  content.set({"spec", "volumeSnapshotRef"},
              Json::object({{"namespace", "shop"}, {"name", "static"}}));
  story.world.create(api::kVolumeSnapshotContent, content);
  Object snapshot = Object::make(api::kVolumeSnapshot, {"shop", "static"});
  snapshot.set({"spec", "source", "volumeSnapshotContentName"}, "static");
  story.world.create(api::kVolumeSnapshot, snapshot);
  Object claim = Object::make(api::kPersistentVolumeClaim, kTarget);
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, mode);
  claim.set({"spec", "resources", "requests", "storage"},
            story.vsr().spec()["volumeSnapshotMoverBackupRef"]["sourcePVCData"]["size"]);
  claim.set({"spec", "dataSource"}, Json::object({{"apiGroup", "snapshot.storage.k8s.io"},
                                                  {"kind", "VolumeSnapshot"},
                                                  {"name", "static"}}));
  story.world.create(api::kPersistentVolumeClaim, claim);
}

TEST(VolumeSnapshotRestore, LeavesASnapshotFromWhichClaimsAreMade) {
  SnapshotStory story;
  restore_by_vsr(story);
  ASSERT_TRUE(story.run_vsr_to("Completed")) << to_json(story.vsr().json(), 1);
  const Json status = story.vsr().status();
  const Object content = story.world.get(api::kVolumeSnapshotContent,
                                         {"", status["volumeSnapshotContentName"].as_string()});
  EXPECT_EQ(content.status()["snapshotHandle"], status["snapshotHandle"]);
  EXPECT_EQ(content.spec()["deletionPolicy"].as_string(), "Retain");
  EXPECT_EQ(content.label("datamover.oadp.openshift.io/vsr"), "vsr-1");
  EXPECT_EQ(status["batchingStatus"].as_string(), "Completed");
  EXPECT_EQ(status["replicationDestinationData"]["name"].as_string(), "vsr-1-pod");
  for (const Json* time : {&status["startTimestamp"], &status["completionTimestamp"],
                           &status["replicationDestinationData"]["startTimestamp"],
                           &status["replicationDestinationData"]["completionTimestamp"]}) {
    EXPECT_TRUE(parse_rfc3339(time->as_string()));
  }
  story.expect_only({.contents = 2, .files = 2});
  take_over(story);
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kTarget); }));
  EXPECT_EQ(read_file(story.world.file_of(kTarget)).value(), story.bytes);
}

TEST(VolumeSnapshotRestore, GoesThroughThePhasesOfTheOriginal) {
  SnapshotStory story;
  restore_by_vsr(story);
  auto watch = story.world.client().watch(api::kVolumeSnapshotRestore, "shop", {});
  ASSERT_TRUE(watch);
  ASSERT_TRUE(story.run_vsr_to("Completed"));
  std::vector<std::string> seen;
  while (auto event = (*watch)->next().value()) {
    if (seen.empty() || seen.back() != event->object.phase()) seen.push_back(event->object.phase());
  }
  const std::vector<std::string> expected = {"", "InProgress", "SnapshotRestoreDone", "Cleanup",
                                             "Completed"};
  EXPECT_EQ(seen, expected);
}

TEST(VolumeSnapshotRestore, TakesItsSnapshotAlongWhenItGoes) {
  SnapshotStory story;
  restore_by_vsr(story);
  ASSERT_TRUE(story.run_vsr_to("Completed"));
  story.world.remove(api::kVolumeSnapshotRestore, kVsr);
  ASSERT_TRUE(story.world.run_until(
      [&] { return !story.world.exists(api::kVolumeSnapshotRestore, kVsr); }));
  story.expect_only({});
}

TEST(VolumeSnapshotRestore, LeavesASnapshotThatSomebodyTookOver) {
  SnapshotStory story;
  restore_by_vsr(story);
  ASSERT_TRUE(story.run_vsr_to("Completed"));
  take_over(story);
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kTarget); }));
  story.world.remove(api::kVolumeSnapshotRestore, kVsr);
  ASSERT_TRUE(story.world.run_until(
      [&] { return !story.world.exists(api::kVolumeSnapshotRestore, kVsr); }));
  story.expect_only({.claims = 2, .snapshots = 2, .contents = 2, .files = 2});
}

TEST(VolumeSnapshotRestore, BringsBackAVolumeOfModeFilesystem) {
  SnapshotStory story;
  RealWorker worker(story.world.directory() / "store");
  story.world.on_idle = [&] { return worker.work(story.world.processes()); };
  story.add_password();
  Object claim = Object::make(api::kPersistentVolumeClaim, kDisk);
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, "Filesystem");
  claim.set({"spec", "resources", "requests", "storage"}, "64Mi");
  story.world.create(api::kPersistentVolumeClaim, claim);
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kDisk); }));
  tree_files::make_everything(story.world.file_of(kDisk));
  story.make_snapshot();
  story.make_vsb();
  ASSERT_TRUE(story.run_vsb_to("Completed")) << to_json(story.vsb().json(), 1);
  EXPECT_EQ(story.vsb().status()["sourcePVCData"]["volumeMode"].as_string(), "Filesystem");
  Object vsr = story.vsr_of(story.repository());
  vsr.set({"spec", "volumeSnapshotMoverBackupRef", "sourcePVCData"},
          story.vsb().status()["sourcePVCData"]);
  story.world.create(api::kVolumeSnapshotRestore, vsr);
  ASSERT_TRUE(story.run_vsr_to("Completed")) << to_json(story.vsr().json(), 1);
  take_over(story, "Filesystem");
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kTarget); }));
  tree_files::expect_equal(story.world.file_of(kDisk), story.world.file_of(kTarget));
}

TEST(VolumeSnapshotRestore, RestoresExactlyTheSnapshotItNamesElseTheNewest) {
  for (const bool exact : {true, false}) {
    SnapshotStory story;
    story.furnish();
    story.make_vsb();
    ASSERT_TRUE(story.run_vsb_to("Completed"));
    const std::string first = story.repository();
    World::write_at(story.world.file_of(kDisk), 0, "changed");
    const std::string newest = read_file(story.world.file_of(kDisk)).value();
    story.world.create_snapshot({"shop", "later"}, kDisk.name);
    ASSERT_TRUE(story.world.run_until([&] { return story.world.is_ready({"shop", "later"}); }));
    Object second = Object::make(api::kVolumeSnapshotBackup, {"shop", "vsb-2"});
    second.set({"spec"}, story.vsb().spec());
    second.set({"spec", "volumeSnapshotContent", "name"},
               story.world.get(api::kVolumeSnapshot, {"shop", "later"})
                   .status()["boundVolumeSnapshotContentName"]);
    story.world.create(api::kVolumeSnapshotBackup, second);
    ASSERT_TRUE(story.run_to(api::kVolumeSnapshotBackup, {"shop", "vsb-2"}, "Completed"));
    story.make_vsr(exact ? first : first.substr(0, first.find('#')));
    ASSERT_TRUE(story.run_vsr_to("Completed"));
    take_over(story);
    ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kTarget); }));
    EXPECT_EQ(read_file(story.world.file_of(kTarget)).value(), exact ? story.bytes : newest);
  }
}

}  // namespace
}  // namespace breakwater::mover_test
