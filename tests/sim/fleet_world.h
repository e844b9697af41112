// A simulated fleet: a hub with its controllers and many clusters with their agents, each a process
// that may die, all on one thread and one clock. Clusters have no storage: their VMs have no disks,
// and what is looked at here is who saves what, and what becomes of it when the hub is away.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/api_server.h"
#include "apiserver/certificates.h"
#include "apiserver/tokens.h"
#include "base/file.h"
#include "kube/runner.h"
#include "policy/hub_link.h"
#include "tests/sim/fleet_invariants.h"
#include "tests/sim/host.h"
#include "tests/sim/log_watch.h"

namespace breakwater::sim {

inline constexpr const char* kFleetNamespace = "oadp-ns";  // of Velero's objects

class FleetWorld {
 public:
  // One cluster, the hub's among them.
  struct Member {
    std::string name;
    std::unique_ptr<SeededRandom> dice;
    std::unique_ptr<apiserver::ApiServer> server;
    std::unique_ptr<kube::Client> client;  // an administrator's; never fails for fun
    std::unique_ptr<FleetInvariants> invariants;
    std::unique_ptr<Host> host;  // the hub's controllers, or the agent
    bool changed = true;         // a good moment for the server's own work
  };

  static Result<std::unique_ptr<FleetWorld>> create(uint64_t seed, int clusters);
  ~FleetWorld();

  using Condition = std::function<Result<bool>()>;
  Result<> until(const std::string& what, Duration limit, const Condition& done);
  Result<> pass(Duration time);

  void start_faults();
  void stop_faults();
  // The hub's API answers no agent for so long.
  void lose_hub(Duration time) { hub_away_until_ = clock_.monotonic() + time; }

  Member& hub() { return *members_.front(); }
  // 1 … clusters()
  Member& cluster(size_t number) { return *members_[number]; }
  size_t clusters() const { return members_.size() - 1; }
  Random& dice() { return choices_; }
  const ManualClock& clock() const { return clock_; }
  const std::string& password() const { return password_; }
  const std::string& store_key() const { return store_key_; }
  std::filesystem::path store() const { return directory_.path() / "object-store"; }
  kube::ClientConfig hub_address() const;
  Trace& trace() { return trace_; }
  const Swarm& swarm() const { return swarm_; }
  int crashes() const;
  uint64_t hash() const;

 private:
  FleetWorld(uint64_t seed, TempDir directory);
  Result<> start(int clusters);
  Result<> add_member(const std::string& name);
  Result<> start_signer();
  Result<std::unique_ptr<Process>> start_hub_controllers(Host& host);
  Result<std::unique_ptr<Process>> start_agent(Member& member, Host& host);
  // Who a kubeconfig proves to be, as the hub's HTTPS server would say it.
  Result<apiserver::User> hub_user(const kube::ClientConfig& config);
  bool hub_is_away() const { return clock_.monotonic() < hub_away_until_; }

  Result<bool> step();
  void let_time_pass(Duration end);

  TempDir directory_;
  ManualClock clock_;
  const SeededRandom seed_;
  SeededRandom order_, choices_, inside_;
  const Swarm swarm_;
  Trace trace_;
  const std::string password_, store_key_;
  std::shared_ptr<LogWatch> log_watch_;
  Logger log_;
  std::vector<Json> definitions_;  // CustomResourceDefinitions
  apiserver::KeyPair ca_;
  std::vector<std::unique_ptr<Member>> members_;
  std::unique_ptr<apiserver::BootstrapTokens> tokens_;
  std::unique_ptr<kube::Runner> signer_;
  Duration hub_away_until_{};
};

}  // namespace breakwater::sim
