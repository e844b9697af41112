// One cluster's part of the hub's restore ConfigMap (private to the hub's side).
//
// Keys there are "<cluster id>_restoreName", "<cluster id>_2_restoreName" and so on; other fields
// are backupName, vmsUID, namespaceMapping, sourceCluster and allowInexact. One ConfigMap serves
// many clusters, and no cluster gets to see another's keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/evaluation.h"
#include "policy/fleet.h"

namespace breakwater::policy {

// The keys of a ConfigMap taken apart.
struct RestoreKey {
  std::string owner;  // cluster id, or "" if the key has none
  std::string field;  // "restoreName", "2_restoreName"; "" if it is no restore key
};
// `ids`: known cluster ids; one of them may itself end in "_<digits>".
RestoreKey read_restore_key(std::string_view key, const std::vector<ClusterFacts>& fleet);

struct RestorePart {
  Json restore = Json::object();  // field to value; sourceCluster as an id
  bool id_needed = false;  // there are keys with ids, and this cluster has not reported its own
  std::vector<Finding> findings;
};

// Pure. `data` of ConfigMap `config_map` for the cluster `self`; `users` are the clusters that use
// this ConfigMap: keys without an id are accepted if it is only one.
RestorePart restore_part(const Json& data, const kube::Key& config_map, const ClusterFacts& self,
                         const std::vector<ClusterFacts>& fleet, size_t users);

}  // namespace breakwater::policy
