// The simulation lane: whole runs of the system, each drawn from one number (seeds.h).
#include <gtest/gtest.h>

#include "tests/sim/fleet_story.h"
#include "tests/sim/seeds.h"
#include "tests/sim/story.h"

namespace breakwater::sim {
namespace {

constexpr int kClusters = 50;

Run run_cluster(uint64_t seed) {
  Run run;
  auto world = World::create(seed);
  if (!world) {
    run.result = tl::unexpected(world.error());
    return run;
  }
  Story story(**world);
  run.result = story.run();
  run.hash = (*world)->hash();
  run.summary = (*world)->swarm().to_string() + "\n  " + story.summary();
  run.trace = (*world)->trace().tail();
  return run;
}

Run run_fleet(uint64_t seed) {
  Run run;
  auto world = FleetWorld::create(seed, kClusters);
  if (!world) {
    run.result = tl::unexpected(world.error());
    return run;
  }
  FleetStory story(**world);
  run.result = story.run();
  run.hash = (*world)->hash();
  run.summary = (*world)->swarm().to_string() + "\n  " + story.summary();
  run.trace = (*world)->trace().tail();
  return run;
}

TEST(Simulation, VmsAreProtectedAndRestoredWhateverFails) { check_seeds(run_cluster); }

TEST(Simulation, AFleetOf50ClustersLosesNothingWhateverFails) { check_seeds(run_fleet); }

}  // namespace
}  // namespace breakwater::sim
