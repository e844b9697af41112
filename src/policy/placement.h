// Which clusters a Placement chooses, and on which pages of PlacementDecisions they stand.
//
// Pure functions. Rules of Open Cluster Management (cluster/v1beta1): the candidates are the
// clusters of the sets that are bound to the Placement's namespace (and named by spec.clusterSets,
// if that is given); of these it takes those that meet any predicate and whose taints it tolerates.
//
// Bad input freezes: a Placement that cannot be read keeps the clusters it has.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "kube/object.h"

namespace breakwater::policy {

inline constexpr size_t kDecisionsPerPage = 100;

struct PlacementInputs {
  Time now{};
  kube::Object placement;
  std::vector<kube::Object> clusters;  // ManagedClusters
  std::vector<kube::Object> sets;      // ManagedClusterSets
  std::vector<kube::Object> bindings;  // ManagedClusterSetBindings of the Placement's namespace
  std::set<std::string> selected;  // chosen so far; NoSelectIfNew and numberOfClusters keep them
};

struct PlacementChoice {
  std::vector<std::string> clusters;  // sorted
  // Condition PlacementSatisfied, with the reasons that Open Cluster Management gives.
  bool satisfied = false;
  std::string reason;
  std::string message;
  // Not empty: what in spec cannot be used; `clusters` are those chosen so far.
  std::string misconfigured;
  // When a toleration with tolerationSeconds ends.
  std::optional<Duration> again;
};

PlacementChoice choose_clusters(const PlacementInputs& inputs);

// One PlacementDecision: its number n in "<placement>-decision-<n>", and its clusters, sorted.
struct DecisionPage {
  int number = 0;
  std::vector<std::string> clusters;
  friend bool operator==(const DecisionPage&, const DecisionPage&) = default;
};

// The pages that hold exactly `selected` (sorted), at most kDecisionsPerPage each, sorted by
// number. A cluster that stays selected stays on its page, so that no order of writing pages makes
// it absent for a moment. New ones fill pages with room, lowest number first. Page 1 is always
// there, other pages only with clusters on them.
std::vector<DecisionPage> arrange_pages(const std::vector<DecisionPage>& now,
                                        const std::vector<std::string>& selected);

}  // namespace breakwater::policy
