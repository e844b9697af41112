// What every cluster has from the start: namespaces, roles and bindings.
#pragma once

#include <vector>

#include "kube/object.h"

namespace breakwater::apiserver {

// In the order in which they can be created.
std::vector<kube::Object> bootstrap_objects();

}  // namespace breakwater::apiserver
