// What Kubernetes does to objects of its own kinds when they are written: the defaults and checks
// that those who use this API rely on.
#pragma once

#include <string>
#include <vector>

#include "apiserver/registry.h"
#include "base/time.h"
#include "kube/object.h"

namespace breakwater::apiserver {

// A new object with defaults and its first status. `kind` is built in.
kube::Object new_builtin(const ServedKind& kind, kube::Object object, Time now);
// An object about to replace `old`, with what must follow from the change.
kube::Object changed_builtin(const ServedKind& kind, const kube::Object& old, kube::Object object,
                             Time now);
// Appends what is wrong with `object`; `old` is null JSON for a new one.
void check_builtin(const ServedKind& kind, const kube::Object& old, const kube::Object& object,
                   std::vector<std::string>& causes);

// Namespaces that must not be deleted.
bool is_protected_namespace(std::string_view name);

}  // namespace breakwater::apiserver
