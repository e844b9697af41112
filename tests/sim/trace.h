// What happened in one run, as lines. Their hash tells whether two runs were the same; the last of
// them tell a reader what led to a failure. Thread-safe: repositories keep threads for their locks.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace breakwater::sim {

class Trace {
 public:
  // `clock` outlives this.
  explicit Trace(const Clock& clock) : clock_(clock) {}

  // Part of the hash: nothing in it may depend on the machine (no paths, no real time).
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    for (const char c : line) mix(static_cast<unsigned char>(c));
    mix(static_cast<uint64_t>(clock_.monotonic().count()));
    keep(line);
  }
  // For readers only.
  void note(const std::string& line) {
    const std::lock_guard lock(mutex_);
    keep("  " + line);
  }
  void mix_in(uint64_t number) {
    const std::lock_guard lock(mutex_);
    mix(number);
  }
  uint64_t hash() const { return hash_; }
  // The last lines, oldest first.
  std::string tail() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  static constexpr size_t kKept = 120;
  static constexpr size_t kLongest = 400;

  void mix(uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3; }  // FNV-1a
  void keep(const std::string& line) {
    const double seconds = std::chrono::duration<double>(clock_.monotonic()).count();
    lines_.push_back(fmt::format("{:9.3f} {}", seconds, line.substr(0, kLongest)));
    if (lines_.size() > kKept) lines_.pop_front();
  }

  const Clock& clock_;
  mutable std::mutex mutex_;
  uint64_t hash_ = 0xcbf29ce484222325;
  std::deque<std::string> lines_;
};

}  // namespace breakwater::sim
