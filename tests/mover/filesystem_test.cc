// A volume of mode Filesystem, from a claim to the repository and into another claim, by what a
// worker pod really runs.
#include "blob/store_factory.h"
#include "datapath/worker.h"
#include "tests/datapath/tree_files.h"
#include "tests/mover/story.h"

namespace breakwater::mover_test {
namespace {

// Runs datapath::run_worker with what the node has put into the arguments.
class RealWorker {
 public:
  explicit RealWorker(std::filesystem::path store) : store_(std::move(store)) {}

  bool work(sandbox_test::FakeProcesses& processes) {
    if (processes.running.empty()) return false;
    const auto [id, process] = *processes.running.begin();
    auto config = datapath::worker_config_from_json(
        parse_json(flag(process.spec, mover::kConfigFlag)).value_or(Json()));
    EXPECT_TRUE(config) << config.error().to_string();
    config->password = "open sesame";
    config->location.config["path"] = store_.string();
    modes.push_back(config->volume_mode);
    datapath::WorkerEnvironment environment{
        clock_, random_, {}, "pod", "root", [this](const blob::StoreLocation& location) {
          return blob::open_store(location, random_);
        }};
    environment.kdf = {1024, 8, 1};
    environment.settings.lock_recheck = Duration::zero();
    const auto done = datapath::run_worker(*config, environment, {});
    EXPECT_TRUE(done) << done.error().to_string();
    result = done.value_or(Json());
    EXPECT_TRUE(write_file(flag(process.spec, mover::kResultFlag), to_json(result)));
    processes.end(id, done ? 0 : 1);
    return true;
  }

  std::vector<std::string> modes;
  Json result;  // of the last one

 private:
  static std::string flag(const sandbox::ProcessSpec& spec, std::string_view name) {
    for (const std::string& arg : spec.args) {
      if (arg.starts_with(name)) return arg.substr(name.size());
    }
    ADD_FAILURE() << "no argument " << name;
    return "";
  }

  const std::filesystem::path store_;
  SystemClock clock_;
  SystemRandom random_;
};

Object filesystem_claim(const Key& key) {
  Object claim = Object::make(api::kPersistentVolumeClaim, key);
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, "Filesystem");
  claim.set({"spec", "storageClassName"}, "sandbox-block");
  claim.set({"spec", "resources", "requests", "storage"}, "64Mi");
  return claim;
}

TEST(FilesystemVolume, GoesThroughUploadAndDownloadAndComesBackEqual) {
  Story story;
  RealWorker worker(story.world.directory() / "store");
  story.world.on_idle = [&] { return worker.work(story.world.processes()); };
  story.add_password();
  story.world.create(api::kPersistentVolumeClaim, filesystem_claim(kDisk));
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kDisk); }));
  const auto source = story.world.file_of(kDisk);
  tree_files::make_everything(source);
  story.make_snapshot();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed"))
      << to_json(story.upload().json(), 1);
  const std::string snapshot = story.upload().status()["snapshotID"].as_string();
  EXPECT_GT(story.upload().status()["progress"]["totalBytes"].as_int(), 64 << 20);
  story.expect_clean(1);

  Object target = filesystem_claim(kTarget);
  target.set({"spec", "selector", "matchLabels", kRestoreLabel}, "shop.restored.12345");
  story.world.create(api::kPersistentVolumeClaim, target);
  story.make_download(snapshot);
  ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Completed"))
      << to_json(story.download().json(), 1);
  tree_files::expect_equal(source, story.world.file_of(kTarget));
  EXPECT_EQ(worker.modes, (std::vector<std::string>{"Filesystem", "Filesystem"}));
  story.expect_clean(2);
}

TEST(FilesystemVolume, IsMountedIntoItsWorker) {
  Story story;
  story.worker.hangs = true;
  story.add_password();
  story.world.create(api::kPersistentVolumeClaim, filesystem_claim(kDisk));
  ASSERT_TRUE(story.world.run_until([&] { return story.world.is_bound(kDisk); }));
  story.make_snapshot();
  story.make_upload();
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "InProgress"));
  const Object pod = story.world.get(api::kPod, {"velero", kUpload.name});
  const Json& container = pod.spec()["containers"][0];
  EXPECT_EQ(container["volumeMounts"][0]["mountPath"].as_string(), mover::kMountPath);
  EXPECT_FALSE(container.has("volumeDevices"));
  story.cancel(api::kDataUpload, kUpload);
  ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Canceled"));
  story.expect_clean(1);
}

}  // namespace
}  // namespace breakwater::mover_test
