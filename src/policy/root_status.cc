#include "policy/root_status.h"

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/propagator.h"
#include "policy/resolve.h"

namespace breakwater::policy {
namespace {

using kube::Key;
using kube::Object;

constexpr const char* kCompliant = "Compliant";
constexpr const char* kNonCompliant = "NonCompliant";
constexpr const char* kPendingState = "Pending";

Json placement_json(const PlacedPolicy& placed) {
  Json list = Json::array();
  for (const PlacingWay& way : placed.ways()) {
    if (way.restricted) continue;
    Json entry = Json::object({{"placementBinding", way.binding}, {"placement", way.placement}});
    if (!way.policy_set.empty()) entry.set("policySet", way.policy_set);
    if (!way.exclusions.empty()) {
      Json excluded = Json::array();
      for (const std::string& cluster : way.exclusions) excluded.push_back(cluster);
      entry.set("exclusions", std::move(excluded));
    }
    list.push_back(std::move(entry));
  }
  return list;
}

// "a, b"
std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// What the members of a set report, by kind of answer.
struct Members {
  std::vector<std::string> compliances, disabled, unknown, deleted, pending;

  std::string message() const {
    std::string text;
    const auto add = [&](std::string_view what, const std::vector<std::string>& names) {
      if (names.empty()) return;
      text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", what, joined(names));
    };
    add("Policies awaiting pending dependencies", pending);
    add("Disabled policies", disabled);
    add("No status provided while awaiting policy status", unknown);
    add("Deleted policies", deleted);
    return text.empty() ? "All policies are reporting status" : text;
  }
};

std::string compliance_on(const Object& root, const std::set<std::string>& clusters) {
  std::vector<std::string> found;
  for (const Json& entry : root.status()["status"].items()) {
    if (clusters.contains(entry["clustername"].as_string())) {
      found.push_back(entry["compliant"].as_string());
    }
  }
  return worst_of(found);
}

}  // namespace

std::string worst_of(const std::vector<std::string>& compliances) {
  for (const char* state : {kNonCompliant, kPendingState}) {
    if (std::count(compliances.begin(), compliances.end(), state) > 0) return state;
  }
  const auto compliant = std::count(compliances.begin(), compliances.end(), kCompliant);
  const bool all = !compliances.empty() && compliant == std::ssize(compliances);
  return all ? kCompliant : "";
}

Json root_status(const Object& root, const PlacingObjects& objects,
                 const std::map<std::string, Object>& replicas) {
  const PlacedPolicy placed(objects, root.name());
  std::set<std::string> clusters;
  if (!root.spec()["disabled"].as_bool()) clusters = placed.clusters();
  for (const auto& [cluster, replica] : replicas) clusters.insert(cluster);
  Json entries = Json::array();
  std::vector<std::string> compliances;
  for (const std::string& cluster : clusters) {
    const auto replica = replicas.find(cluster);
    const std::string compliant =
        replica == replicas.end() ? "" : replica->second.status()["compliant"].as_string();
    compliances.push_back(compliant);
    Json entry = Json::object({{"clustername", cluster}, {"clusternamespace", cluster}});
    if (!compliant.empty()) entry.set("compliant", compliant);
    entries.push_back(std::move(entry));
  }
  Json status = Json::object();
  const std::string worst = worst_of(compliances);
  if (!worst.empty()) status.set("compliant", worst);
  Json placement = placement_json(placed);
  if (!placement.empty()) status.set("placement", std::move(placement));
  if (!entries.empty()) status.set("status", std::move(entries));
  return status;
}

Json policy_set_status(const Object& set, const PlacingObjects& objects,
                       const std::map<std::string, Object>& roots) {
  Json status = Json::object();
  const std::vector<std::string> names = members_of(set);
  if (names.empty()) return status;
  Members members;
  std::map<std::string, Json> placements;  // by binding
  for (const std::string& name : names) {
    const auto root = roots.find(name);
    if (root == roots.end()) {
      members.deleted.push_back(name);
      continue;
    }
    std::set<std::string> clusters;
    const PlacedPolicy placed(objects, name);
    for (const PlacingWay& way : placed.ways()) {
      if (way.policy_set != set.name() || way.restricted) continue;
      placements[way.binding] =
          Json::object({{"placementBinding", way.binding}, {"placement", way.placement}});
      for (const std::string& cluster : clusters_of(objects.decisions, way.placement)) {
        if (!way.exclusions.contains(cluster)) clusters.insert(cluster);
      }
    }
    if (root->second.spec()["disabled"].as_bool()) {
      members.disabled.push_back(name);
      continue;
    }
    const std::string compliance = compliance_on(root->second, clusters);
    if (compliance.empty()) members.unknown.push_back(name);
    if (compliance == kPendingState) members.pending.push_back(name);
    members.compliances.push_back(compliance);
  }
  const std::string worst = members.unknown.empty() ? worst_of(members.compliances) : "";
  if (!worst.empty()) status.set("compliant", worst);
  status.set("statusMessage", members.message());
  Json placement = Json::array();
  for (const auto& [binding, entry] : placements) placement.push_back(entry);
  if (!placement.empty()) status.set("placement", std::move(placement));
  return status;
}

namespace {

class RootStatusReconciler final : public kube::Reconciler {
 public:
  RootStatusReconciler(Duration interval, const HubServices& services)
      : interval_(interval), services_(services) {}

