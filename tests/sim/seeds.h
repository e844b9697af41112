// Whole runs, each drawn from one number.
//
//   BREAKWATER_SEEDS=1000 test_sim     more of them
//   BREAKWATER_SEED=17 test_sim        exactly this one, with what happened in it
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace breakwater::sim {

struct Run {
  Result<> result;
  uint64_t hash = 0;
  std::string trace, summary;
};

// 1 to 20, or what the environment asks for.
std::vector<uint64_t> seeds_to_run();

// Runs it twice: a second run of the same number must be the same, or a failure could not be looked
// at again. Fails the test of the moment.
void check_seed(const std::function<Run(uint64_t seed)>& run, uint64_t seed);

}  // namespace breakwater::sim
