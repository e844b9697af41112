// The agent of one cluster: backup policy, engine and mover on one Runner.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/client.h"
#include "kube/operations.h"
#include "kube/runner.h"

namespace breakwater::cli {

struct AgentSettings {
  std::string ns = "openshift-adp";  // of Velero's objects
  // Which roles run: "policy", "engine", "mover". A cluster with OADP runs no engine.
  std::set<std::string> roles = {"policy", "engine", "mover"};
};

// The id of a cluster: ClusterClaim id.openshift.io, else id.k8s.io, which is made from the uid of
// namespace kube-system if it is absent.
Result<std::string> cluster_id(kube::Client& client);

class Agent {
 public:
  // What the agent needs from outside; everything but `operations` outlives it.
  struct Environment {
    kube::Client& client;
    const Clock& clock;
    Random& random;  // used on the threads of `operations` too
    Logger log;
    std::unique_ptr<kube::Operations> operations;  // for object-store I/O
  };
  // Reads the cluster's id, so the API must answer.
  static Result<std::unique_ptr<Agent>> create(AgentSettings settings, Environment environment);
  virtual ~Agent() = default;
  // Works on the calling thread until `stop` is cancelled; wake() makes it look.
  virtual void run(const CancelToken& stop) = 0;
  virtual void wake() = 0;
  // The Runner, for a simulator that takes one step at a time.
  virtual kube::Runner& runner() = 0;
};

}  // namespace breakwater::cli
