// How many moves are under way, in both directions together. Used by the Runner's thread.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "mover/settings.h"

namespace breakwater::mover {

class Slots {
 public:
  // `environment` outlives this.
  Slots(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment) {}

  // Whether one more move may start; if so it counts from now on. What counts is what the cache
  // shows as Accepted to Canceling, and what was taken here and is not in the cache yet. Repeating
  // it is harmless.
  Result<bool> take(const kube::Kind& kind, const kube::Key& key);
  void release(const kube::Kind& kind, const kube::Key& key);

 private:
  using Name = std::pair<std::string, kube::Key>;
  const Settings& settings_;
  const Environment& environment_;
  std::set<Name> taken_;
};

// Whether a phase takes a slot: Accepted, Prepared, InProgress, Canceling.
bool is_active(std::string_view phase);

}  // namespace breakwater::mover
