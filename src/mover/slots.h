// How many moves are under way at once, among those that share a limit. Used by the Runner's
// thread.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mover/settings.h"

namespace breakwater::mover {

class Slots {
 public:
  // Moves of `kinds` in `ns` ("" = all namespaces) whose children are in the engine's namespace
  // count together; `limit` is asked every time. `environment` and `settings` outlive this.
  using Limit = std::function<Result<int>()>;
  Slots(const Settings& settings, const Environment& environment, std::vector<kube::Kind> kinds,
        std::string ns, Limit limit);

  // Whether one more move may start; if so it counts from now on. What counts is what the cache
  // shows in a stage that takes a slot, and what was taken here and is not in the cache yet. So a
  // start or a crash of the process loses and invents nothing. Repeating it is harmless.
  Result<bool> take(const kube::Kind& kind, const kube::Key& key);
  void release(const kube::Kind& kind, const kube::Key& key);

 private:
  using Name = std::pair<std::string, kube::Key>;
  const Settings& settings_;
  const Environment& environment_;
  const std::vector<kube::Kind> kinds_;
  const std::string ns_;
  const Limit limit_;
  std::set<Name> taken_;
};

}  // namespace breakwater::mover
