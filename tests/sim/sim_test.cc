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

class Simulation : public testing::TestWithParam<uint64_t> {};

std::string name_of(const testing::TestParamInfo<uint64_t>& info) {
  return std::to_string(info.param);
}

TEST_P(Simulation, VmsAreProtectedAndRestoredWhateverFails) { check_seed(run_cluster, GetParam()); }

TEST_P(Simulation, AFleetOf50ClustersLosesNothingWhateverFails) {
  check_seed(run_fleet, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Seed, Simulation, testing::ValuesIn(seeds_to_run()), name_of);

}  // namespace
}  // namespace breakwater::sim
