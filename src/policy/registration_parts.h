// The second half of registration.h: how the clusters are. Private to the module.
#pragma once

#include "policy/registration.h"

namespace breakwater::policy {

// Controller "managed-cluster" of make_registration_controllers().
kube::ControllerSpec make_managed_cluster_controller(RegistrationServices services);

}  // namespace breakwater::policy
