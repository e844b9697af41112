// The agent's controller for the backup policy (private to policy/).
#pragma once

#include "policy/policy_reconciler.h"

namespace breakwater::policy {

kube::ControllerSpec make_backup_policy_controller(ClusterPolicySettings settings,
                                                   PolicyServices services);

}  // namespace breakwater::policy
