// The Runner: one per process, drives every controller's queue and the cache they read through.
//
// In a program, run() takes the calling thread and sleeps when there is nothing to do. In the
// simulator, step() does one thing at a time: which of several ready keys comes first is drawn from
// the seeded Random, so a run is the same for the same seed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/cache.h"
#include "kube/controller.h"

namespace breakwater::kube {

class Runner {
 public:
  // All references outlive the runner.
  Runner(Client& client, const Clock& clock, Random& random, Logger log);
  ~Runner();

  // What controllers read through.
  Reader& reader();
  // Adds a controller: before run() and the first step(), or from a reconciler that this runner
  // runs. It hears of everything that is there already.
  void add(ControllerSpec controller);

  // Takes in changes, then reconciles at most one key. Returns whether there was anything to do.
  bool step();
  // When step() next has something to do although nothing changes (Clock::monotonic()); nothing if
  // never. Zero or the past means now.
  std::optional<Duration> next_due() const;

  // Whether step() may have something to do now: something has changed since the last one, or is
  // due. Cheap, so that a simulator need not try thousands of runners in vain.
  bool ready() const;

  // Steps until `stop` is cancelled. Wakes at once when something changes.
  void run(const CancelToken& stop);
  // Makes run() look at `stop` and at its queues now. Thread-safe.
  void wake();

  // Puts a key into a controller's queue, as if something had changed. Without a controller of that
  // name it is dropped. Thread-safe.
  void enqueue(const std::string& controller, const Key& key);

  // A hash over everything reconciled so far (controller, key, outcome): equal for equal runs.
  uint64_t trace_hash() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace breakwater::kube
