// The agent's controller for the restore policy (private to policy/).
#pragma once

#include "policy/policy_reconciler.h"

namespace breakwater::policy {

kube::ControllerSpec make_restore_policy_controller(ClusterPolicySettings settings,
                                                    PolicyServices services);

}  // namespace breakwater::policy
