// What travels between a hub and one cluster that has joined it: Policies and Secrets down, status,
// claims and the Lease up.
//
// These controllers run on the Runner of the hub: they read the hub through its cache, and the
// cluster live. A hub that is away changes nothing on the cluster.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"

namespace breakwater::policy {

struct HubSyncServices {
  kube::Reader& hub_reader;
  kube::Client& hub;
  kube::Client& cluster;
  const Clock& clock;
  Logger log;
};

// Controllers for the cluster called `cluster` on the hub, for the hub's Runner:
//   spec-sync       replicated Policies of namespace `cluster` → the same Policies on the cluster
//   secret-sync     Secrets there that bear our managed-by label and that a replica names → the
//                   same on the cluster, as long as a Policy on the cluster names them
//   hub-status      status of the cluster's Policies → their replicas; breakwater.dev/removal-done
//   cluster-lease   renews the Lease managed-cluster-lease
//   cluster-report  ClusterClaims and version → status of the ManagedCluster
std::vector<kube::ControllerSpec> make_hub_sync_controllers(const std::string& cluster,
                                                            HubSyncServices services);

// A controller and a key, as for kube::Runner::enqueue().
using Nudge = std::pair<std::string, kube::Key>;
// What to enqueue once after the controllers have been added.
std::vector<Nudge> first_nudges(const std::string& cluster);

using Tell = std::function<void(const Nudge&)>;
// For the cluster's Runner: tells the hub's Runner of Secrets in namespace breakwater-agent …
kube::ControllerSpec make_link_relay(Tell tell);
// … and, once the cluster's name is known, of its Policies and ClusterClaims.
std::vector<kube::ControllerSpec> make_sync_relays(const std::string& cluster, Tell tell);

// The Policy on the cluster that a replica asks for, given the one that is there, if any: spec,
// labels and annotations are the replica's; the acknowledgement of a removal stays as long as it
// answers what the hub asks.
kube::Object local_policy(const kube::Object& replica, const kube::Object* local);

}  // namespace breakwater::policy
