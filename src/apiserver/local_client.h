// The in-process transport: access rules, then the verbs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apiserver/access.h"
#include "apiserver/core.h"
#include "kube/client.h"

namespace breakwater::apiserver {

// Answers GET of paths that are no objects (discovery, logs).
using RawHandler = std::function<Result<std::string>(const User&, const std::string& path)>;

// All references outlive the client. `policy` is read for access rules, without being judged
// itself.
std::unique_ptr<kube::Client> make_local_client(Core& core, const Registry& registry,
                                                kube::Reader* policy, RawHandler raw, User user);

}  // namespace breakwater::apiserver
