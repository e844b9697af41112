// What a worker pod really runs, without a process.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "blob/store_factory.h"
#include "datapath/worker.h"
#include "mover/worker_pod.h"
#include "tests/sandbox/fake_processes.h"

namespace breakwater::mover_test {

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
    configs.push_back(*config);
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

  std::vector<datapath::WorkerConfig> configs;
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

}  // namespace breakwater::mover_test
