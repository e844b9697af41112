#include "policy/install_controller.h"

#include "api/kinds.h"
#include "api/names.h"
#include "policy/configuration.h"
#include "policy/install_policy.h"

namespace breakwater::policy {
namespace {

using kube::Object;

// What the policy may have created, in the order in which it goes.
const kube::Kind kRemovable[] = {api::kDataProtectionApplication,
                                 api::kSubscription,
                                 api::kClusterServiceVersion,
                                 api::kOperatorGroup,
                                 api::kSecret,
                                 api::kConfigMap};

class InstallReconciler final : public PolicyReconciler {
 public:
  InstallReconciler(ClusterPolicySettings settings, PolicyServices services)
      : PolicyReconciler(api::kVirtInstallPolicy, std::move(settings), services) {}

 protected:
  Result<Round> evaluate(const Object& policy) override {
    Round round;
    InstallInputs inputs;
    inputs.now = services_.clock.now();
    inputs.cluster_id = settings_.cluster_id;
    inputs.policy = policy;
    if (!removal_of(policy).empty()) {
      inputs.made = TRY(find_made(policy));
    } else {
      TRY(gather(policy, inputs, round.extra));
    }
    round.evaluation = evaluate_install(inputs);
    return round;
  }

 private:
  kube::Reader& reader() const { return services_.reader; }

  // Live and everywhere: what the cache has not heard of yet must go, too.
  Result<std::vector<Unwanted>> find_made(const Object& policy) {
    std::vector<Unwanted> made;
    const auto marked = kube::LabelSelector::equals(api::kManagedByLabel, api::kManagedBy);
    for (const kube::Kind& kind : kRemovable) {
      if (!TRY(served_.serves(kind))) continue;
      for (const Object& object : TRY(services_.client.list(kind, "", marked))) {
        if (!created_by(object, policy.key())) continue;
        made.push_back({kind, object.key(), object.uid(), true});
      }
    }
    return made;
  }

  Result<> gather(const Object& policy, InstallInputs& inputs, Json& extra) {
    inputs.is_hub = TRY(is_hub_cluster(served_, reader()));
    inputs.serves_olm = TRY(served_.serves(api::kSubscription));
    inputs.serves_application = TRY(served_.serves(api::kDataProtectionApplication));
    inputs.openshift_version = TRY(openshift_version());
    const auto config = configuration_of(policy);
    if (!config) return {};
    std::vector<Finding> told_later;
    const EngineChoice choice =
        choose_engine(*config, inputs.is_hub, inputs.serves_olm, told_later);
    if (choice.ns.empty()) return {};
    extra = Json::object({{"engine", choice.engine}, {"engineNamespace", choice.ns}});
    return gather_from(choice.ns, policy, inputs);
  }

  Result<> gather_from(const std::string& ns, const Object& policy, InstallInputs& inputs) {
    const std::string& name = policy.spec()["credentials"]["name"].as_string();
    if (!name.empty()) inputs.credentials = TRY(find(api::kSecret, {policy.ns(), name}));
    inputs.secrets = TRY(reader().list(api::kSecret, ns));
    inputs.applications = TRY(served_.list(reader(), api::kDataProtectionApplication, ns));
    inputs.locations = TRY(served_.list(reader(), api::kBackupStorageLocation, ns));
    inputs.subscriptions = TRY(served_.list(reader(), api::kSubscription, ""));
    inputs.operator_groups = TRY(served_.list(reader(), api::kOperatorGroup, ns));
    inputs.service_versions = TRY(served_.list(reader(), api::kClusterServiceVersion, ns));
    return {};
  }

  Result<std::optional<Object>> find(const kube::Kind& kind, const kube::Key& key) {
    auto object = reader().get(kind, key);
    if (object) return std::optional<Object>(*object);
    if (object.error().is(Code::kNotFound)) return std::optional<Object>();
    return tl::unexpected(object.error());
  }

  Result<std::string> openshift_version() {
    const auto claim =
        TRY(find(api::kClusterClaim, {"", std::string(api::kClaimOpenShiftVersion)}));
    return claim ? claim->spec()["value"].as_string() : std::string();
  }
};

}  // namespace

kube::ControllerSpec make_install_policy_controller(ClusterPolicySettings settings,
                                                    PolicyServices services) {
  kube::ControllerSpec spec;
  spec.name = "install-policy";
  spec.sources = {wakes_policy(api::kVirtInstallPolicy, settings.policy_namespace),
                  wakes_policy(api::kDataProtectionApplication),
                  wakes_policy(api::kBackupStorageLocation), wakes_policy(api::kClusterClaim)};
  if (!settings.policy_namespace.empty()) {
    spec.sources.push_back(wakes_policy(api::kSecret, settings.policy_namespace));
  }
  spec.reconciler = std::make_unique<InstallReconciler>(std::move(settings), services);
  return spec;
}

}  // namespace breakwater::policy
