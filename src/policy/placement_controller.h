// The hub's controllers for sets of clusters and for Placements.
#pragma once

#include <vector>

#include "policy/hub.h"

namespace breakwater::policy {

// Keeps PlacementDecisions and the status of each Placement as choose_clusters() says. A Placement
// with the annotation experimental-scheduling-disable: "true" is left to somebody else.
kube::ControllerSpec make_placement_controller(const HubServices& services);

// Makes the built-in sets, says in a set's status whether it is empty and in a binding's whether
// its set is there, and labels ManagedClusters clusterset=default where there is no such label.
kube::ControllerSpec make_cluster_set_controller(const HubServices& services);

}  // namespace breakwater::policy
