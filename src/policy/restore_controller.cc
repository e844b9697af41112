#include "policy/restore_controller.h"

#include "api/kinds.h"
#include "api/names.h"
#include "policy/configuration.h"
#include "policy/install_gate.h"
#include "policy/restore_policy.h"

namespace breakwater::policy {
namespace {

using kube::Object;

class RestoreReconciler final : public PolicyReconciler {
 public:
  RestoreReconciler(ClusterPolicySettings settings, PolicyServices services)
      : PolicyReconciler(api::kVirtRestorePolicy, std::move(settings), services) {}

 protected:
  Result<Round> evaluate(const Object& policy) override {
    RestoreInputs inputs;
    inputs.cluster_id = settings_.cluster_id;
    inputs.removal = removal_of(policy);
    const InstallGate gate = TRY(find_install_gate(reader(), policy.ns()));
    inputs.ns = gate.engine_namespace;
    inputs.waits_for = gate.waits_for;
    read_configuration(policy, inputs);
    if (!inputs.ns.empty()) TRY(gather(inputs));
    Round round;
    round.evaluation = evaluate_restore(inputs);
    return round;
  }

 private:
  kube::Reader& reader() const { return services_.reader; }

  void read_configuration(const Object& policy, RestoreInputs& inputs) {
    inputs.findings = hub_findings(policy, api::kVirtRestorePolicy);
    const auto config = configuration_of(policy);
    if (!config) {
      inputs.findings.push_back(missing_configuration(policy));
      return;
    }
    inputs.restore_config = {config->ns(), read_text(*config, "restore_hub_config_name")};
    if (const Json* restore = policy.spec().find("restore")) inputs.restore = *restore;
  }

  // Live when something is to be removed: what the cache has not heard of yet must go, too.
  Result<> gather(RestoreInputs& inputs) {
    kube::Reader& from = inputs.removal.empty() ? reader() : services_.client;
    auto copy = from.get(api::kConfigMap, {inputs.ns, std::string(api::kRestoreConfigCopy)});
    if (!copy && !copy.error().is(Code::kNotFound)) return tl::unexpected(copy.error());
    if (copy) inputs.copy = *copy;
    if (!TRY(served_.serves(api::kRestore))) return {};
    inputs.restores = TRY(from.list(api::kRestore, inputs.ns));
    inputs.locations = TRY(from.list(api::kBackupStorageLocation, inputs.ns));
    inputs.backups = TRY(from.list(api::kBackup, inputs.ns));
    inputs.vms = TRY(served_.list(reader(), api::kVirtualMachine, ""));
    return {};
  }
};

}  // namespace

kube::ControllerSpec make_restore_policy_controller(ClusterPolicySettings settings,
                                                    PolicyServices services) {
  kube::ControllerSpec spec;
  spec.name = "restore-policy";
  spec.sources = {wakes_policy(api::kVirtRestorePolicy, settings.policy_namespace),
                  wakes_policy(api::kVirtInstallPolicy, settings.policy_namespace),
                  wakes_policy(api::kBackup), wakes_policy(api::kRestore),
                  wakes_policy(api::kBackupStorageLocation)};
  spec.reconciler = std::make_unique<RestoreReconciler>(std::move(settings), services);
  return spec;
}

}  // namespace breakwater::policy
