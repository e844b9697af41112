// A small cluster in one thread with a clock that stands still: embedded API, storage driver, node
// with fake processes. Controllers can crash after any write and be started again over the same
// API.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "api/names.h"
#include "apiserver/api_server.h"
#include "apiserver/rest.h"
#include "base/file.h"
#include "base/random.h"
#include "kube/faulty_client.h"
#include "kube/runner.h"
#include "sandbox/node.h"
#include "sandbox/rest_raw.h"
#include "sandbox/setup.h"
#include "sandbox/storage_driver.h"
#include "tests/sandbox/fake_processes.h"
#include "volume/shared_extents.h"

namespace breakwater::sandbox_test {

using kube::Key;
using kube::Object;

class World {
 public:
  // Adds controllers besides those of storage and node; called at every start.
  using Extra = std::function<std::vector<kube::ControllerSpec>(kube::Reader&, kube::Client&)>;

  // In memory where there is such a place: hundreds of worlds sync thousands of files.
  static std::filesystem::path fast_directory() {
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  }

  explicit World(Extra extra = {}, const std::filesystem::path& parent = fast_directory())
      : directory_(TempDir::create(parent, "world").value()),
        clock_(Time(std::chrono::seconds(1'790'000'000))),
        random_(7),
        extra_(std::move(extra)) {
    server_ = apiserver::ApiServer::open({}, clock_, random_, Logger()).value();
    static const std::vector<Json> crds = sandbox::embedded_crds().value();
    EXPECT_TRUE(server_->install_crds(crds));
    direct_ = server_->client(apiserver::admin_user());
    EXPECT_TRUE(sandbox::furnish(*direct_, volume::shares_extents(directory_.path())));
    for (const char* name : {"shop", "velero"}) {
      EXPECT_TRUE(direct_->create(api::kNamespace, Object::make(api::kNamespace, {"", name})));
    }
    start();
  }

  // --- controllers -------------------------------------------------------------------------------
  void start() { controllers_ = std::make_unique<Controllers>(*this); }
  // As `kill -9` does it: controllers and processes are gone, the objects and files stay.
  void restart() {
    controllers_.reset();
    start();
  }
  // The controllers crash after their `k`-th write from their start, and are started again.
  void crash_after(int64_t k) {
    controllers_->faulty->set_before_write([this, k](int64_t ordinal) -> Result<> {
      if (ordinal <= k) return {};
      crashed_ = true;
      return fail(Code::kUnavailable, "crashed");
    });
  }
  int crashes() const { return crashes_; }
  // Something happens just before the controllers' `k`-th write from their start (the first is 0).
  void before_write(int64_t k, std::function<void()> event) {
    controllers_->faulty->set_before_write([k, event](int64_t ordinal) -> Result<> {
      if (ordinal == k + 1) event();
      return {};
    });
  }
  // The API misbehaves from now on, across restarts, as the seed says.
  void set_faults(kube::Faults faults, uint64_t seed) {
    faults_ = faults;
    seed_ = seed;
    restart();
  }
  FakeProcesses& processes() { return controllers_->processes; }
  sandbox::Node& node() { return *controllers_->node; }

  // Called whenever there is nothing else to do before time goes on; returns whether it did
  // something.
  std::function<bool()> on_idle;

  // Lets the cluster work until `done` says so; false if that takes longer than `limit`
  // (simulated).
  bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::minutes(5)) {
    const Duration end = clock_.monotonic() + limit;
    while (true) {
      if (crashed_) {
        crashed_ = false;
        ++crashes_;
        restart();
      }
      kube::Runner& runner = *controllers_->runner;
      if (runner.step() || server_->collect()) continue;
      if (done()) return true;
      if (on_idle && on_idle()) continue;
      const auto due = runner.next_due();
      if (!due || *due > end) return false;
      const Duration now = clock_.monotonic();
      clock_.advance(std::max(*due - now, Duration(std::chrono::milliseconds(1))));
    }
  }
  // Lets it work for this long.
  void run(Duration time = std::chrono::seconds(30)) {
    run_until([] { return false; }, time);
  }

  // --- objects -----------------------------------------------------------------------------------
  kube::Client& client() { return *direct_; }
  ManualClock& clock() { return clock_; }
  std::filesystem::path directory() const { return directory_.path(); }

  Object get(const kube::Kind& kind, const Key& key) {
    return direct_->get(kind, key).value_or(Object());
  }
  bool exists(const kube::Kind& kind, const Key& key) {
    return direct_->get(kind, key).has_value();
  }
  std::vector<std::string> names(const kube::Kind& kind, const std::string& ns = "") {
    std::vector<std::string> result;
    const auto objects = direct_->list(kind, ns);
    EXPECT_TRUE(objects.has_value());
    for (const Object& object : *objects) result.push_back(object.key().to_string());
    return result;
  }
  Object create(const kube::Kind& kind, const Object& object) {
    auto created = direct_->create(kind, object);
    EXPECT_TRUE(created) << created.error().to_string();
    return created.value_or(Object());
  }
  void remove(const kube::Kind& kind, const Key& key) {
    EXPECT_TRUE(kube::remove_if_exists(*direct_, kind, key));
  }
  void change(const kube::Kind& kind, const Key& key, const std::function<void(Object&)>& edit) {
    const auto edited = kube::edit(*direct_, kind, key, false, [&](Object& now) -> Result<bool> {
      edit(now);
      return true;
    });
    EXPECT_TRUE(edited) << edited.error().to_string();
  }

  Object create_claim(const Key& key, const std::string& size, const std::string& snapshot = "") {
    Object claim = Object::make(api::kPersistentVolumeClaim, key);
    claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
    claim.set({"spec", "volumeMode"}, "Block");
    claim.set({"spec", "resources", "requests", "storage"}, size);
    if (!snapshot.empty()) {
      claim.set({"spec", "dataSource"}, Json::object({{"apiGroup", "snapshot.storage.k8s.io"},
                                                      {"kind", "VolumeSnapshot"},
                                                      {"name", snapshot}}));
    }
    return create(api::kPersistentVolumeClaim, claim);
  }
  Object create_snapshot(const Key& key, const std::string& claim) {
    Object snapshot = Object::make(api::kVolumeSnapshot, key);
    snapshot.set({"spec", "source", "persistentVolumeClaimName"}, claim);
    return create(api::kVolumeSnapshot, snapshot);
  }
  bool is_bound(const Key& claim) {
    return get(api::kPersistentVolumeClaim, claim).phase() == "Bound";
  }
  bool is_ready(const Key& snapshot) {
    return get(api::kVolumeSnapshot, snapshot).status()["readyToUse"].as_bool();
  }
  // The file of a bound claim.
  std::filesystem::path file_of(const Key& claim) {
    const std::string volume =
        get(api::kPersistentVolumeClaim, claim).spec()["volumeName"].as_string();
    return get(api::kPersistentVolume, {"", volume})
        .json()
        .at({"spec", "csi", "volumeAttributes", "path"})
        .as_string();
  }
  // Names of the files in volumes/ or snapshots/.
  std::vector<std::string> files(const std::string& folder) {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(directory() / folder)) {
      result.push_back(entry.path().filename().string());
    }
    std::sort(result.begin(), result.end());
    return result;
  }
  static void write_at(const std::filesystem::path& file, uint64_t offset, std::string_view text) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    EXPECT_TRUE(stream.good());
  }

