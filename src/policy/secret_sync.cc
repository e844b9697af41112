#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/hub_sync_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;

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

std::vector<kube::Key> secrets_of(const Object& policy) {
  std::vector<kube::Key> keys;
  for (const Json& item : policy.spec()["policy-templates"].items()) {
    const std::string& name =
        item.at({"objectDefinition", "spec", "credentials", "name"}).as_string();
    if (!name.empty()) keys.push_back({policy.ns(), name});
  }
  return keys;
}

bool named_by(const std::vector<Object>& policies, const kube::Key& secret) {
  return std::any_of(policies.begin(), policies.end(), [&](const Object& policy) {
    const auto keys = secrets_of(policy);
    return std::find(keys.begin(), keys.end(), secret) != keys.end();
  });
}

class SecretSync final : public kube::Reconciler {
 public:
  explicit SecretSync(HubSyncServices services) : services_(std::move(services)) {}

  // Without a name: whatever the replicas name, for a Policy of the cluster has changed.
  kube::Outcome reconcile(const kube::Key& key) override {
    const auto replicas = TRY(services_.hub_reader.list(api::kPolicy, key.ns));
    if (!key.name.empty() && named_by(replicas, key)) {
      TRY(copy(key));
      return kube::Outcome::done();
    }
    TRY(sweep(key.ns, replicas));
    if (!key.name.empty()) return kube::Outcome::done();
    for (const Object& replica : replicas) {
      for (const kube::Key& named : secrets_of(replica)) TRY(copy(named));
    }
    return kube::Outcome::done();
  }

 private:
  Result<> copy(const kube::Key& key) {
    const auto secret = TRY(find_object(services_.hub_reader, api::kSecret, key));
    if (!secret || !is_ours(*secret)) return {};
    const auto local = TRY(find_object(services_.cluster, api::kSecret, key));
    if (local && local->uid() == secret->uid()) return {};
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
    return {};
  }

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

  // A mirror goes with the last Policy that names it, here and on the hub.
  Result<> sweep(const std::string& ns, const std::vector<Object>& replicas) {
    const auto ours = kube::LabelSelector::equals(api::kPolicyClusterNamespaceLabel, ns);
    const auto mirrors = TRY(services_.cluster.list(api::kSecret, ns, ours));
    if (mirrors.empty()) return {};
    const auto policies = TRY(services_.cluster.list(api::kPolicy, ns));
    for (const Object& mirror : mirrors) {
      const kube::Key key = mirror.key();
      if (!is_mirror(mirror) || named_by(policies, key) || named_by(replicas, key)) continue;
      TRY(kube::remove_if_exists(services_.cluster, api::kSecret, key,
                                 {.uid = mirror.uid(), .resource_version = ""}));
    }
    return {};
  }

  const HubSyncServices services_;
};

}  // namespace

kube::ControllerSpec make_secret_sync(const std::string& cluster, HubSyncServices services) {
  kube::ControllerSpec controller;
  controller.name = "secret-sync";
  controller.reconciler = std::make_unique<SecretSync>(std::move(services));
  controller.sources = {{api::kSecret, cluster}, {api::kPolicy, cluster, secrets_of}};
  return controller;
}

}  // namespace breakwater::policy
