#include "policy/propagator.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/bindings.h"
#include "policy/replica.h"
#include "policy/resolve.h"

namespace breakwater::policy {
namespace {

using kube::Key;
using kube::Object;

// "<namespace>.<name>" is a label's value.
constexpr size_t kLongestReplicaName = 63;

Json json_of(const std::vector<Object>& objects) {
  Json list = Json::array();
  for (const Object& object : objects) {
    Json entry = object.json();
    entry.erase("status");
    for (const char* name : {"resourceVersion", "managedFields", "generation"}) {
      entry.erase({"metadata", name});
    }
    list.push_back(std::move(entry));
  }
  return list;
}

class PropagatorReconciler final : public kube::Reconciler {
 public:
  explicit PropagatorReconciler(const HubServices& services) : services_(services) {}

  kube::Outcome reconcile(const Key& key) override {
    const auto root = TRY(find_root(key));
    const std::string name = replica_name(key);
    if (root && name.size() > kLongestReplicaName) {
      services_.events.warning(
          *root, "PolicyPropagation",
          fmt::format("Policy {} is not propagated: namespace and name may have {} characters "
                      "together",
                      key.to_string(), kLongestReplicaName - 1));
      return kube::Outcome::done();
    }
    const auto objects = TRY(read_placing(services_.reader, key.ns));
    const std::set<std::string> placed = PlacedPolicy(objects, key.name).clusters();
    const auto of_root = kube::LabelSelector::equals(api::kRootPolicyLabel, name);
    std::map<std::string, Object> replicas;
    for (Object& replica : TRY(services_.reader.list(api::kPolicy, "", of_root))) {
      if (replica.name() == name) replicas.emplace(replica.ns(), std::move(replica));
    }
    const bool all = changed(key, root, objects);
    for (const std::string& cluster : placed) {
      const auto replica = replicas.find(cluster);
      const bool settled =
          replica != replicas.end() && replica->second.annotation(api::kRemovalAnnotation).empty();
      if (all || !settled) services_.enqueue(kReplicaController, {cluster, name});
    }
    for (const auto& [cluster, replica] : replicas) {
      if (!placed.contains(cluster)) services_.enqueue(kReplicaController, {cluster, name});
    }
    return kube::Outcome::done();
  }

 private:
  Result<std::optional<Object>> find_root(const Key& key) {
    auto found = services_.reader.get(api::kPolicy, key);
    if (!found && !found.error().is(Code::kNotFound)) return tl::unexpected(found.error());
    if (!found || is_replica(*found)) return std::nullopt;
    return std::optional(std::move(*found));
  }

  // Whether anything but the decisions has changed since the last time.
  bool changed(const Key& key, const std::optional<Object>& root, const PlacingObjects& objects) {
    Json now = Json::array(
        {root ? json_of({*root}) : Json(), json_of(objects.bindings), json_of(objects.sets)});
    Json& before = seen_[key];
    if (before == now) return false;
    before = std::move(now);
    if (!root) seen_.erase(key);
    return true;
  }

  const HubServices services_;
  std::map<Key, Json> seen_;
};

// Which clusters a ConfigMap configures: by their label, or through the ConfigMap that this names.
std::vector<std::string> clusters_configured_by(kube::Reader& reader, const Object& config_map) {
  std::vector<std::string> names;
  const auto clusters = reader.list(api::kManagedCluster, "");
  if (!clusters) return names;
  std::map<std::string, bool> refers;  // configuration to whether it names the ConfigMap
  for (const Object& cluster : *clusters) {
    const std::string& config = cluster.label(api::kVirtConfigLabel);
    if (config.empty()) continue;
    auto known = refers.find(config);
    if (known == refers.end()) {
      bool concerned = config == config_map.name();
      const auto data = reader.get(api::kConfigMap, {config_map.ns(), config});
      for (const char* key : {"schedule_hub_config_name", "restore_hub_config_name"}) {
        concerned = concerned || (data && (*data)["data"][key].as_string() == config_map.name());
      }
      known = refers.emplace(config, concerned).first;
    }
    if (known->second) names.push_back(cluster.name());
  }
  return names;
}

// Replicas of one namespace's Policies on the clusters concerned.
kube::Mapper map_config_map(kube::Reader& reader) {
  return [&reader](const Object& config_map) {
    std::vector<Key> keys;
    std::vector<Object> roots = roots_in(reader, config_map.ns());
    std::erase_if(roots, [](const Object& root) { return !has_virt_template(root); });
    if (roots.empty()) return keys;
    for (const std::string& cluster : clusters_configured_by(reader, config_map)) {
      for (const Object& root : roots) keys.push_back({cluster, replica_name(root.key())});
    }
    return keys;
  };
}

kube::Mapper map_cluster(kube::Reader& reader) {
  return [&reader](const Object& cluster) {
    std::vector<Key> keys;
    const auto replicas = reader.list(api::kPolicy, cluster.name());
    if (!replicas) return keys;
    for (const Object& replica : *replicas) {
      if (is_replica(replica)) keys.push_back(replica.key());
    }
    return keys;
  };
}

std::vector<Key> map_replica(const Object& policy) {
  return is_replica(policy) ? std::vector<Key>{policy.key()} : std::vector<Key>{};
}

std::vector<Key> map_root(const Object& policy) {
  return is_replica(policy) ? std::vector<Key>{} : std::vector<Key>{policy.key()};
}

}  // namespace

std::vector<Object> roots_in(kube::Reader& reader, const std::string& ns) {
  auto policies = reader.list(api::kPolicy, ns);
  if (!policies) return {};
  std::erase_if(*policies, is_replica);
  return std::move(*policies);
}

kube::Mapper map_to_roots(kube::Reader& reader) {
  return [&reader](const Object& object) {
    std::vector<Key> keys;
    for (const Object& root : roots_in(reader, object.ns())) keys.push_back(root.key());
    return keys;
  };
}

std::vector<kube::ControllerSpec> make_propagation_controllers(const HubSettings& settings,
                                                               const HubServices& services) {
  kube::Reader& reader = services.reader;
  const auto secrets = std::make_shared<HubSecrets>(services);
  const auto secret_changed = [services](const Key& secret) {
    for (const Object& root : roots_in(services.reader, secret.ns)) {
      const auto of_root =
          kube::LabelSelector::equals(api::kRootPolicyLabel, replica_name(root.key()));
      const auto replicas = services.reader.list(api::kPolicy, "", of_root);
      if (!has_virt_template(root) || !replicas) continue;
      for (const Object& replica : *replicas) {
        services.enqueue(kReplicaController, replica.key());
      }
    }
  };

  kube::ControllerSpec roots;
  roots.name = kPropagatorController;
  roots.reconciler = std::make_unique<PropagatorReconciler>(services);
  roots.sources = {{api::kPolicy, "", map_root},
                   {api::kPlacementBinding, "", map_to_roots(reader)},
                   {api::kPolicySet, "", map_to_roots(reader)},
                   {api::kPlacement, "", map_to_roots(reader)},
                   {api::kPlacementDecision, "", map_to_roots(reader)}};
  kube::ControllerSpec replicas;
  replicas.name = kReplicaController;
  replicas.reconciler = make_replica_reconciler(settings, services, secrets);
  replicas.sources = {{api::kPolicy, "", map_replica},
                      {api::kManagedCluster, "", map_cluster(reader)},
                      {api::kConfigMap, "", map_config_map(reader)}};
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(std::move(roots));
  controllers.push_back(std::move(replicas));
  controllers.push_back(make_hub_secret_controller(settings, secrets, secret_changed));
  return controllers;
}

}  // namespace breakwater::policy