 private:
  struct Controllers {
    explicit Controllers(World& world) : random(world.seed_) {
      const auto enqueue = [this](const std::string& controller, const Key& key) {
        if (runner) runner->enqueue(controller, key);
      };
      // The node's log endpoint needs the node, the node a client: the REST layer comes in between.
      plain = world.server_->client(apiserver::admin_user());
      logs = std::make_unique<LateLogs>();
      rest = std::make_unique<apiserver::Rest>(*world.server_, logs.get(), world.clock_);
      world.server_->set_raw_handler([this](const apiserver::User& user, const std::string& path) {
        return sandbox::get_raw(*rest, user, path);
      });
      faulty = std::make_unique<kube::FaultyClient>(*plain, random, world.faults_);
      runner = std::make_unique<kube::Runner>(*faulty, world.clock_, random, Logger());
      events = std::make_unique<kube::EventRecorder>(*plain, world.clock_, "test", Logger());
      operations = kube::make_inline_operations();
      files = std::make_unique<sandbox::StorageDirectory>(
          sandbox::StorageDirectory::open(world.directory()).value());
      storage.reset(new sandbox::StorageContext{runner->reader(), *faulty, world.clock_, *events,
                                                *operations, *files, enqueue, Logger()});
      while (!sandbox::sweep_storage(*storage)) {  // faults; a program would end and start again
      }
      for (auto& spec : sandbox::make_storage_controllers(*storage)) runner->add(std::move(spec));
      sandbox::NodeSettings settings;
      settings.directory = world.directory();
      settings.binary = "/nowhere/breakwater";
      settings.max_processes = 3;
      settings.heartbeat = std::chrono::minutes(10);
      node = sandbox::Node::create(
                 settings, {runner->reader(), *faulty, world.clock_, processes, enqueue, Logger()})
                 .value();
      logs->node = node.get();
      for (auto& spec : node->make_controllers()) runner->add(std::move(spec));
      if (world.extra_) {
        for (auto& spec : world.extra_(runner->reader(), *faulty)) runner->add(std::move(spec));
      }
      runner->enqueue(std::string(sandbox::kNodeController), node->node_key());
    }

    struct LateLogs final : apiserver::PodLogs {
      Result<std::string> read(const Key& pod, const std::string& container,
                               int64_t tail_lines) override {
        return node->read(pod, container, tail_lines);
      }
      sandbox::Node* node = nullptr;
    };

    SeededRandom random;
    FakeProcesses processes;
    std::unique_ptr<kube::Client> plain;
    std::unique_ptr<LateLogs> logs;
    std::unique_ptr<apiserver::Rest> rest;
    std::unique_ptr<kube::FaultyClient> faulty;
    std::unique_ptr<kube::EventRecorder> events;
    std::unique_ptr<kube::Operations> operations;
    std::unique_ptr<sandbox::StorageDirectory> files;
    std::unique_ptr<sandbox::StorageContext> storage;
    std::unique_ptr<sandbox::Node> node;
    std::unique_ptr<kube::Runner> runner;
  };

  TempDir directory_;
  ManualClock clock_;
  SeededRandom random_;
  Extra extra_;
  bool crashed_ = false;
  int crashes_ = 0;
  kube::Faults faults_;
  uint64_t seed_ = 11;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<kube::Client> direct_;
  std::unique_ptr<Controllers> controllers_;
};

}  // namespace breakwater::sandbox_test
