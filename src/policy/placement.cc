#include "policy/placement.h"

#include <algorithm>
#include <map>

#include "api/names.h"
#include "kube/selector.h"
#include "policy/fleet.h"

namespace breakwater::policy {
namespace {

using kube::Object;

// A claim may hold what no label may, so kube::LabelSelector does not serve.
struct ClaimRequirement {
  std::string name;
  std::string op;
  std::vector<std::string> values;

  bool met_by(const Object& cluster) const {
    const std::string value = claim_of(cluster, name);
    const bool among = std::find(values.begin(), values.end(), value) != values.end();
    if (op == "In") return !value.empty() && among;
    if (op == "NotIn") return value.empty() || !among;
    return (op == "Exists") == !value.empty();
  }
};

struct Predicate {
  kube::LabelSelector labels;
  std::vector<ClaimRequirement> claims;

  bool met_by(const Object& cluster) const {
    return labels.matches(cluster) &&
           std::all_of(claims.begin(), claims.end(),
                       [&](const ClaimRequirement& claim) { return claim.met_by(cluster); });
  }
};

Result<ClaimRequirement> read_claim(const Json& expression) {
  ClaimRequirement claim{expression["key"].as_string(), expression["operator"].as_string(), {}};
  for (const Json& value : expression["values"].items()) claim.values.push_back(value.as_string());
  const bool wants_values = claim.op == "In" || claim.op == "NotIn";
  if (!wants_values && claim.op != "Exists" && claim.op != "DoesNotExist") {
    return fail(Code::kInvalid,
                "claimSelector: operator \"{}\" of {} must be In, NotIn, Exists or DoesNotExist",
                claim.op, claim.name);
  }
  if (wants_values == claim.values.empty()) {
    return fail(Code::kInvalid, "claimSelector: {} of {} {}", claim.op, claim.name,
                wants_values ? "needs values" : "takes no values");
  }
  return claim;
}

Result<std::vector<Predicate>> read_predicates(const Json& spec) {
  std::vector<Predicate> predicates;
  for (const Json& item : spec["predicates"].items()) {
    const Json& required = item["requiredClusterSelector"];
    if (!required["celSelector"]["celExpressions"].empty()) {
      return fail(Code::kUnsupported,
                  "celSelector is not supported: use labelSelector or claimSelector");
    }
    Predicate predicate;
    auto labels = kube::LabelSelector::from_json(required["labelSelector"]);
    predicate.labels = TRY(while_doing(std::move(labels), "reading labelSelector"));
    for (const Json& expression : required["claimSelector"]["matchExpressions"].items()) {
      predicate.claims.push_back(TRY(read_claim(expression)));
    }
    predicates.push_back(std::move(predicate));
  }
  return predicates;
}

// Tolerated for how much longer: nothing is for ever, zero is not at all.
std::optional<Duration> tolerated_for(const Json& toleration, const Json& taint, Time now) {
  const std::string& key = toleration["key"].as_string();
  const bool exists = toleration["operator"].as_string() == "Exists";
  const std::string& effect = toleration["effect"].as_string();
  const bool same_key = key == taint["key"].as_string() || (key.empty() && exists);
  const bool same_value = exists || toleration["value"].as_string() == taint["value"].as_string();
  const bool same_effect = effect.empty() || effect == taint["effect"].as_string();
  if (!same_key || !same_value || !same_effect) return Duration::zero();
  if (!toleration.has("tolerationSeconds")) return std::nullopt;
  const auto added = parse_rfc3339(taint["timeAdded"].as_string());
  if (!added) return std::nullopt;
  const Duration left =
      *added + std::chrono::seconds(toleration["tolerationSeconds"].as_int()) - now;
  return std::max(left, Duration::zero());
}

// What a cluster's taints do to it.
struct Taints {
  bool refused = false;
  bool disliked = false;  // PreferNoSelect
};

class Chooser {
 public:
  explicit Chooser(const PlacementInputs& inputs)
      : inputs_(inputs), spec_(inputs.placement.spec()) {}

  PlacementChoice choose() {
    const auto predicates = read_predicates(spec_);
    if (!predicates) {
      choice_.clusters.assign(inputs_.selected.begin(), inputs_.selected.end());
      choice_.misconfigured = predicates.error().to_string();
      conclude("Misconfigured", "the clusters chosen so far stay: " + choice_.misconfigured);
      return std::move(choice_);
    }
    const std::vector<Object> sets = bound_sets();
    if (sets.empty()) return std::move(choice_);
    take(sets, *predicates);
    return std::move(choice_);
  }

 private:
  void conclude(std::string_view reason, std::string message) {
    choice_.satisfied = reason == "AllDecisionsScheduled";
    choice_.reason = reason;
    choice_.message = std::move(message);
  }

