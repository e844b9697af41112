#include "tests/sim/seeds.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>
#include <optional>

namespace breakwater::sim {
namespace {

constexpr uint64_t kSeeds = 20;

// Nothing if the variable is not set.
std::optional<uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

}  // namespace

std::vector<uint64_t> seeds_to_run() {
  if (const auto only = number_from("BREAKWATER_SEED")) return {*only};
  std::vector<uint64_t> seeds(number_from("BREAKWATER_SEEDS").value_or(kSeeds));
  std::iota(seeds.begin(), seeds.end(), 1);
  return seeds;
}

void check_seed(const std::function<Run(uint64_t seed)>& run, uint64_t seed) {
  const Run first = run(seed);
  fmt::print("seed={}: {}\n", seed, first.summary);
  ASSERT_TRUE(first.result) << "seed=" << seed << "\n"
                            << first.summary << "\n"
                            << first.trace << "seed=" << seed << ": "
                            << first.result.error().to_string();
  const Run second = run(seed);
  ASSERT_EQ(first.hash, second.hash) << "seed=" << seed << " does not repeat itself\n"
                                     << first.trace << "and then\n"
                                     << second.trace;
}

}  // namespace breakwater::sim
