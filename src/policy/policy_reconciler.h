// What all policies on a cluster do alike: gather, evaluate, enforce, report (private to policy/).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"
#include "kube/events.h"
#include "policy/enforcer.h"
#include "policy/reporter.h"
#include "policy/served_kinds.h"

namespace breakwater::policy {

struct ClusterPolicySettings {
  std::string cluster_id;
  // Where the policy objects are; "" = anywhere on the cluster.
  std::string policy_namespace;
};

// References outlive whoever has them.
struct PolicyServices {
  kube::Reader& reader;
  kube::Client& client;
  kube::EventRecorder& events;
  const Clock& clock;
  Logger log;
};

// One key a cluster: whatever changes, all policy objects of one kind are looked at anew, every
// minute too, because Backups grow old. Of several objects of a kind the oldest works and the
// others say so.
class PolicyReconciler : public kube::Reconciler {
 public:
  PolicyReconciler(kube::Kind kind, ClusterPolicySettings settings, PolicyServices services);
  kube::Outcome reconcile(const kube::Key& key) final;

 protected:
  struct Round {
    Evaluation evaluation;
    Json extra = {};  // Report::extra
  };
  // Reads what the policy needs and evaluates it. An error repeats the round; nothing is reported.
  virtual Result<Round> evaluate(const kube::Object& policy) = 0;

  const ClusterPolicySettings settings_;
  const PolicyServices services_;
  ServedKinds served_;

 private:
  Result<std::vector<kube::Object>> policies();
  // Whether it should be looked at again soon.
  Result<bool> carry_out(const kube::Object& policy, Round round);
  Result<bool> yields_to_product(const kube::Object& policy, Evaluation& evaluation);
  void announce(const std::vector<Finding>& findings);

  const kube::Kind kind_;
  Enforcer enforcer_;
  Reporter reporter_;
  std::set<std::string> announced_;
};

// Every change of the kind, in any namespace, wakes the one key.
kube::Source wakes_policy(const kube::Kind& kind, const std::string& ns = "");

// Whether ACM backs this cluster up as a hub: a MultiClusterHub exists.
Result<bool> is_hub_cluster(ServedKinds& served, kube::Reader& reader);

}  // namespace breakwater::policy
