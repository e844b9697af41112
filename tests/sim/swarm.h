// Which faults a run has, and how hard: drawn for each seed, so that each seed is another kind of
// bad day. A class that is off leaves room for what the others would hide.
#pragma once

#include <string>

#include "base/random.h"
#include "kube/faulty_client.h"

namespace breakwater::sim {

struct Swarm {
  kube::Faults api;      // between the agent and the API
  int crashes = 0;       // of the agent
  int longest_life = 0;  // a life that ends in a crash has at most this many writes
  int worker_kills = 0;  // of workers while they work
  bool slow_workers = false;
  bool clean_start = false;  // the API misbehaves only once the VMs are there

  std::string to_string() const;
};

Swarm draw_swarm(Random& random);

}  // namespace breakwater::sim
