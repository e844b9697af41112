#include "tests/sim/swarm.h"

#include <fmt/format.h>

#include <array>

namespace breakwater::sim {
namespace {

// Off in half of the runs; otherwise rare, usual or often.
double draw_rate(Random& random, const std::array<double, 3>& rates) {
  const bool on = random.chance(0.5);
  const double rate = rates[random.below(rates.size())];
  return on ? rate : 0;
}

int draw_count(Random& random, uint64_t most) {
  const bool on = random.chance(0.6);
  const int count = 1 + static_cast<int>(random.below(most));
  return on ? count : 0;
}

}  // namespace

Swarm draw_swarm(Random& random) {
  Swarm swarm;
  swarm.api.timeout_before_write = draw_rate(random, {0.01, 0.05, 0.2});
  swarm.api.timeout_after_write = draw_rate(random, {0.01, 0.05, 0.2});
  swarm.api.conflict = draw_rate(random, {0.01, 0.05, 0.2});
  // Collecting items takes some forty calls, and one that fails makes it start again: more would
  // mean that no Backup ever gets through.
  swarm.api.unavailable = draw_rate(random, {0.005, 0.02, 0.04});
  swarm.api.expired_watch = draw_rate(random, {0.002, 0.02, 0.1});
  swarm.api.dropped_watch = draw_rate(random, {0.002, 0.02, 0.1});
  swarm.api.stale_list = draw_rate(random, {0.05, 0.2, 0.5});
  swarm.crashes = draw_count(random, 8);
  swarm.longest_life = 4 << random.below(5);
  // Five deaths of one move's worker are forgiven; more would make a Backup fail rightly.
  swarm.worker_kills = draw_count(random, 4);
  swarm.slow_workers = random.chance(0.3);
  swarm.clean_start = random.chance(0.3);
  return swarm;
}

std::string Swarm::to_string() const {
  return fmt::format(
      "timeout before {} after {}, conflict {}, unavailable {}, watch expired {} dropped {}, stale "
      "{}, crashes {} within {} writes, worker kills {}{}{}",
      api.timeout_before_write, api.timeout_after_write, api.conflict, api.unavailable,
      api.expired_watch, api.dropped_watch, api.stale_list, crashes, longest_life, worker_kills,
      slow_workers ? ", slow workers" : "", clean_start ? ", clean start" : "");
}

}  // namespace breakwater::sim
