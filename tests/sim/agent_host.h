// The agent as a machine sees it: a process that runs, dies and is started again.
#pragma once

#include <memory>
#include <optional>

#include "base/random.h"
#include "cli/agent.h"
#include "kube/faulty_client.h"
#include "tests/sim/swarm.h"
#include "tests/sim/trace.h"

namespace breakwater::sim {

class AgentHost {
 public:
  // `client` reaches the API without faults; all references outlive this.
  AgentHost(kube::Client& client, const Clock& clock, const SeededRandom& random,
            const Swarm& swarm, Trace& trace, Logger log);
  ~AgentHost();

  // One step of the agent, or its start. Whether there was anything to do.
  bool step();
  std::optional<Duration> next_due() const;
  void start_faults();
  // From now on nothing fails, and nobody dies.
  void stop_faults();
  int crashes() const { return crashes_; }
  // Over all lives so far.
  uint64_t trace_hash() const;

 private:
  void start();
  void crash();
  int64_t draw_life();  // in writes; 0: for ever

  kube::Client& client_;
  const Clock& clock_;
  SeededRandom random_;   // crashes and pauses
  SeededRandom network_;  // faults of calls
  SeededRandom inside_;   // what the agent draws
  const Swarm& swarm_;
  Trace& trace_;
  const Logger log_;
  bool faults_ = false;
  int crashes_ = 0;
  int64_t life_ = 0;  // writes until the next crash; 0: it does not crash
  Duration start_at_{};
  uint64_t earlier_ = 0;  // trace hashes of former lives
  std::unique_ptr<kube::FaultyClient> faulty_;
  std::unique_ptr<cli::Agent> agent_;
};

}  // namespace breakwater::sim
