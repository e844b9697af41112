// Where the PlacementBindings of a namespace put its Policies.
//
// Pure. A binding names a Placement and subjects: Policies, or PolicySets whose members it places.
// A cluster is one of a Placement's if any of its PlacementDecisions lists it. A binding with
// subFilter "restricted" places nothing; it only adds its override where another binding places.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kube/client.h"

namespace breakwater::policy {

// What one namespace says about placing. Everything that concerns a Policy is in its namespace.
struct PlacingObjects {
  std::vector<kube::Object> bindings;
  std::vector<kube::Object> sets;  // PolicySets
  std::vector<kube::Object> placements;
  std::vector<kube::Object> decisions;
};
// From a cache, or live.
Result<PlacingObjects> read_placing(kube::Reader& reader, const std::string& ns);

// One way in which a binding reaches a Policy.
struct PlacingWay {
  std::string binding;
  std::string placement;
  std::string policy_set;            // "" if the binding names the Policy itself
  std::set<std::string> exclusions;  // clusters that the PolicySet excludes for this Policy
  bool restricted = false;
  bool enforce = false;
};

class PlacedPolicy {
 public:
  // `objects` outlives this.
  PlacedPolicy(const PlacingObjects& objects, const std::string& policy);

  // Every way, in the order of the bindings; restricted ones too.
  const std::vector<PlacingWay>& ways() const { return ways_; }
  // Nothing if the Policy is not placed on the cluster, else whether a binding makes it enforce.
  std::optional<bool> on(const std::string& cluster) const;
  std::set<std::string> clusters() const;
  // Whether `cluster` is certainly not chosen: some binding places the Policy, each Placement
  // exists, its decisions are as many as its status says, and none of them lists the cluster.
  bool certainly_not_on(const std::string& cluster) const;

 private:
  bool chooses(const PlacingWay& way, const std::string& cluster) const;
  const PlacingObjects& objects_;
  std::vector<PlacingWay> ways_;
};

// The names of the members of a PolicySet.
std::vector<std::string> members_of(const kube::Object& policy_set);
// The clusters that the PlacementDecisions of `placement` list.
std::set<std::string> clusters_of(const std::vector<kube::Object>& decisions,
                                  const std::string& placement);

}  // namespace breakwater::policy
