#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/hub_sync_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr Duration kSoon = std::chrono::seconds(2);
constexpr Duration kStillNamed = std::chrono::minutes(1);

bool is_ours(const Object& secret) { return secret.label(api::kManagedByLabel) == api::kManagedBy; }

// Mirrors bear the name of the cluster, so that nothing else is ever taken for one.
bool is_mirror(const Object& secret) {
  return is_ours(secret) && secret.label(api::kPolicyClusterNamespaceLabel) == secret.ns();
}

Object mirror_of(const Object& secret, const Object* local) {
  Object mirror = local != nullptr ? *local : Object::make(api::kSecret, secret.key());
  mirror.set_label(api::kManagedByLabel, api::kManagedBy);
  mirror.set_label(api::kPolicyClusterNamespaceLabel, secret.ns());
  mirror.set({"type"}, secret["type"].as_string_or("Opaque"));
  mirror.set({"data"}, secret["data"]);
  return mirror;
}

bool names_secret(const Object& policy, const std::string& name) {
  const auto& templates = policy.spec()["policy-templates"].items();
  return std::any_of(templates.begin(), templates.end(), [&](const Json& item) {
    return item.at({"objectDefinition", "spec", "credentials", "name"}).as_string() == name;
  });
}

class SecretSync final : public kube::Reconciler {
 public:
  explicit SecretSync(HubSyncServices services) : services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key& key) override {
    const auto secret = TRY(find_object(services_.hub_reader, api::kSecret, key));
    const auto local = TRY(find_object(services_.cluster, api::kSecret, key));
    if (!secret) return gone(key, local);
    if (!is_ours(*secret)) return kube::Outcome::done();
    if (local && local->uid() == secret->uid()) return kube::Outcome::done();
    if (local && !is_mirror(*local)) {
      return fail(Code::kAlreadyExists,
                  "Secret {} on the cluster is not a copy of the hub's; rename or remove it",
                  key.to_string());
    }
    const Object wanted = mirror_of(*secret, local ? &*local : nullptr);
    if (!local) {
      TRY(ensure_namespace(services_.cluster, key.ns));
      TRY(services_.cluster.create(api::kSecret, wanted));
    } else if (!(wanted == *local)) {
      TRY(replace(wanted, *local));
    }
    return kube::Outcome::done();
  }

 private:
  // The type of a Secret cannot be changed.
  Result<> replace(const Object& wanted, const Object& local) {
    if (wanted["type"] == local["type"]) {
      TRY(services_.cluster.update(api::kSecret, wanted));
      return {};
    }
    TRY(kube::remove_if_exists(services_.cluster, api::kSecret, local.key(),
                               {.uid = local.uid(), .resource_version = ""}));
    TRY(services_.cluster.create(api::kSecret, mirror_of(wanted, nullptr)));
    return {};
  }

  // A mirror goes when the hub's Secret is gone and no Policy on the cluster names it any more.
  kube::Outcome gone(const kube::Key& key, const std::optional<Object>& local) {
    if (!local || !is_mirror(*local)) return kube::Outcome::done();
    auto live = services_.hub.get(api::kSecret, key);
    if (live) return kube::Outcome::again_after(kSoon);
    if (!live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
    for (const Object& policy : TRY(services_.cluster.list(api::kPolicy, key.ns))) {
      if (names_secret(policy, key.name)) return kube::Outcome::again_after(kStillNamed);
    }
    TRY(kube::remove_if_exists(services_.cluster, api::kSecret, key,
                               {.uid = local->uid(), .resource_version = ""}));
    return kube::Outcome::done();
  }

  const HubSyncServices services_;
};

}  // namespace

kube::ControllerSpec make_secret_sync(const std::string& cluster, HubSyncServices services) {
  kube::ControllerSpec controller;
  controller.name = "secret-sync";
  controller.reconciler = std::make_unique<SecretSync>(std::move(services));
  controller.sources = {{api::kSecret, cluster}};
  return controller;
}

}  // namespace breakwater::policy
