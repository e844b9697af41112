// What `breakwater data-mover` does, without a process and without a repository: it copies whole
// files to and from a folder. The paths it gets are those that the node has put into its arguments.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "mover/worker_pod.h"
#include "tests/sandbox/fake_processes.h"

namespace breakwater::mover_test {

class FakeWorker {
 public:
  explicit FakeWorker(std::filesystem::path repository) : repository_(std::move(repository)) {
    std::filesystem::create_directories(repository_);
  }

  std::string error;   // not empty: reports this and fails
  std::string code;    // of the error
  int deaths = 0;      // so many processes die before one does its work
  bool hangs = false;  // reports progress and goes on for ever
  int finished = 0;
  std::string environment;  // of the last process, joined
  bool locked = false;      // whether the last process was to lock the repository

  // Does the work of one waiting process; returns whether there was one.
  bool work(sandbox_test::FakeProcesses& processes) {
    if (processes.running.empty()) return false;
    const auto [id, process] = *processes.running.begin();
    environment.clear();
    for (const std::string& variable : process.spec.env) environment += variable + "\n";
    if (hangs) {
      append(process.spec.log, R"({"totalBytes":1048576,"bytesDone":4096})");
      return false;
    }
    if (deaths > 0) {
      --deaths;
      processes.end(id, 137, true);
      return true;
    }
    const Json report =
        error.empty() ? move(process.spec) : Json::object({{"error", error}, {"code", code}});
    EXPECT_TRUE(write_file(flag(process.spec, mover::kResultFlag), to_json(report)));
    ++finished;
    processes.end(id, error.empty() ? 0 : 1);
    return true;
  }

 private:
  static std::string flag(const sandbox::ProcessSpec& spec, std::string_view name) {
    for (const std::string& arg : spec.args) {
      if (arg.starts_with(name)) return arg.substr(name.size());
    }
    ADD_FAILURE() << "no argument " << name;
    return "";
  }
  static void append(const std::filesystem::path& file, const std::string& line) {
    EXPECT_TRUE(write_file(file, read_file(file).value_or("") + line + "\n"));
  }

  Json move(const sandbox::ProcessSpec& spec) {
    EXPECT_EQ(spec.args.at(0), mover::kWorkerCommand);
    const auto config = datapath::worker_config_from_json(
        parse_json(flag(spec, mover::kConfigFlag)).value_or(Json()));
    EXPECT_TRUE(config) << config.error().to_string();
    locked = config->lock;
    const auto folder = repository_ / config->location.bucket / config->location.prefix;
    std::filesystem::create_directories(folder);
    std::string id =
        config->snapshot == "latest" ? "snap" + std::to_string(snapshots_) : config->snapshot;
    const auto options = std::filesystem::copy_options::overwrite_existing;
    if (config->operation == datapath::WorkerConfig::Operation::kBackup) {
      id = "snap" + std::to_string(++snapshots_);
      std::filesystem::copy_file(config->volume, folder / id, options);
    } else {
      if (!std::filesystem::exists(folder / id)) {
        return Json::object(
            {{"error", "snapshot " + id + " does not exist"}, {"code", "NotFound"}});
      }
      const std::string data = read_file(folder / id).value();
      std::string whole = read_file(config->volume).value();
      EXPECT_GE(whole.size(), data.size());
      whole.replace(0, data.size(), data);
      std::ofstream(config->volume, std::ios::binary) << whole;
    }
    const auto size = static_cast<int64_t>(std::filesystem::file_size(folder / id));
    return Json::object(
        {{"snapshotID", id}, {"totalBytes", size}, {"bytesRead", size}, {"bytesMoved", size / 2}});
  }

  const std::filesystem::path repository_;
  int snapshots_ = 0;
};

}  // namespace breakwater::mover_test
