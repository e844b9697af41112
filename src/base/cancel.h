// Bounds on work: a point in time after which to give up, and a flag that says to stop.
#pragma once

#include <atomic>
#include <memory>

#include "base/error.h"

namespace breakwater {

// A flag that one side sets and others look at. Copies share the flag. Thread-safe.
class CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
  void cancel() const { flag_->store(true, std::memory_order_relaxed); }
  bool cancelled() const { return flag_->load(std::memory_order_relaxed); }
  // kCancelled once the flag is set.
  Result<> check() const;

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

}  // namespace breakwater
