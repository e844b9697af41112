// A machine with one process on it, which runs, dies at a write, and is started again a while
// later.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "kube/faulty_client.h"
#include "tests/sim/swarm.h"
#include "tests/sim/trace.h"

namespace breakwater::sim {

// What runs on a Host. Destroyed when it dies.
class Process {
 public:
  virtual ~Process() = default;
  virtual bool ready() const = 0;  // whether step() may have something to do now
  virtual bool step() = 0;
  virtual std::optional<Duration> next_due() const = 0;
  virtual uint64_t trace_hash() const = 0;
};

class Host {
 public:
  // Makes the process, which reaches APIs only through what wrap() returns.
  using Start = std::function<Result<std::unique_ptr<Process>>(Host&)>;
  // All references outlive this; `name` is for the trace and draws its own dice.
  Host(std::string name, Start start, const Clock& clock, const SeededRandom& random,
       const Swarm& swarm, Trace& trace);
  ~Host();

  // A client of `inner` for the process of the moment: it has the faults of the swarm, and counts
  // the process's writes until its death. `away` says whether what it reaches is away now.
  using Away = std::function<bool()>;
  std::shared_ptr<kube::Client> wrap(std::shared_ptr<kube::Client> inner, Away away);

  bool ready() const;
  bool step();
  std::optional<Duration> next_due() const;

  void start_faults();
  // From now on nothing fails, and nobody dies.
  void stop_faults();
  // Ends the process now, as if the machine had lost its power; it starts again after `pause`.
  void kill(Duration pause);
  int crashes() const { return crashes_; }
  // Over all lives so far.
  uint64_t trace_hash() const;

 private:
  class Wire;
  void start();
  void crash();
  int64_t draw_life();  // in writes; 0: for ever
  void count_write();

  const std::string name_;
  const Start start_;
  const Clock& clock_;
  SeededRandom random_;   // crashes and pauses
  SeededRandom network_;  // faults of calls
  const Swarm& swarm_;
  Trace& trace_;
  bool faults_ = false;
  int crashes_ = 0;
  int64_t life_ = 0;    // writes until the next crash; 0: it does not crash
  int64_t writes_ = 0;  // of this life
  Duration start_at_{};
  uint64_t earlier_ = 0;  // trace hashes of former lives
  std::vector<std::weak_ptr<Wire>> wires_;
  std::unique_ptr<Process> process_;
};

}  // namespace breakwater::sim
