#include <optional>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/fleet.h"
#include "policy/placement_controller.h"

namespace breakwater::policy {
namespace {

using kube::Key;
using kube::Object;

// Three kinds of keys: {"", set}, {namespace, binding} and {kClusterMark, cluster}.
constexpr std::string_view kClusterMark = "<cluster>";

Key cluster_key(const Object& cluster) { return {std::string(kClusterMark), cluster.name()}; }

class ClusterSetReconciler final : public kube::Reconciler {
 public:
  explicit ClusterSetReconciler(const HubServices& services) : services_(services) {}

  kube::Outcome reconcile(const Key& key) override {
    if (key.ns == kClusterMark) {
      TRY(label_cluster(key.name));
    } else if (key.ns.empty()) {
      TRY(describe_set(key.name));
    } else {
      TRY(describe_binding(key));
    }
    return kube::Outcome::done();
  }

 private:
  Result<std::optional<Object>> find(const kube::Kind& kind, const Key& key) {
    auto found = services_.reader.get(kind, key);
    if (found) return std::optional(std::move(*found));
    if (found.error().is(Code::kNotFound)) return std::nullopt;
    return tl::unexpected(found.error());
  }

  Result<> label_cluster(const std::string& name) {
    const auto cluster = TRY(find(api::kManagedCluster, {"", name}));
    if (!cluster || cluster->is_deleting()) return {};
    if (!cluster->label(api::kClusterSetLabel).empty()) return {};
    Json patch = Json::object();
    patch.set({"metadata", "labels", api::kClusterSetLabel}, kDefaultSet);
    TRY(services_.client.patch(api::kManagedCluster, {"", name}, kube::PatchType::kMerge, patch));
    return {};
  }

  Result<> describe_set(const std::string& name) {
    auto set = TRY(find(api::kManagedClusterSet, {"", name}));
    if (!set) {
      const auto built_in = find_set({}, name);
      if (!built_in) return {};
      auto made = services_.client.create(api::kManagedClusterSet, *built_in);
      if (made || made.error().is(Code::kAlreadyExists)) return {};  // it comes back as a change
      return tl::unexpected(made.error());
    }
    int64_t members = 0;
    for (const Object& cluster : TRY(services_.reader.list(api::kManagedCluster, ""))) {
      if (in_set(*set, cluster)) ++members;
    }
    const bool changed = kube::set_condition(
        *set, "ClusterSetEmpty", members == 0 ? "True" : "False",
        members == 0 ? "NoClusterMatched" : "ClustersSelected",
        members == 0 ? "no ManagedCluster is in the set"
                     : fmt::format("{} ManagedClusters are in the set", members),
        services_.clock.now());
    if (changed) TRY(services_.client.update_status(api::kManagedClusterSet, *set));
    return {};
  }

  Result<> describe_binding(const Key& key) {
    auto binding = TRY(find(api::kManagedClusterSetBinding, key));
    if (!binding) return {};
    const std::string name = binding->spec()["clusterSet"].as_string();
    const auto sets = TRY(services_.reader.list(api::kManagedClusterSet, ""));
    const bool bound = find_set(sets, name).has_value();
    const bool changed =
        kube::set_condition(*binding, "Bound", bound ? "True" : "False",
                            bound ? "ClusterSetBound" : "ClusterSetNotFound",
                            bound ? "" : fmt::format("ManagedClusterSet {} does not exist", name),
                            services_.clock.now());
    if (changed) TRY(services_.client.update_status(api::kManagedClusterSetBinding, *binding));
    return {};
  }

  const HubServices services_;
};

}  // namespace

kube::ControllerSpec make_cluster_set_controller(const HubServices& services) {
  kube::Reader& reader = services.reader;
  const kube::Mapper of_cluster = [&reader](const Object& cluster) {
    std::vector<Key> keys{
        cluster_key(cluster), {"", std::string(kDefaultSet)}, {"", std::string(kGlobalSet)}};
    if (const auto sets = reader.list(api::kManagedClusterSet, "")) {
      for (const Object& set : *sets) keys.push_back(set.key());
    }
    return keys;
  };
  const kube::Mapper of_set = [&reader](const Object& set) {
    std::vector<Key> keys{set.key()};
    if (const auto bindings = reader.list(api::kManagedClusterSetBinding, "")) {
      for (const Object& binding : *bindings) {
        if (binding.spec()["clusterSet"].as_string() == set.name()) keys.push_back(binding.key());
      }
    }
    return keys;
  };
  const kube::Mapper of_binding = [](const Object& binding) {
    return std::vector<Key>{binding.key(), {"", binding.spec()["clusterSet"].as_string()}};
  };
  kube::ControllerSpec spec;
  spec.name = kClusterSetController;
  spec.reconciler = std::make_unique<ClusterSetReconciler>(services);
  spec.sources = {{api::kManagedCluster, "", of_cluster},
                  {api::kManagedClusterSet, "", of_set},
                  {api::kManagedClusterSetBinding, "", of_binding}};
  return spec;
}

}  // namespace breakwater::policy
