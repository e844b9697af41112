// Which kinds a cluster serves, as far as backups and restores care.
//
// A Discovery is a value that owns the texts its kinds are made of: kube::Kind values taken from it
// are valid while it, or what it was moved to, lives.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/client.h"

namespace breakwater::velero {

struct DiscoveredKind {
  std::string group, version, kind, plural;
  bool namespaced = true;
  bool has_status_subresource = false;

  kube::Kind as_kind() const {
    return {group, version, kind, plural, namespaced, has_status_subresource};
  }
  std::string group_resource() const { return as_kind().group_resource(); }
};

class Discovery {
 public:
  explicit Discovery(std::vector<DiscoveredKind> kinds) : kinds_(std::move(kinds)) {}
  const std::vector<DiscoveredKind>& kinds() const { return kinds_; }
  // "persistentvolumeclaims", "virtualmachines.kubevirt.io"; null if the cluster does not serve it.
  const DiscoveredKind* find(std::string_view group_resource) const;

 private:
  std::vector<DiscoveredKind> kinds_;
};

// Called on a thread of the Operations pool.
using Discover = std::function<Result<Discovery>()>;

// Asks the API (/api/v1, /apis, and the preferred version of each group): every kind that can be
// listed, read, created and deleted, once. A group that fails to answer is left out.
Result<Discovery> discover(kube::Client& client);
// The kinds that a VM and a common application are made of, for a transport without discovery.
Discovery well_known_kinds();

}  // namespace breakwater::velero
