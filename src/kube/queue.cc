#include "kube/queue.h"

#include <algorithm>

#include "base/check.h"

namespace breakwater::kube {

void WorkQueue::add(const Key& key) {
  if (auto waiting = due_.find(key); waiting != due_.end()) {
    by_due_.erase({waiting->second, key});
    due_.erase(waiting);
  }
  if (is_ready_.insert(key).second) ready_.push_back(key);
}

void WorkQueue::add_after(const Key& key, Duration delay) {
  if (delay <= Duration::zero()) return add(key);
  if (is_ready_.contains(key)) return;
  const Duration due = clock_.monotonic() + delay;
  const auto [waiting, added] = due_.try_emplace(key, due);
  if (!added) {
    if (waiting->second <= due) return;
    by_due_.erase({waiting->second, key});
    waiting->second = due;
  }
  by_due_.insert({due, key});
}

void WorkQueue::add_failed(const Key& key) {
  constexpr int kMostDoublings = 14;  // 5 ms doubled 14 times is past a minute
  const int before = failures_[key]++;
  const Duration delay = kFirstDelay * (int64_t{1} << std::min(before, kMostDoublings));
  add_after(key, std::min(delay, kLongestDelay));
}

int WorkQueue::failures(const Key& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

size_t WorkQueue::ready() {
  const Duration now = clock_.monotonic();
  while (!by_due_.empty() && by_due_.begin()->first <= now) {
    const Key key = by_due_.begin()->second;
    add(key);
  }
  return ready_.size();
}

Key WorkQueue::take(size_t index) {
  CHECK(index < ready_.size());
  Key key = std::move(ready_[index]);
  if (index + 1 != ready_.size()) ready_[index] = std::move(ready_.back());
  ready_.pop_back();
  is_ready_.erase(key);
  return key;
}

std::optional<Duration> WorkQueue::next_due() const {
  if (!ready_.empty()) return Duration::zero();
  if (by_due_.empty()) return std::nullopt;
  return by_due_.begin()->first;
}

}  // namespace breakwater::kube
