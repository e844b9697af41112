#include "api/kinds.h"
#include "api/names.h"
#include "policy/hub_sync_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr Duration kSoon = std::chrono::seconds(2);
constexpr Duration kWaitsForRemoval = std::chrono::seconds(10);

class SpecSync final : public kube::Reconciler {
 public:
  explicit SpecSync(HubSyncServices services) : services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key& key) override {
    const auto replica = TRY(find_object(services_.hub_reader, api::kPolicy, key));
    const auto local = TRY(find_object(services_.cluster, api::kPolicy, key));
    if (!replica) return gone(key, local);
    if (!replica->has_label(api::kRootPolicyLabel)) return kube::Outcome::done();
    // On a hub that manages itself the replica is the Policy.
    if (local && local->uid() == replica->uid()) return kube::Outcome::done();
    const Object wanted = local_policy(*replica, local ? &*local : nullptr);
    if (!local) return create(wanted);
    if (wanted == *local) return kube::Outcome::done();
    TRY(services_.cluster.update(api::kPolicy, wanted));
    return kube::Outcome::done();
  }

 private:
  kube::Outcome create(const Object& wanted) {
    TRY(ensure_namespace(services_.cluster, wanted.ns()));
    TRY(services_.cluster.create(api::kPolicy, wanted));
    services_.log.info("a policy arrived", {{"policy", wanted.key().to_string()}});
    return kube::Outcome::done();
  }

  // Absence is no intent: only what the hub asked to be removed, and what has been, goes.
  kube::Outcome gone(const kube::Key& key, const std::optional<Object>& local) {
    if (!local || !local->has_label(api::kRootPolicyLabel) || local->is_deleting()) {
      return kube::Outcome::done();
    }
    auto live = services_.hub.get(api::kPolicy, key);
    if (live) return kube::Outcome::again_after(kSoon);  // the cache lags behind
    if (!live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
    const std::string& removal = local->annotation(api::kRemovalAnnotation);
    if (removal.empty()) {
      services_.log.warning(
          "the hub has this policy no longer but never asked for its removal; "
          "it stays as it is",
          {{"policy", key.to_string()}});
      return kube::Outcome::done();
    }
    if (local->annotation(api::kRemovalDoneAnnotation) != removal) {
      return kube::Outcome::again_after(kWaitsForRemoval);
    }
    TRY(kube::remove_if_exists(services_.cluster, api::kPolicy, key,
                               {.uid = local->uid(), .resource_version = ""}));
    services_.log.info("a policy is gone", {{"policy", key.to_string()}, {"why", removal}});
    return kube::Outcome::done();
  }

  const HubSyncServices services_;
};

}  // namespace

Object local_policy(const Object& replica, const Object* local) {
  Object wanted = local != nullptr ? *local : Object::make(api::kPolicy, replica.key());
  Json labels = replica.metadata()["labels"];
  labels.set(api::kPolicyClusterNamespaceLabel, replica.ns());
  wanted.set({"metadata", "labels"}, std::move(labels));
  Json annotations = Json::object();
  for (const auto& [name, value] : replica.metadata()["annotations"].members()) {
    if (name == api::kRemovalDoneAnnotation) continue;
    if (name == "kubectl.kubernetes.io/last-applied-configuration") continue;
    annotations.set(name, value);
  }
  const std::string& removal = replica.annotation(api::kRemovalAnnotation);
  if (local != nullptr && !removal.empty() &&
      local->annotation(api::kRemovalDoneAnnotation) == removal) {
    annotations.set(api::kRemovalDoneAnnotation, removal);
  }
  if (annotations.empty()) {
    wanted.erase({"metadata", "annotations"});
  } else {
    wanted.set({"metadata", "annotations"}, std::move(annotations));
  }
  wanted.set({"spec"}, replica.spec());
  return wanted;
}

kube::ControllerSpec make_spec_sync(const std::string& cluster, HubSyncServices services) {
  kube::ControllerSpec controller;
  controller.name = "spec-sync";
  controller.reconciler = std::make_unique<SpecSync>(std::move(services));
  controller.sources = {{api::kPolicy, cluster}};
  return controller;
}

}  // namespace breakwater::policy
