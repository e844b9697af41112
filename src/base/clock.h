// Time comes in through a Clock, so that tests and the simulator decide what time it is.
#pragma once

#include <atomic>

#include "base/time.h"

namespace breakwater {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time. May jump when the machine's clock is set.
  virtual Time now() const = 0;
  // Time since an arbitrary start that never goes back; for timeouts and rates.
  virtual Duration monotonic() const = 0;
};

// The machine's clock. Thread-safe.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  Duration monotonic() const override;
};

// A clock that stands still until told. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start) : start_(start) {}
  Time now() const override { return start_ + monotonic(); }
  Duration monotonic() const override { return Duration(elapsed_.load()); }
  void advance(Duration by) { elapsed_ += by.count(); }

 private:
  const Time start_;
  std::atomic<int64_t> elapsed_{0};
};

}  // namespace breakwater
