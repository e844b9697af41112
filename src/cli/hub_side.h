// The agent's end of the link to a hub, wired: its Runner, its connection, and the controllers that
// start on both Runners once the cluster has joined.
#pragma once

#include <atomic>
#include <string>

#include "base/log.h"
#include "kube/runner.h"
#include "kube/switching_client.h"
#include "policy/hub_link.h"
#include "policy/hub_sync.h"

namespace breakwater::cli {

struct HubSideServices {
  kube::Client& client;   // of the cluster
  kube::Runner& cluster;  // the cluster's
  const Clock& clock;
  Random& random;
  Logger log;
  policy::Connect connect;
};

// Works on two threads: the cluster's Runner's and its own Runner's; each adds controllers to its
// own Runner only.
class HubSide {
 public:
  // What the services refer to outlives this, but for the cluster's Runner: that goes after it
  // has stopped.
  HubSide(policy::HubLinkSettings settings, HubSideServices services);
  // Adds what works without the hub: a cluster that has joined goes on with what it knows.
  Result<> start();
  kube::Runner& runner() { return runner_; }
  // Ends calls to the hub that are under way, and all later ones.
  void stop() { stop_.cancel(); }

 private:
  void on_connected(const std::string& cluster);
  void serve_cluster(const std::string& cluster);
  policy::Tell tell();

  const HubSideServices services_;
  const CancelToken stop_;
  kube::SwitchingClient hub_;
  kube::Runner runner_;
  std::string connected_;  // on the hub's thread: the cluster whose controllers run
  std::string served_;     // on the cluster's thread
};

}  // namespace breakwater::cli
