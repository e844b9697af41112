#include "policy/cluster_policies.h"

#include "policy/backup_controller.h"
#include "policy/install_controller.h"
#include "policy/restore_controller.h"

namespace breakwater::policy {

std::vector<kube::ControllerSpec> make_cluster_policy_controllers(
    const ClusterPolicySettings& settings, kube::Reader& reader, kube::Client& client,
    kube::EventRecorder& events, const Clock& clock, const Logger& log) {
  const PolicyServices services{reader, client, events, clock, log};
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(make_install_policy_controller(settings, services));
  controllers.push_back(make_backup_policy_controller(settings, services));
  controllers.push_back(make_restore_policy_controller(settings, services));
  return controllers;
}

}  // namespace breakwater::policy
