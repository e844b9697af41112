// A work queue of keys: each at most once, now or later, with exponential back-off after failures.
//
// Owned by a Runner and used by its thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/clock.h"
#include "kube/kind.h"

namespace breakwater::kube {

// A key waits (due later) or is ready (due now), never both. Taking a key out leaves nothing of it
// but its count of failures; a key added while its reconcile run lasts is in it again.
class WorkQueue {
 public:
  static constexpr Duration kFirstDelay = std::chrono::milliseconds(5);
  static constexpr Duration kLongestDelay = std::chrono::seconds(60);

  // `clock` outlives the queue.
  explicit WorkQueue(const Clock& clock) : clock_(clock) {}

  // Makes the key ready, even if it waited.
  void add(const Key& key);
  // Ready after `delay`; if it waits already, the earlier time counts.
  void add_after(const Key& key, Duration delay);
  // Ready after kFirstDelay doubled with each failure in a row, at most kLongestDelay.
  void add_failed(const Key& key);
  // Forgets the failures of a key.
  void forget(const Key& key) { failures_.erase(key); }
  int failures(const Key& key) const;

  // Makes ready what is due; returns how many keys are ready.
  size_t ready();
  // Takes out the `index`-th ready key; `index` is below ready(). Any choice is fair as long as the
  // caller draws it evenly.
  Key take(size_t index);
  // When the next key is ready in Clock::monotonic(): zero if one is; nothing if the queue is
  // empty.
  std::optional<Duration> next_due() const;

 private:
  const Clock& clock_;
  std::vector<Key> ready_;
  std::set<Key> is_ready_;
  std::map<Key, Duration> due_;                // waiting keys
  std::set<std::pair<Duration, Key>> by_due_;  // the same, by time
  std::map<Key, int> failures_;
};

}  // namespace breakwater::kube
