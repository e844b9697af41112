// A fleet in processes of their own, as the demo uses it: for each cluster an API server with
// storage and node (`sandbox cluster`), for the hub its controllers (`hub`), for each managed
// cluster an agent (`agent`). All of them on loopback, spoken to over HTTPS, killed without warning
// and started again.
//
//   <directory>/<cluster>/…   the cluster's own        <directory>/<process>.log
#pragma once

#include <atomic>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "cli/sandbox_fleet.h"
#include "cli/subprocess.h"
#include "kube/client.h"

namespace breakwater::cli {

class FleetProcess {
 public:
  // `program` is our own binary. Nothing is started yet.
  FleetProcess(std::filesystem::path program, std::filesystem::path directory, const Clock& clock);
  ~FleetProcess();

  // Starts the hub's API server and controllers, and waits until the API answers.
  Result<> start_hub();
  // Starts a cluster, makes it known to the hub, joins it and starts its agent. Returns once the
  // hub says that it is Available; every wait is bounded.
  Result<> add_cluster(const std::string& name);

  // Talks to a cluster whether or not it has been restarted since.
  kube::Client& client(const std::string& cluster) { return *clients_.at(cluster); }
  std::filesystem::path folder(const std::string& cluster) const { return directory_ / cluster; }

  // Starts a thread that kills one process after the other (SIGKILL), each in turn, and starts it
  // again, at random moments, a fraction of a second to a few seconds apart, as often as
  // allow_kills() has allowed; `seed` draws the moments.
  void kill_at_random(uint64_t seed);
  // Raises the number of kills that may have happened in all, so that every part of a story gets
  // its share. Kills that a part was too short for happen in the next.
  void allow_kills(int in_all) { allowed_kills_ = in_all; }
  // How many have happened.
  int kills() const { return killed_; }
  // Ends the killing, then agents, hub and clusters, in order.
  void stop();

 private:
  struct Member {
    std::string name;  // "cls1", "cls1-agent"
    std::vector<std::string> arguments;
    std::optional<Child> child;
  };
  Result<> start_member(const std::string& name, std::vector<std::string> arguments);
  Result<> spawn(Member& member);
  Result<> start_cluster(const std::string& name);
  Result<> connect(const std::string& cluster);
  Result<> check_alive(const std::string& member);
  // A command of our own binary, repeated while what it talks to is away.
  Result<> run_command(std::vector<std::string> arguments);
  Result<> wait_for(const std::string& what, const std::function<Result<bool>()>& attempt);
  std::filesystem::path kubeconfig(const std::string& cluster) const;
  std::filesystem::path log_file(const std::string& member) const;
  void kill_loop(uint64_t seed);

  const std::filesystem::path program_, directory_;
  const Clock& clock_;
  std::mutex mutex_;  // guards members_
  std::deque<Member> members_;
  std::map<std::string, std::unique_ptr<kube::Client>> clients_;
  std::atomic<int> killed_{0};
  std::atomic<int> allowed_kills_{0};
  std::atomic<bool> stopping_{false};
  std::thread killer_;
};

}  // namespace breakwater::cli
