// One Policy on one cluster: its replica on the hub, from its first write to its confirmed removal.
//
// The removal protocol (nothing is ever removed because something is absent): the hub annotates the
// replica `breakwater.dev/removal: disabled|deleted|unplaced`; the cluster's agent takes away what
// the policy created and answers with `removal-done`; then the hub deletes the replica. "disabled"
// is written in the root Policy, and a ManagedCluster that is being deleted is "unplaced";
// otherwise "deleted" and "unplaced" have to be confirmed by live reads over HubSettings::confirm.
// A cluster that has lost its Placement, its bindings or a page of decisions keeps its replica as
// it is.
#pragma once

#include <memory>

#include "policy/hub.h"
#include "policy/hub_secrets.h"

namespace breakwater::policy {

// Keys: {cluster, name of the replica}.
std::unique_ptr<kube::Reconciler> make_replica_reconciler(const HubSettings& settings,
                                                          const HubServices& services,
                                                          std::shared_ptr<HubSecrets> secrets);

}  // namespace breakwater::policy
