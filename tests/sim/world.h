// One simulated world: cluster, agent, object store, clock and dice. Everything happens on the
// calling thread, one thing at a time; time passes only when the simulator says so.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/log.h"
#include "tests/sim/agent_host.h"
#include "tests/sim/cluster.h"
#include "tests/sim/invariants.h"
#include "tests/sim/swarm.h"
#include "tests/sim/trace.h"

namespace breakwater::sim {

inline constexpr const char* kEngineNamespace = "openshift-adp";

class World {
 public:
  static Result<std::unique_ptr<World>> create(uint64_t seed);
  ~World();

  // Lets the world work until `done` says true. An error of `done`, a broken invariant, or kTimeout
  // after `limit` of simulated time.
  using Condition = std::function<Result<bool>()>;
  Result<> until(const std::string& what, Duration limit, const Condition& done);
  // Lets it work for so long.
  Result<> pass(Duration time);

  void start_faults();
  void stop_faults();

  kube::Client& client() { return cluster_->client(); }
  Cluster& cluster() { return *cluster_; }
  AgentHost& agent() { return *agent_; }
  Invariants& invariants() { return *invariants_; }
  Trace& trace() { return trace_; }
  Random& random() { return choices_; }
  const ManualClock& clock() const { return clock_; }
  const Swarm& swarm() const { return swarm_; }
  const std::string& password() const { return password_; }
  std::filesystem::path directory() const { return directory_.path(); }
  std::filesystem::path store() const { return directory() / "object-store"; }
  std::filesystem::path bucket() const { return store() / "vb-velero-backup" / "cls1"; }
  // Of everything that happened.
  uint64_t hash() const;

 private:
  World(uint64_t seed, TempDir directory);
  Result<> start();
  // One thing; whether there was anything to do.
  Result<bool> step();
  bool act(int actor);
  void let_time_pass(Duration end);
  Result<> check_log();

  class Sink;
  TempDir directory_;
  ManualClock clock_;
  const SeededRandom seed_;
  SeededRandom order_, choices_;
  const Swarm swarm_;
  Trace trace_;
  std::string password_;
  std::shared_ptr<Sink> sink_;
  Logger log_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<AgentHost> agent_;
  std::unique_ptr<Invariants> invariants_;
};

}  // namespace breakwater::sim
