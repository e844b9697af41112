// The simulation lane: whole runs of the system, each drawn from one number.
//
//   BREAKWATER_SEEDS=1000 test_sim     more of them
//   BREAKWATER_SEED=17 test_sim        exactly this one, with what happened in it
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/story.h"

namespace breakwater::sim {
namespace {

constexpr uint64_t kSeeds = 20;

struct Run {
  Result<> result;
  uint64_t hash = 0;
  std::string trace, summary;
};

Run run_seed(uint64_t seed) {
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

// Nothing if the variable is not set.
std::optional<uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

// A second run of the same number must be the same, or a failure could not be looked at again.
void check_seed(uint64_t seed, bool tell) {
  const Run first = run_seed(seed);
  if (tell) fmt::print("seed={}: {}\n", seed, first.summary);
  ASSERT_TRUE(first.result) << "seed=" << seed << "\n"
                            << first.summary << "\n"
                            << first.trace << "seed=" << seed << ": "
                            << first.result.error().to_string();
  const Run second = run_seed(seed);
  ASSERT_EQ(first.hash, second.hash) << "seed=" << seed << " does not repeat itself\n"
                                     << first.trace << "and then\n"
                                     << second.trace;
}

TEST(Simulation, VmsAreProtectedAndRestoredWhateverFails) {
  if (const auto only = number_from("BREAKWATER_SEED")) return check_seed(*only, true);
  const auto asked = number_from("BREAKWATER_SEEDS");
  for (uint64_t seed = 1; seed <= asked.value_or(kSeeds); ++seed) {
    check_seed(seed, asked.has_value());
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace breakwater::sim
