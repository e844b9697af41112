#include "policy/hub.h"

#include "policy/placement_controller.h"
#include "policy/propagator.h"
#include "policy/root_status.h"

namespace breakwater::policy {

std::vector<kube::ControllerSpec> make_hub_controllers(HubSettings settings, HubServices services) {
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(make_cluster_set_controller(services));
  controllers.push_back(make_placement_controller(services));
  for (auto& controller : make_propagation_controllers(settings, services)) {
    controllers.push_back(std::move(controller));
  }
  for (auto& controller : make_policy_status_controllers(settings, services)) {
    controllers.push_back(std::move(controller));
  }
  return controllers;
}

}  // namespace breakwater::policy
