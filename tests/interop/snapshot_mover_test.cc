// A disk by VolumeSnapshotBackup into a repository and by VolumeSnapshotRestore back, in a whole
// sandbox: HTTPS, real worker processes, a real repository, which the real restic reads with what
// status and Secret say.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "api/kinds.h"
#include "api/names.h"
#include "base/cancel.h"
#include "base/encoding.h"
#include "base/file.h"
#include "kube/http_client.h"
#include "kube/kubeconfig.h"
#include "kube/runner.h"
#include "mover/mover.h"
#include "sandbox/sandbox.h"

namespace breakwater::mover {
namespace {

namespace fs = std::filesystem;
using kube::Key;
using kube::Object;

constexpr char kEngine[] = "openshift-adp";
constexpr char kPassword[] = "correct horse battery staple";
constexpr size_t kDiskSize = 32 << 20;

class SnapshotMoverForReal : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(std::system("restic version"), 0) << "install Debian's package restic (make deps)";
    sandbox::SandboxSettings settings;
    settings.directory = directory_.path() / "sandbox";
    settings.binary = fs::path(std::getenv("BREAKWATER_BIN")) / "breakwater";
    sandbox_ = sandbox::Sandbox::start(settings, clock_, random_, Logger()).value();
    const auto config = kube::load_kubeconfig(sandbox_->kubeconfig()).value();
    client_ = kube::make_http_client(config, Logger()).value();
    mover_client_ = kube::make_http_client(config, Logger()).value();
    for (const char* name : {"shop", kEngine}) {
      create(api::kNamespace, Object::make(api::kNamespace, {"", name}));
    }
    make_location();
    runner_ = std::make_unique<kube::Runner>(*mover_client_, clock_, random_, Logger());
    Settings mover;
    mover.engine_namespace = kEngine;
    mover.cluster_id = "cluster-1";
    for (auto& spec :
         make_mover_controllers(mover, {runner_->reader(), *mover_client_, clock_, Logger()})) {
      runner_->add(std::move(spec));
    }
    thread_ = std::thread([this] { runner_->run(stop_); });
  }

  void TearDown() override {
    stop_.cancel();
    if (runner_) runner_->wake();
    if (thread_.joinable()) thread_.join();
  }

