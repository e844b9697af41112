// The hub: registration of clusters, placement, propagation and status on one Runner.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/client.h"
#include "kube/runner.h"
#include "policy/hub.h"

namespace breakwater::cli {

struct HubRoles {
  // Which parts run: "registration", "placement", "propagation". A hub with ACM has them all.
  std::set<std::string> roles = {"registration", "placement", "propagation"};
  policy::HubSettings settings;
};

class Hub {
 public:
  // What the hub needs from outside; everything outlives it.
  struct Environment {
    kube::Client& client;
    const Clock& clock;
    Random& random;  // fit for keys
    Logger log;
  };
  static std::unique_ptr<Hub> create(HubRoles roles, Environment environment);
  virtual ~Hub() = default;
  // Works on the calling thread until `stop` is cancelled; wake() makes it look.
  virtual void run(const CancelToken& stop) = 0;
  virtual void wake() = 0;
  // The Runner, for a simulator that takes one step at a time.
  virtual kube::Runner& runner() = 0;
};

}  // namespace breakwater::cli
