#include "policy/bindings.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"

namespace breakwater::policy {
namespace {

using kube::Object;

bool lists(const Object& decision, const std::string& cluster) {
  const auto& items = decision.status()["decisions"].items();
  return std::any_of(items.begin(), items.end(),
                     [&](const Json& item) { return item["clusterName"].as_string() == cluster; });
}

bool says_enforce(const Object& binding) {
  const std::string& action = binding["bindingOverrides"]["remediationAction"].as_string();
  return action == "enforce" || action == "Enforce";
}

std::set<std::string> exclusions_for(const Object& set, const std::string& policy) {
  std::set<std::string> clusters;
  for (const Json& exclusion : set.spec()["exclusions"].items()) {
    if (exclusion["policyName"].as_string() != policy) continue;
    for (const Json& name : exclusion["clusterNames"].items()) clusters.insert(name.as_string());
  }
  return clusters;
}

}  // namespace

Result<PlacingObjects> read_placing(kube::Reader& reader, const std::string& ns) {
  PlacingObjects objects;
  objects.bindings = TRY(reader.list(api::kPlacementBinding, ns));
  objects.sets = TRY(reader.list(api::kPolicySet, ns));
  objects.placements = TRY(reader.list(api::kPlacement, ns));
  objects.decisions = TRY(reader.list(api::kPlacementDecision, ns));
  return objects;
}

std::vector<std::string> members_of(const Object& policy_set) {
  std::vector<std::string> names;
  for (const Json& name : policy_set.spec()["policies"].items()) names.push_back(name.as_string());
  return names;
}

std::set<std::string> clusters_of(const std::vector<Object>& decisions,
                                  const std::string& placement) {
  std::set<std::string> clusters;
  for (const Object& decision : decisions) {
    if (decision.label(api::kPlacementLabel) != placement) continue;
    for (const Json& item : decision.status()["decisions"].items()) {
      clusters.insert(item["clusterName"].as_string());
    }
  }
  return clusters;
}

PlacedPolicy::PlacedPolicy(const PlacingObjects& objects, const std::string& policy)
    : objects_(objects) {
  for (const Object& binding : objects.bindings) {
    if (binding.is_deleting() || binding["placementRef"]["kind"].as_string() != "Placement") {
      continue;
    }
    PlacingWay way{binding.name(),
                   binding["placementRef"]["name"].as_string(),
                   "",
                   {},
                   binding["subFilter"].as_string() == "restricted",
                   says_enforce(binding)};
    for (const Json& subject : binding["subjects"].items()) {
      const std::string& name = subject["name"].as_string();
      if (subject["kind"].as_string() == "Policy" && name == policy) ways_.push_back(way);
      if (subject["kind"].as_string() != "PolicySet") continue;
      for (const Object& set : objects.sets) {
        const auto members = members_of(set);
        if (set.name() != name || std::count(members.begin(), members.end(), policy) == 0) continue;
        PlacingWay by_set = way;
        by_set.policy_set = name;
        by_set.exclusions = exclusions_for(set, policy);
        ways_.push_back(std::move(by_set));
      }
    }
  }
}

bool PlacedPolicy::chooses(const PlacingWay& way, const std::string& cluster) const {
  if (way.exclusions.contains(cluster)) return false;
  return std::any_of(
      objects_.decisions.begin(), objects_.decisions.end(), [&](const Object& decision) {
        return decision.label(api::kPlacementLabel) == way.placement && lists(decision, cluster);
      });
}

std::optional<bool> PlacedPolicy::on(const std::string& cluster) const {
  bool placed = false;
  bool enforce = false;
  for (const PlacingWay& way : ways_) {
    if (!chooses(way, cluster)) continue;
    placed = placed || !way.restricted;
    enforce = enforce || way.enforce;
  }
  return placed ? std::optional(enforce) : std::nullopt;
}

std::set<std::string> PlacedPolicy::clusters() const {
  std::set<std::string> all;
  for (const PlacingWay& way : ways_) {
    if (way.restricted) continue;
    for (const std::string& cluster : clusters_of(objects_.decisions, way.placement)) {
      if (!way.exclusions.contains(cluster)) all.insert(cluster);
    }
  }
  return all;
}

bool PlacedPolicy::certainly_not_on(const std::string& cluster) const {
  bool any = false;
  for (const PlacingWay& way : ways_) {
    if (way.restricted) continue;
    any = true;
    const auto placement =
        std::find_if(objects_.placements.begin(), objects_.placements.end(),
                     [&](const Object& candidate) { return candidate.name() == way.placement; });
    if (placement == objects_.placements.end()) return false;
    const Json& number = placement->status()["numberOfSelectedClusters"];
    const auto listed = static_cast<int64_t>(clusters_of(objects_.decisions, way.placement).size());
    if (!number.is_int() || number.as_int() != listed || chooses(way, cluster)) return false;
  }
  return any;
}

}  // namespace breakwater::policy
