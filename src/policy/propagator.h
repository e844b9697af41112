// Root Policies to replicas: which clusters need another look when something changes.
//
// The work on one cluster is policy/replica.h's. This part knows what a change concerns: a change
// of a Policy, binding or set concerns all its clusters, a change of decisions only clusters that
// come or go, a change of a ConfigMap only the clusters whose configuration is in it.
#pragma once

#include <memory>
#include <vector>

#include "policy/hub.h"
#include "policy/hub_secrets.h"

namespace breakwater::policy {

// Controllers kPropagatorController, kReplicaController and kHubSecretController.
std::vector<kube::ControllerSpec> make_propagation_controllers(const HubSettings& settings,
                                                               const HubServices& services);

// Root Policies of a namespace (replicas are none).
std::vector<kube::Object> roots_in(kube::Reader& reader, const std::string& ns);
// Maps an object of a namespace to the root Policies there.
kube::Mapper map_to_roots(kube::Reader& reader);

}  // namespace breakwater::policy
