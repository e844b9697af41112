// The policies that run on a cluster, as controllers for the agent's Runner.
//
//   install-policy   VirtInstallPolicy: namespace, Secrets, DataProtectionApplication, OADP
//   backup-policy    VirtBackupPolicy: Schedules, VirtualMachineProtections, the summary
//   restore-policy   VirtRestorePolicy: Restores, ReadOnly locations of other clusters
//
// They need nothing but these objects on the cluster, however they came there: by our own hub, by
// ACM, or by kubectl.
#pragma once

#include <vector>

#include "policy/policy_reconciler.h"

namespace breakwater::policy {

// All references outlive the controllers.
std::vector<kube::ControllerSpec> make_cluster_policy_controllers(
    const ClusterPolicySettings& settings, kube::Reader& reader, kube::Client& client,
    kube::EventRecorder& events, const Clock& clock, const Logger& log);

}  // namespace breakwater::policy