  std::vector<Object> bound_sets() {
    std::set<std::string> named;
    for (const Json& name : spec_["clusterSets"].items()) named.insert(name.as_string());
    std::vector<Object> sets;
    size_t bound = 0;
    for (const Object& binding : inputs_.bindings) {
      const std::string& name = binding.spec()["clusterSet"].as_string();
      if (binding.is_deleting() || name != binding.name()) continue;
      const auto set = find_set(inputs_.sets, name);
      if (!set) continue;
      ++bound;
      if (named.empty() || named.contains(name)) sets.push_back(*set);
    }
    const std::string& ns = inputs_.placement.ns();
    if (bound == 0) {
      conclude("NoManagedClusterSetBindings",
               fmt::format("no ManagedClusterSet is bound to namespace {}: a "
                           "ManagedClusterSetBinding named as its set is needed there",
                           ns));
    } else if (sets.empty()) {
      conclude("NoIntersection",
               fmt::format("none of spec.clusterSets is bound to namespace {}", ns));
    }
    return sets;
  }

  Taints taints_of(const Object& cluster) {
    Taints result;
    for (const Json& taint : cluster.spec()["taints"].items()) {
      std::optional<Duration> longest = Duration::zero();
      for (const Json& toleration : spec_["tolerations"].items()) {
        const auto left = tolerated_for(toleration, taint, inputs_.now);
        if (!left || (longest && *left > *longest)) longest = left;
        if (!longest) break;
      }
      if (!longest) continue;
      if (*longest > Duration::zero()) {
        choice_.again = choice_.again ? std::min(*choice_.again, *longest) : *longest;
        continue;
      }
      const std::string& effect = taint["effect"].as_string();
      const bool here = inputs_.selected.contains(cluster.name());
      if (effect == "PreferNoSelect") result.disliked = true;
      if (effect == "NoSelect" || (effect == "NoSelectIfNew" && !here)) result.refused = true;
    }
    return result;
  }

  void take(const std::vector<Object>& sets, const std::vector<Predicate>& predicates) {
    // Best first: not disliked, chosen already, by name.
    std::set<std::tuple<bool, bool, std::string>> ranked;
    bool candidates = false;
    for (const Object& cluster : inputs_.clusters) {
      const bool member = std::any_of(sets.begin(), sets.end(),
                                      [&](const Object& set) { return in_set(set, cluster); });
      if (!member || cluster.is_deleting()) continue;
      candidates = true;
      const bool wanted = predicates.empty() || std::any_of(predicates.begin(), predicates.end(),
                                                            [&](const Predicate& predicate) {
                                                              return predicate.met_by(cluster);
                                                            });
      if (!wanted) continue;
      const Taints taints = taints_of(cluster);
      if (taints.refused) continue;
      const bool is_new = !inputs_.selected.contains(cluster.name());
      ranked.emplace(taints.disliked, is_new, cluster.name());
    }
    const Json& number = spec_["numberOfClusters"];
    const size_t most = number.is_int() ? static_cast<size_t>(std::max<int64_t>(0, number.as_int()))
                                        : ranked.size();
    for (const auto& [disliked, is_new, name] : ranked) {
      if (choice_.clusters.size() < most) choice_.clusters.push_back(name);
    }
    std::sort(choice_.clusters.begin(), choice_.clusters.end());
    if (!candidates) {
      conclude("AllManagedClusterSetsEmpty", "the ManagedClusterSets bound hold no cluster");
    } else if (ranked.empty()) {
      conclude("NoManagedClusterMatched", "no ManagedCluster meets any predicate");
    } else if (choice_.clusters.size() < most) {
      conclude("NotAllDecisionsScheduled", fmt::format("{} of {} clusters asked for were found",
                                                       choice_.clusters.size(), most));
    } else {
      conclude("AllDecisionsScheduled", "all cluster decisions are scheduled");
    }
  }

  const PlacementInputs& inputs_;
  const Json& spec_;
  PlacementChoice choice_;
};

}  // namespace

PlacementChoice choose_clusters(const PlacementInputs& inputs) { return Chooser(inputs).choose(); }

std::vector<DecisionPage> arrange_pages(const std::vector<DecisionPage>& now,
                                        const std::vector<std::string>& selected) {
  std::set<std::string> homeless(selected.begin(), selected.end());
  std::map<int, std::vector<std::string>> pages;
  pages[1];
  for (const DecisionPage& page : now) {
    auto& kept = pages[page.number];
    for (const std::string& cluster : page.clusters) {
      if (kept.size() < kDecisionsPerPage && homeless.erase(cluster) > 0) kept.push_back(cluster);
    }
  }
  int number = 1;
  for (const std::string& cluster : homeless) {
    while (pages[number].size() >= kDecisionsPerPage) ++number;
    pages[number].push_back(cluster);
  }
  std::vector<DecisionPage> result;
  for (auto& [page, clusters] : pages) {
    if (clusters.empty() && page != 1) continue;
    std::sort(clusters.begin(), clusters.end());
    result.push_back({page, std::move(clusters)});
  }
  return result;
}

}  // namespace breakwater::policy
