#include "policy/fleet.h"

#include "api/kinds.h"
#include "api/names.h"
#include "kube/selector.h"

namespace breakwater::policy {

using kube::Object;

std::string claim_of(const Object& cluster, std::string_view name) {
  for (const Json& claim : cluster.status()["clusterClaims"].items()) {
    if (claim["name"].as_string() == name) return claim["value"].as_string();
  }
  return "";
}

std::string cluster_id(const Object& cluster) {
  const std::string openshift = claim_of(cluster, api::kClaimOpenShift);
  return openshift.empty() ? claim_of(cluster, api::kClaimKubernetes) : openshift;
}

std::optional<Object> find_set(const std::vector<Object>& sets, std::string_view name) {
  for (const Object& set : sets) {
    if (set.name() == name) return set;
  }
  if (name != kDefaultSet && name != kGlobalSet) return std::nullopt;
  Object built_in = Object::make(api::kManagedClusterSet, {"", std::string(name)});
  built_in.set({"spec", "clusterSelector", "selectorType"},
               name == kDefaultSet ? "ExclusiveClusterSetLabel" : "LabelSelector");
  if (name == kGlobalSet) {
    built_in.set({"spec", "clusterSelector", "labelSelector"}, Json::object());
  }
  return built_in;
}

bool in_set(const Object& set, const Object& cluster) {
  const Json& selector = set.spec()["clusterSelector"];
  if (selector["selectorType"].as_string() == "LabelSelector") {
    const auto labels = kube::LabelSelector::from_json(selector["labelSelector"]);
    return labels && labels->matches(cluster);
  }
  const std::string& label = cluster.label(api::kClusterSetLabel);
  return label == set.name() || (label.empty() && set.name() == kDefaultSet);
}

std::vector<ClusterFacts> facts_of(const std::vector<Object>& clusters) {
  std::vector<ClusterFacts> facts;
  for (const Object& cluster : clusters) {
    facts.push_back({cluster.name(), cluster_id(cluster), cluster.label(api::kVirtConfigLabel)});
  }
  return facts;
}

}  // namespace breakwater::policy
