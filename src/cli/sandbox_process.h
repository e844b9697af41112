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

  // Starts a thread that kills it (SIGKILL) and starts it again at random moments, a fraction of a
  // second to a few seconds apart, as often as allow_kills() has allowed; `seed` draws the moments.
  void kill_at_random(uint64_t seed);
  // Raises the number of kills that may have happened in all, so that every part of a story gets
  // its share. Kills that a part was too short for happen in the next.
  void allow_kills(int in_all) { allowed_kills_ = in_all; }
  // How many have happened.
  int kills() const { return killed_; }
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
  std::atomic<int> allowed_kills_{0};
  std::atomic<bool> stopping_{false};
  std::thread killer_;
};

}  // namespace breakwater::cli
