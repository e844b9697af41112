// The agent of one cluster: the link to its hub, the policies, and an engine and a mover for each
// namespace that has a DataProtectionApplication.
//
// Two Runners: one for the cluster, one for the hub, so that a hub that is away or slow holds up
// nothing here.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/client.h"
#include "kube/operations.h"
#include "kube/runner.h"
#include "policy/hub_link.h"

namespace breakwater::cli {

struct AgentSettings {
  // Which parts run: "link", "policy", "engine", "mover". A cluster with OADP has Velero for the
  // engine; one whose policies travel by ACM needs no link.
  std::set<std::string> roles = {"link", "policy", "engine", "mover"};
  policy::HubLinkSettings link;
};

// The id of a cluster: ClusterClaim id.openshift.io, else id.k8s.io, which is made from the uid of
// namespace kube-system if it is absent.
Result<std::string> cluster_id(kube::Client& client);
// Connects over HTTPS. `log` goes to every client.
policy::Connect connect_over_https(Logger log);

class Agent {
 public:
  // What the agent needs from outside; everything but `operations` outlives it.
  struct Environment {
    kube::Client& client;
    const Clock& clock;
    // Used on the threads of `operations` and of the hub's Runner too.
    Random& random;
    Logger log;
    std::unique_ptr<kube::Operations> operations;  // for object-store I/O
    policy::Connect connect;                       // to the hub; null: over HTTPS
  };
  // Reads the cluster's id, so the API must answer.
  static Result<std::unique_ptr<Agent>> create(AgentSettings settings, Environment environment);
  virtual ~Agent() = default;
  // Works on the calling thread, and for the hub on one of its own, until `stop` is cancelled;
  // wake() makes it look.
  virtual void run(const CancelToken& stop) = 0;
  virtual void wake() = 0;

  // For a simulator, which takes one step at a time on one thread. step() lets one Runner take a
  // step, in an order drawn from `random`; whether there was anything to do.
  virtual bool step() = 0;
  virtual bool ready() const = 0;
  virtual std::optional<Duration> next_due() const = 0;
  virtual uint64_t trace_hash() const = 0;
  // The cluster's, then the hub's if there is a link.
  virtual std::vector<kube::Runner*> runners() = 0;
  kube::Runner& runner() { return *runners().front(); }
};

}  // namespace breakwater::cli
