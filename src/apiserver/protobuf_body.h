// Kubernetes' protobuf bodies, as far as current kubectls send them.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace breakwater::apiserver {

// kubectl 1.31 creates RoleBindings and ClusterRoleBindings as application/vnd.kubernetes.protobuf
// and everything else as JSON, so these two kinds are read. kUnsupported names any other kind,
// kInvalid is a body that is cut short. Field numbers: generated.proto of k8s.io/api/rbac/v1,
// apimachinery's meta/v1 and runtime.
Result<Json> read_protobuf_body(std::string_view body);

}  // namespace breakwater::apiserver
