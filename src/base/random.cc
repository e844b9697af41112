#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace breakwater {

namespace {

// Sebastiano Vigna's splitmix64, the recommended way to seed xoshiro256**.
uint64_t splitmix64(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

void Random::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const uint64_t word = next();
    const size_t n = std::min(out.size(), sizeof(word));
    std::memcpy(out.data(), &word, n);
    out = out.subspan(n);
  }
}

uint64_t Random::below(uint64_t bound) {
  CHECK(bound > 0);
  // Values under 2^64 mod bound would favour the small remainders.
  const uint64_t threshold = (0 - bound) % bound;
  while (true) {
    const uint64_t value = next();
    if (value >= threshold) return value % bound;
  }
}

bool Random::chance(double p) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < p; }

uint64_t SystemRandom::next() {
  uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

void SystemRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    if (n < 0) {
      CHECK(errno == EINTR);
      continue;
    }
    out = out.subspan(static_cast<size_t>(n));
  }
}

SeededRandom::SeededRandom(uint64_t seed) : seed_(seed) {
  uint64_t mixer = seed;
  for (uint64_t& word : state_) word = splitmix64(mixer);
}

// Blackman and Vigna's xoshiro256**.
uint64_t SeededRandom::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

SeededRandom SeededRandom::fork(std::string_view label) const {
  uint64_t hash = 0xcbf29ce484222325 ^ seed_;  // FNV-1a
  for (const char c : label) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return SeededRandom(splitmix64(hash));
}

}  // namespace breakwater
