// Informers: a local copy of every kind and namespace that somebody watches, kept current by list
// and watch, and readable like the API itself.
//
// Owned by a Runner and used by its thread only. A Cache lists a kind on first use, then follows
// its watch; it lists again when the history is gone (410) and resumes when the stream ends. What
// it returns may lag behind the API, but never behind what its subscribers were told: once somebody
// follows all namespaces of a kind, everybody reads and hears from that one copy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"

namespace breakwater::kube {

class Cache final : public Reader {
 public:
  // `client` and `clock` outlive the cache.
  Cache(Client& client, const Clock& clock, Logger log);
  ~Cache() override;

  // From the local copy. A kind and namespace that nobody has asked for before is listed now (one
  // API call) and followed from then on; if that fails, the error is returned.
  Result<Object> get(const Kind& kind, const Key& key, const Call& call = {}) override;
  Result<std::vector<Object>> list(const Kind& kind, const std::string& ns,
                                   const LabelSelector& labels = {},
                                   const Call& call = {}) override;

  // Calls `on_change` for every object that appears, changes or goes (with its last state) in what
  // follows. Starts following the kind.
  using OnChange = std::function<void(const Object&)>;
  void subscribe(const Kind& kind, const std::string& ns, OnChange on_change);

  // Takes in what has arrived; lists and watches what is due for it. Returns whether anything came.
  bool pump();
  // When pump() has something to do although nothing arrives (a retry), in Clock::monotonic().
  std::optional<Duration> next_due() const;
  // Called from any thread when pump() has something to do.
  void set_wake(std::function<void()> wake);
  // True once everything subscribed to has been listed.
  bool synced() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace breakwater::kube
