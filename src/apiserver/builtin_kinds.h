// The kinds this API serves without a CustomResourceDefinition, with Kubernetes' printer columns.
//
// Their objects are stored as they come: no schema, only the rules of apiserver/builtin_rules.h.
#pragma once

#include <vector>

#include "apiserver/registry.h"

namespace breakwater::apiserver {

// Sorted by group, version, plural. A fresh list on every call.
std::vector<ServedKindPtr> builtin_kinds();

}  // namespace breakwater::apiserver
