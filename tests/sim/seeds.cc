#include "tests/sim/seeds.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
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

void check_seed(const std::function<Run(uint64_t seed)>& run, uint64_t seed, bool tell) {
  const Run first = run(seed);
  if (tell) fmt::print("seed={}: {}\n", seed, first.summary);
  ASSERT_TRUE(first.result) << "seed=" << seed << "\n"
                            << first.summary << "\n"
                            << first.trace << "seed=" << seed << ": "
                            << first.result.error().to_string();
  const Run second = run(seed);
  ASSERT_EQ(first.hash, second.hash) << "seed=" << seed << " does not repeat itself\n"
                                     << first.trace << "and then\n"
                                     << second.trace;
}

}  // namespace

void check_seeds(const std::function<Run(uint64_t seed)>& run) {
  if (const auto only = number_from("BREAKWATER_SEED")) return check_seed(run, *only, true);
  const auto asked = number_from("BREAKWATER_SEEDS");
  for (uint64_t seed = 1; seed <= asked.value_or(kSeeds); ++seed) {
    check_seed(run, seed, asked.has_value());
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace breakwater::sim
