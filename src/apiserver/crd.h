// CustomResourceDefinitions (apiextensions.k8s.io/v1): what they define and what their status says.
#pragma once

#include <vector>

#include "apiserver/registry.h"
#include "base/time.h"
#include "kube/object.h"

namespace breakwater::apiserver {

// The kinds of all served versions. kInvalid lists every field that is wrong, among them schemas
// that are not structural and patterns that are no regular expressions.
Result<std::vector<ServedKindPtr>> kinds_of_crd(const Json& crd);

// With the status of a definition whose names are accepted and whose kinds are served: there is no
// second definition of the same names to wait for. Fills in what spec.names leaves out.
kube::Object established(kube::Object crd, Time now);

}  // namespace breakwater::apiserver