  kube::Outcome reconcile(const Key& key) override {
    const Duration now = services_.clock.monotonic();
    const auto last = written_.find(key);
    if (last != written_.end() && now - last->second < interval_) {
      return kube::Outcome::again_after(last->second + interval_ - now);
    }
    auto found = services_.reader.get(api::kPolicy, key);
    if (!found && found.error().is(Code::kNotFound)) {
      written_.erase(key);
      return kube::Outcome::done();
    }
    Object root = TRY(std::move(found));
    if (is_replica(root)) return kube::Outcome::done();
    const auto objects = TRY(read_placing(services_.reader, key.ns));
    const auto of_root = kube::LabelSelector::equals(api::kRootPolicyLabel, replica_name(key));
    std::map<std::string, Object> replicas;
    for (Object& replica : TRY(services_.reader.list(api::kPolicy, "", of_root))) {
      replicas.emplace(replica.ns(), std::move(replica));
    }
    Json status = root_status(root, objects, replicas);
    const bool nothing_yet = status.empty() && root.status().empty();
    if (nothing_yet || status == root.status()) return kube::Outcome::done();
    root.set({"status"}, std::move(status));
    TRY(services_.client.update_status(api::kPolicy, root));
    written_[key] = now;
    return kube::Outcome::done();
  }

 private:
  const Duration interval_;
  const HubServices services_;
  std::map<Key, Duration> written_;  // Clock::monotonic()
};

class PolicySetReconciler final : public kube::Reconciler {
 public:
  explicit PolicySetReconciler(const HubServices& services) : services_(services) {}

  kube::Outcome reconcile(const Key& key) override {
    auto found = services_.reader.get(api::kPolicySet, key);
    if (!found && found.error().is(Code::kNotFound)) return kube::Outcome::done();
    Object set = TRY(std::move(found));
    const auto objects = TRY(read_placing(services_.reader, key.ns));
    std::map<std::string, Object> roots;
    for (Object& root : roots_in(services_.reader, key.ns)) {
      roots.emplace(root.name(), std::move(root));
    }
    Json status = policy_set_status(set, objects, roots);
    const bool nothing_yet = status.empty() && set.status().empty();
    if (nothing_yet || status == set.status()) return kube::Outcome::done();
    set.set({"status"}, std::move(status));
    TRY(services_.client.update_status(api::kPolicySet, set));
    return kube::Outcome::done();
  }

 private:
  const HubServices services_;
};

// A root Policy, or the root of a replica.
std::vector<Key> map_to_root(const Object& policy) {
  if (!is_replica(policy)) return {policy.key()};
  const auto root = root_of(policy.label(api::kRootPolicyLabel));
  return root ? std::vector<Key>{*root} : std::vector<Key>{};
}

kube::Mapper map_to_sets(kube::Reader& reader) {
  return [&reader](const Object& object) {
    std::vector<Key> keys;
    if (object.is(api::kPolicy) && is_replica(object)) return keys;
    const auto sets = reader.list(api::kPolicySet, object.ns());
    if (!sets) return keys;
    for (const Object& set : *sets) keys.push_back(set.key());
    return keys;
  };
}

}  // namespace

std::vector<kube::ControllerSpec> make_policy_status_controllers(const HubSettings& settings,
                                                                 const HubServices& services) {
  kube::Reader& reader = services.reader;
  kube::ControllerSpec roots;
  roots.name = kPolicyStatusController;
  roots.reconciler = std::make_unique<RootStatusReconciler>(settings.status_interval, services);
  roots.sources = {{api::kPolicy, "", map_to_root},
                   {api::kPlacementBinding, "", map_to_roots(reader)},
                   {api::kPolicySet, "", map_to_roots(reader)},
                   {api::kPlacementDecision, "", map_to_roots(reader)}};
  kube::ControllerSpec sets;
  sets.name = kPolicySetController;
  sets.reconciler = std::make_unique<PolicySetReconciler>(services);
  sets.sources = {{api::kPolicySet, ""},
                  {api::kPolicy, "", map_to_sets(reader)},
                  {api::kPlacementBinding, "", map_to_sets(reader)},
                  {api::kPlacementDecision, "", map_to_sets(reader)}};
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(std::move(roots));
  controllers.push_back(std::move(sets));
  return controllers;
}

}  // namespace breakwater::policy