  void create(const kube::Kind& kind, const Object& object) {
    const auto created = client_->create(kind, object);
    ASSERT_TRUE(created) << created.error().to_string();
  }
  Object get(const kube::Kind& kind, const Key& key) {
    return client_->get(kind, key).value_or(Object());
  }
  bool eventually(const std::function<bool()>& is_so) {
    const Duration end = clock_.monotonic() + std::chrono::seconds(60);
    while (clock_.monotonic() < end) {
      if (is_so()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  void make_location() {
    Object location = Object::make(api::kBackupStorageLocation, {kEngine, "velero-sample-1"});
    location.set({"spec", "provider"}, api::kLocalProvider);
    location.set({"spec", "default"}, true);
    location.set({"spec", "config", "path"}, (directory_.path() / "store").string());
    location.set({"spec", "objectStorage"},
                 Json::object({{"bucket", "bucket"}, {"prefix", "velero"}}));
    create(api::kBackupStorageLocation, location);
    Object dpa = Object::make(api::kDataProtectionApplication, {kEngine, "velero-sample"});
    dpa.set({"spec", "features", "dataMover"},
            Json::object({{"enable", true}, {"credentialName", "restic-secret"}}));
    create(api::kDataProtectionApplication, dpa);
    Object secret = Object::make(api::kSecret, {kEngine, "restic-secret"});
    secret.set({"stringData", "RESTIC_PASSWORD"}, kPassword);
    create(api::kSecret, secret);
  }

  Object claim_of(const Key& key, const std::string& snapshot = "") {
    Object claim = Object::make(api::kPersistentVolumeClaim, key);
    claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
    claim.set({"spec", "volumeMode"}, "Block");
    claim.set({"spec", "resources", "requests", "storage"}, std::to_string(kDiskSize));
    if (!snapshot.empty()) {
      claim.set({"spec", "dataSource"}, Json::object({{"apiGroup", "snapshot.storage.k8s.io"},
                                                      {"kind", "VolumeSnapshot"},
                                                      {"name", snapshot}}));
    }
    return claim;
  }
  bool is_bound(const Key& key) { return get(api::kPersistentVolumeClaim, key).phase() == "Bound"; }
  fs::path file_of(const Key& claim) {
    const Object bound = get(api::kPersistentVolumeClaim, claim);
    return get(api::kPersistentVolume, {"", bound.spec()["volumeName"].as_string()})
        .json()
        .at({"spec", "csi", "volumeAttributes", "path"})
        .as_string();
  }

  // A disk with noise in some places and its snapshot; its bytes.
  std::string make_disk_and_snapshot() {
    create(api::kPersistentVolumeClaim, claim_of({"shop", "disk"}));
    EXPECT_TRUE(eventually([&] { return is_bound({"shop", "disk"}); }));
    SeededRandom noise(5);
    Bytes bytes(3 << 20);
    noise.fill(bytes);
    std::fstream file(file_of({"shop", "disk"}), std::ios::in | std::ios::out | std::ios::binary);
    for (const std::streamoff offset : {0, 10 << 20, 29 << 20}) {
      file.seekp(offset);
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
    file.close();
    Object snapshot = Object::make(api::kVolumeSnapshot, {"shop", "snapshot"});
    snapshot.set({"spec", "source", "persistentVolumeClaimName"}, "disk");
    create(api::kVolumeSnapshot, snapshot);
    EXPECT_TRUE(eventually([&] {
      return get(api::kVolumeSnapshot, {"shop", "snapshot"}).status()["readyToUse"].as_bool();
    }));
    return read_file(file_of({"shop", "disk"})).value();
  }

  Object move_by_vsb() {
    const Key key{"shop", "vsb-1"};
    Object vsb = Object::make(api::kVolumeSnapshotBackup, key);
    vsb.set(
        {"spec", "volumeSnapshotContent", "name"},
        get(api::kVolumeSnapshot, {"shop", "snapshot"}).status()["boundVolumeSnapshotContentName"]);
    vsb.set({"spec", "protectedNamespace"}, kEngine);
    vsb.set({"spec", "resticSecretRef", "name"}, "velero-sample-1-volsync-restic");
    create(api::kVolumeSnapshotBackup, vsb);
    EXPECT_TRUE(
        eventually([&] { return get(api::kVolumeSnapshotBackup, key).phase() == "Completed"; }));
    return get(api::kVolumeSnapshotBackup, key);
  }

  Object restore_by_vsr(const Json& saved) {
    const Key key{"shop", "vsr-1"};
    Object vsr = Object::make(api::kVolumeSnapshotRestore, key);
    vsr.set({"spec", "protectedNamespace"}, kEngine);
    vsr.set({"spec", "resticSecretRef", "name"}, "velero-sample-1-volsync-restic");
    Json reference = Json::object({{"sourcePVCData", saved["sourcePVCData"]},
                                   {"resticrepository", saved["resticrepository"]}});
    reference.set("volumeSnapshotClassName", saved["volumeSnapshotClassName"]);
    vsr.set({"spec", "volumeSnapshotMoverBackupRef"}, std::move(reference));
    create(api::kVolumeSnapshotRestore, vsr);
    EXPECT_TRUE(
        eventually([&] { return get(api::kVolumeSnapshotRestore, key).phase() == "Completed"; }));
    return get(api::kVolumeSnapshotRestore, key);
  }

  // The restored snapshot as a claim of the application.
  void claim_restored(const Object& vsr) {
    Object content = Object::make(api::kVolumeSnapshotContent, {"", "restored"});
    content.set({"spec"},
                Json::object({{"deletionPolicy", "Delete"}, {"driver", api::kSandboxDriver}}));
    content.set({"spec", "source", "snapshotHandle"}, vsr.status()["snapshotHandle"]);
    content.set({"spec", "volumeSnapshotRef"},
                Json::object({{"namespace", "shop"}, {"name", "restored"}}));
    create(api::kVolumeSnapshotContent, content);
    Object snapshot = Object::make(api::kVolumeSnapshot, {"shop", "restored"});
    snapshot.set({"spec", "source", "volumeSnapshotContentName"}, "restored");
    create(api::kVolumeSnapshot, snapshot);
    create(api::kPersistentVolumeClaim, claim_of({"shop", "restored"}, "restored"));
    EXPECT_TRUE(eventually([&] { return is_bound({"shop", "restored"}); }));
  }

  TempDir directory_ = TempDir::create(fs::temp_directory_path(), "vsb").value();
  const SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<kube::Client> mover_client_;
  std::unique_ptr<kube::Runner> runner_;
  CancelToken stop_;
  std::thread thread_;
};

TEST_F(SnapshotMoverForReal, ADiskComesBackAndResticReadsIt) {
  const std::string bytes = make_disk_and_snapshot();
  const Object vsb = move_by_vsb();
  ASSERT_EQ(vsb.phase(), "Completed") << to_json(vsb.json(), 1);
  const Object vsr = restore_by_vsr(vsb.status());
  ASSERT_EQ(vsr.phase(), "Completed") << to_json(vsr.json(), 1);
  claim_restored(vsr);
  EXPECT_EQ(read_file(file_of({"shop", "restored"})).value(), bytes);

  const std::string url = vsb.status()["resticrepository"].as_string();
  const size_t hash = url.find('#');
  const std::string dump = (directory_.path() / "dump").string();
  const std::string command =
      fmt::format("RESTIC_PASSWORD='{}' restic --no-cache -r '{}' dump {} /disk.img > '{}'",
                  kPassword, url.substr(0, hash), url.substr(hash + 1), dump);
  ASSERT_EQ(std::system(command.c_str()), 0) << url;
  EXPECT_EQ(read_file(dump).value(), bytes);

  const Object location_secret = get(api::kSecret, {kEngine, "velero-sample-1-volsync-restic"});
  const auto base = from_base64(location_secret["data"]["RESTIC_REPOSITORY"].as_string()).value();
  EXPECT_TRUE(url.starts_with(std::string(as_text(base)) + "/restic/cluster-1/shop#")) << url;
  const auto pods = client_->list(api::kPod, "");
  EXPECT_TRUE(pods->empty());
}

}  // namespace
}  // namespace breakwater::mover
