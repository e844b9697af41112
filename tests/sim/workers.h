// The node's processes: data movers that run the real datapath inside the simulator, one at a time,
// when simulated time says so. A worker may be killed at any operation of its object store.
#pragma once

#include <csignal>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "sandbox/processes.h"
#include "tests/sim/swarm.h"
#include "tests/sim/trace.h"

namespace breakwater::sim {

class Workers final : public sandbox::Processes {
 public:
  // References outlive this.
  Workers(const Clock& clock, Random& random, const Swarm& swarm, Trace& trace, Logger log);

  Result<int64_t> start(const sandbox::ProcessSpec& spec, OnExit on_exit) override;
  // SIGTERM and SIGKILL end a process that has not done its work yet.
  void signal(int64_t id, int number) override;

  // Lets one worker that is due do all its work, or die of it. Whether there was one.
  bool step();
  std::optional<Duration> next_due() const;
  void stop_faults() { kills_left_ = 0; }
  int killed() const { return killed_; }

 private:
  struct Process {
    sandbox::ProcessSpec spec;
    OnExit on_exit;
    Duration due{};
  };
  // The exit code and what is written as result; no exit code if it was killed.
  std::optional<int> work(const sandbox::ProcessSpec& spec);
  void end(int64_t id, sandbox::ProcessExit exit);

  const Clock& clock_;
  Random& random_;
  const Swarm& swarm_;
  Trace& trace_;
  const Logger log_;
  int kills_left_;
  int killed_ = 0;
  int64_t next_id_ = 1;
  std::map<int64_t, Process> running_;
};

}  // namespace breakwater::sim
