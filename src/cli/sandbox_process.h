// A sandbox in a process of its own, as the demo uses it: started, spoken to over HTTPS, killed
// without warning and started again.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/subprocess.h"
#include "kube/client.h"

namespace breakwater::cli {

class SandboxProcess {
 public:
  // `program` is our own binary. Nothing is started yet.
  SandboxProcess(std::filesystem::path program, std::filesystem::path directory,
                 const Clock& clock);
  ~SandboxProcess();

  // Starts it and waits until its API answers, at most a minute.
  Result<> start();
  // Talks to it whether or not it has been restarted since.
  kube::Client& client() { return *client_; }
  std::filesystem::path kubeconfig() const { return directory_ / "kubeconfig"; }
  std::filesystem::path log_file() const { return directory_ / "sandbox.log"; }

  // From now on kills it (SIGKILL) and starts it again at random moments, `kills` times; `seed`
  // draws the moments.
  void kill_at_random(int kills, uint64_t seed);
  // How many kills have happened, and whether all that were asked for have.
  int kills() const { return killed_; }
  bool kills_done() const { return killed_ >= wanted_kills_; }
  // Ends the killing, then the sandbox, in order.
  void stop();

 private:
  Result<> spawn();
  Result<> wait_until_ready();
  void kill_loop(uint64_t seed);
  const std::filesystem::path program_, directory_;
  const Clock& clock_;
  std::mutex mutex_;  // guards child_
  std::optional<Child> child_;
  std::unique_ptr<kube::Client> client_;
  std::atomic<int> killed_{0};
  int wanted_kills_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread killer_;
};

}  // namespace breakwater::cli
