// Kubernetes' protobuf bodies, as far as current kubectls send them.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace breakwater::apiserver {

// Current kubectls send custom resources and files as JSON, but what they make up themselves as
// application/vnd.kubernetes.protobuf (1.31: role bindings, 1.33: all of `kubectl create` and
// `auth`). The kinds of which that is to be expected are read; any other kind, and any field that
// would be lost, is kUnsupported. kInvalid is a body that is cut short. Field numbers:
// generated.proto of k8s.io/api and apimachinery.
Result<Json> read_protobuf_body(std::string_view body);

}  // namespace breakwater::apiserver
