// Who is asking, and whether they may: bearer tokens, client certificates, RBAC.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "kube/client.h"

namespace breakwater::apiserver {

struct User {
  std::string name;  // "admin", "system:serviceaccount:ns:name"
  std::vector<std::string> groups;
  std::string uid;

  bool in_group(std::string_view group) const;
};

// May do everything: group system:masters.
User admin_user();
User anonymous_user();
User service_account_user(std::string_view ns, std::string_view name);

// One access to be judged, as in a SelfSubjectAccessReview.
struct Access {
  std::string verb;  // get, list, watch, create, update, patch, delete, deletecollection
  std::string group, resource, subresource, ns, name;
  std::string path;  // not empty: a path that is no resource ("/version")
};

struct Verdict {
  bool allowed = false;
  std::string reason;  // which binding allowed it; "" otherwise
};

// RBAC as Kubernetes defines it: (Cluster)RoleBindings that name the user, one of their groups or
// their service account, and the rules of the (Cluster)Roles they refer to ("*", resourceNames,
// "pods/log", nonResourceURLs). system:masters may everything. Reads the objects through `reader`.
Verdict authorize(kube::Reader& reader, const User& user, const Access& access);

// kForbidden, in Kubernetes' words, unless authorize() allows it.
Result<> require_access(kube::Reader& reader, const User& user, const Access& access);

}  // namespace breakwater::apiserver
