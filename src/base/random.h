// Randomness comes in through a Random, so that a simulation is the same every time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace breakwater {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
  // Fills `out` with random bytes.
  virtual void fill(std::span<std::byte> out);
  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
  // True with probability p.
  bool chance(double p);
};

// The kernel's generator; fit for keys. Thread-safe.
class SystemRandom final : public Random {
 public:
  uint64_t next() override;
  void fill(std::span<std::byte> out) override;
};

// xoshiro256**: fast and repeatable, not for secrets. Not thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  uint64_t next() override;
  // An independent generator: adding a consumer does not shift what the others draw.
  SeededRandom fork(std::string_view label) const;

 private:
  uint64_t seed_;
  uint64_t state_[4];
};

}  // namespace breakwater
