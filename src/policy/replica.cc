#include "policy/replica.h"

#include <map>
#include <optional>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/bindings.h"
#include "policy/removal.h"
#include "policy/resolve.h"

namespace breakwater::policy {
namespace {

using kube::Key;
using kube::Object;

constexpr std::string_view kPropagation = "PolicyPropagation";

class ReplicaReconciler final : public kube::Reconciler {
 public:
  ReplicaReconciler(const HubSettings& settings, const HubServices& services,
                    std::shared_ptr<HubSecrets> secrets)
      : settings_(settings),
        services_(services),
        secrets_(std::move(secrets)),
        removal_(settings, services, *secrets_) {}

  kube::Outcome reconcile(const Key& key) override {
    const auto root_key = root_of(key.name);
    if (!root_key) return kube::Outcome::done();
    Placed placed;
    placed.replica = TRY(find(api::kPolicy, key));
    if (placed.replica && placed.replica->label(api::kRootPolicyLabel) != key.name) {
      return kube::Outcome::done();  // somebody's own Policy
    }
    const auto cluster = TRY(find(api::kManagedCluster, {"", key.ns}));
    if (!cluster) return cluster_gone(key, placed);
    placed.root = TRY(find(api::kPolicy, *root_key));
    const auto objects = TRY(read_placing(services_.reader, root_key->ns));
    const auto enforce = PlacedPolicy(objects, root_key->name).on(key.ns);
    const bool wanted = !cluster->is_deleting() && placed.root && !placed.root->is_deleting() &&
                        !placed.root->spec()["disabled"].as_bool() && !is_replica(*placed.root);
    if (wanted && enforce) {
      removal_.forget(key);
      return keep(*placed.root, *cluster, placed.replica, *enforce, objects.sets);
    }
    if (!placed.replica || placed.replica->is_deleting()) return kube::Outcome::done();
    return removal_.go_on(*placed.replica, placed.root, *cluster);
  }

 private:
  struct Placed {
    std::optional<Object> root;
    std::optional<Object> replica;
  };

  Result<std::optional<Object>> find(const kube::Kind& kind, const Key& key) {
    auto found = services_.reader.get(kind, key);
    if (found) return std::optional(std::move(*found));
    if (found.error().is(Code::kNotFound)) return std::nullopt;
    return tl::unexpected(found.error());
  }

