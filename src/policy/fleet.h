// What the hub knows of its clusters: ids, configuration names, sets.
//
// Pure functions over ManagedClusters and their sets (Open Cluster Management, cluster/v1 and
// v1beta2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

namespace breakwater::policy {

// The two sets that are always there: clusters that nobody put elsewhere, and all clusters.
inline constexpr std::string_view kDefaultSet = "default";
inline constexpr std::string_view kGlobalSet = "global";

// The value of a claim that a ManagedCluster reported (status.clusterClaims), or "".
std::string claim_of(const kube::Object& cluster, std::string_view name);

// Claim id.openshift.io, else id.k8s.io; "" as long as the cluster has reported neither.
std::string cluster_id(const kube::Object& cluster);

// A ManagedClusterSet by name: that of `sets`, else the built-in one, else nothing.
std::optional<kube::Object> find_set(const std::vector<kube::Object>& sets, std::string_view name);

// Whether `cluster` belongs to `set`: by the label clusterset, which also puts clusters without one
// into the default set, or by the set's own label selector. A selector that cannot be read has no
// members.
bool in_set(const kube::Object& set, const kube::Object& cluster);

// One cluster as other clusters' restore keys may name it.
struct ClusterFacts {
  std::string name;
  std::string id;      // "" if unknown
  std::string config;  // value of the label acm-virt-config
};
std::vector<ClusterFacts> facts_of(const std::vector<kube::Object>& clusters);

}  // namespace breakwater::policy
