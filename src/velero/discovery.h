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
  explicit Discovery(std::vector<DiscoveredKind> kinds, std::vector<std::string> silent = {})
      : kinds_(std::move(kinds)), silent_(std::move(silent)) {}
  const std::vector<DiscoveredKind>& kinds() const { return kinds_; }
  // Groups that exist and did not say what is in them.
  const std::vector<std::string>& silent_groups() const { return silent_; }
  // "persistentvolumeclaims", "virtualmachines.kubevirt.io"; null if the cluster does not serve it.
  const DiscoveredKind* find(std::string_view group_resource) const;

 private:
  std::vector<DiscoveredKind> kinds_;
  std::vector<std::string> silent_;
};

// Called on a thread of the Operations pool.
using Discover = std::function<Result<Discovery>()>;

// Asks the API (/api/v1, /apis, and the preferred version of each group): every kind that can be
// listed, read, created and deleted, once. An error if a group of well_known_kinds() fails to
// answer; any other that does becomes one of silent_groups().
Result<Discovery> discover(kube::Client& client);
// The kinds that a VM and a common application are made of, for a transport without discovery.
Discovery well_known_kinds();

}  // namespace breakwater::velero