  // Nobody is left who could answer; what the policy created stays on the cluster.
  kube::Outcome cluster_gone(const Key& key, const Placed& placed) {
    if (!placed.replica) return kube::Outcome::done();
    const auto live = services_.client.get(api::kManagedCluster, {"", key.ns});
    if (live) return kube::Outcome::again_after(settings_.confirm_every);
    if (!live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
    TRY(removal_.remove(*placed.replica));
    return kube::Outcome::done();
  }

  kube::Outcome keep(const Object& root, const Object& cluster,
                     const std::optional<Object>& replica, bool enforce,
                     const std::vector<Object>& policy_sets) {
    ResolveInputs inputs{root, cluster, replica, enforce, {}, policy_sets, {}, {}};
    if (has_virt_template(root)) {
      inputs.config_maps = TRY(services_.reader.list(api::kConfigMap, root.ns()));
    }
    if (has_template(root, api::kVirtRestorePolicy)) {
      inputs.clusters = TRY(services_.reader.list(api::kManagedCluster, ""));
    }
    const auto secret = secret_wanted(inputs);
    if (secret) inputs.secret = TRY(prepare_secret(inputs, *secret));
    Object wanted = resolve(inputs);
    carry_over(wanted, inputs, secret);
    TRY(write(root, wanted, replica));
    TRY(tidy_copies(wanted, replica));
    return has_findings(wanted) ? kube::Outcome::again_after(settings_.replica_interval)
                                : kube::Outcome::done();
  }

  // Whether a cluster has been given the password of this Secret.
  Result<bool> password_was_there(const Object& root, const std::string& secret) {
    const auto of_root =
        kube::LabelSelector::equals(api::kRootPolicyLabel, replica_name(root.key()));
    for (const Object& replica : TRY(services_.reader.list(api::kPolicy, "", of_root))) {
      if (replica.annotation(api::kPasswordOfAnnotation) == secret) return true;
    }
    return false;
  }

  Result<SecretState> prepare_secret(const ResolveInputs& inputs, const SecretWanted& wanted) {
    const Key key{inputs.root.ns(), wanted.name};
    SecretState state;
    auto secret = TRY(secrets_->look(key));
    if (!secret) return state;
    const bool installs = has_template(inputs.root, api::kVirtInstallPolicy);
    if (installs && wanted.password && !has_password(*secret)) {
      state.password_lost = TRY(password_was_there(inputs.root, wanted.name));
      if (!state.password_lost) TRY(secrets_->make_password(key));
      secret = TRY(secrets_->look(key));
      if (!secret) return state;
    }
    state.found = true;
    state.hash = content_hash(*secret);
    state.has_password = has_password(*secret);
    state.generated = !secret->annotation(api::kPasswordGeneratedAnnotation).empty();
    if (!installs || state.password_lost) return state;
    const auto copied = secrets_->copy(*secret, {inputs.cluster.name(), wanted.name});
    if (!copied && !copied.error().is(Code::kInvalid)) return tl::unexpected(copied.error());
    if (!copied) state.copy_problem = copied.error().message();
    return state;
  }

  // Annotations that are ours: which copies there are, and whose password the cluster has.
  static void carry_over(Object& wanted, const ResolveInputs& inputs,
                         const std::optional<SecretWanted>& secret) {
    std::string copies;
    std::string password_of;
    if (inputs.replica) {
      copies = inputs.replica->annotation(api::kSecretCopiesAnnotation);
      password_of = inputs.replica->annotation(api::kPasswordOfAnnotation);
    }
    const std::string in_use = secret_in_use(wanted);
    if (secret && secret->name == in_use && inputs.secret.has_password) password_of = in_use;
    for (const auto& [name, value] :
         {std::pair(api::kSecretCopiesAnnotation, with_copy(copies, in_use)),
          std::pair(api::kPasswordOfAnnotation, password_of)}) {
      if (!value.empty()) wanted.set_annotation(name, value);
    }
  }

  Result<> write(const Object& root, const Object& wanted, const std::optional<Object>& replica) {
    const std::string& cluster = wanted.ns();
    if (!replica) {
      auto created = services_.client.create(api::kPolicy, wanted);
      if (!created && created.error().is(Code::kAlreadyExists)) {
        return fail(Code::kConflict, "{}", created.error().message());  // the cache lags behind
      }
      TRY(while_doing(std::move(created), "propagating Policy {} to cluster {}",
                      root.key().to_string(), cluster));
      services_.events.normal(
          root, kPropagation,
          fmt::format("Policy {} was propagated to cluster {}", root.key().to_string(), cluster));
      return {};
    }
    Object next = *replica;
    next.set({"spec"}, wanted.spec());
    next.set({"metadata", "labels"}, wanted.metadata()["labels"]);
    next.set({"metadata", "annotations"}, wanted.metadata()["annotations"]);
    if (next == *replica) return {};
    TRY(while_doing(services_.client.update(api::kPolicy, next),
                    "updating Policy {} for cluster {}", root.key().to_string(), cluster));
    services_.events.normal(
        root, kPropagation,
        fmt::format("Policy {} was updated for cluster {}", root.key().to_string(), cluster));
    return {};
  }

  // Copies that no longer serve go once the replica says so itself, so that the agent has been told
  // of the new Secret before the old one is gone.
  Result<> tidy_copies(const Object& wanted, const std::optional<Object>& replica) {
    const std::string in_use = secret_in_use(wanted);
    const bool written = replica && secret_in_use(*replica) == in_use;
    bool removed = false;
    for (const std::string& name : copies_of(wanted)) {
      if (name == in_use || !written) continue;
      TRY(secrets_->remove_copy({wanted.ns(), name}));
      removed = true;
    }
    if (!removed) return {};
    Json patch = Json::object();
    patch.set({"metadata", "annotations", api::kSecretCopiesAnnotation}, in_use);
    TRY(services_.client.patch(api::kPolicy, wanted.key(), kube::PatchType::kMerge, patch));
    return {};
  }

  const HubSettings settings_;
  const HubServices services_;
  const std::shared_ptr<HubSecrets> secrets_;
  Removal removal_;
};

}  // namespace

std::unique_ptr<kube::Reconciler> make_replica_reconciler(const HubSettings& settings,
                                                          const HubServices& services,
                                                          std::shared_ptr<HubSecrets> secrets) {
  return std::make_unique<ReplicaReconciler>(settings, services, std::move(secrets));
}

}  // namespace breakwater::policy
