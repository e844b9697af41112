#include "policy/backup_controller.h"

#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/backup_policy.h"
#include "policy/configuration.h"
#include "policy/install_gate.h"

namespace breakwater::policy {
namespace {

using kube::Object;

class BackupReconciler final : public PolicyReconciler {
 public:
  BackupReconciler(ClusterPolicySettings settings, PolicyServices services)
      : PolicyReconciler(api::kVirtBackupPolicy, std::move(settings), services) {}

 protected:
  Result<Round> evaluate(const Object& policy) override {
    BackupInputs inputs;
    inputs.now = services_.clock.now();
    inputs.cluster_id = settings_.cluster_id;
    inputs.removal = removal_of(policy);
    if (!inputs.removal.empty()) {
      TRY(gather_made(services_.client, inputs));
    } else {
      TRY(gather(policy, inputs));
    }
    Round round;
    round.evaluation = evaluate_backup(inputs);
    return round;
  }

 private:
  kube::Reader& reader() const { return services_.reader; }

  // VMs that bear the label, and those that bore it when we last looked.
  Result<std::vector<Object>> relevant_vms(const BackupInputs& inputs) {
    std::set<kube::Key> known;
    for (const Object& protection : inputs.protections) known.insert(protection.key());
    std::vector<Object> vms;
    for (Object& vm : TRY(served_.list(reader(), api::kVirtualMachine, ""))) {
      if (vm.has_label(inputs.backup_label) || known.contains(vm.key())) vms.push_back(vm);
    }
    return vms;
  }

  // What the policy itself made.
  Result<> gather_made(kube::Reader& from, BackupInputs& inputs) {
    const auto ours =
        kube::LabelSelector::equals(api::kScheduleTypeLabel, api::kScheduleTypeKubevirt);
    if (TRY(served_.serves(api::kSchedule))) {
      inputs.schedules = TRY(from.list(api::kSchedule, "", ours));
    }
    inputs.protections = TRY(from.list(api::kVirtualMachineProtection, ""));
    inputs.summaries = TRY(from.list(api::kVirtProtectionSummary, ""));
    return {};
  }

  Result<> gather(const Object& policy, BackupInputs& inputs) {
    const InstallGate gate = TRY(find_install_gate(reader(), policy.ns()));
    inputs.ns = gate.engine_namespace;
    inputs.waits_for = gate.waits_for;
    read_backup_configuration(policy, inputs);
    TRY(gather_made(reader(), inputs));
    inputs.vms = TRY(relevant_vms(inputs));
    if (inputs.ns.empty() || !TRY(served_.serves(api::kBackup))) return {};
    TRY(gather_backups(inputs));
    return gather_hub(inputs);
  }

  Result<> gather_backups(BackupInputs& inputs) {
    auto of_cluster =
        kube::LabelSelector::equals(api::kScheduleTypeLabel, api::kScheduleTypeKubevirt);
    of_cluster.add({std::string(api::kBackupClusterLabel),
                    kube::LabelSelector::Operator::kIn,
                    {settings_.cluster_id}});
    inputs.backups = TRY(reader().list(api::kBackup, inputs.ns, of_cluster));
    inputs.data_uploads = TRY(served_.list(reader(), api::kDataUpload, inputs.ns));
    inputs.volume_backups = TRY(served_.list(reader(), api::kVolumeSnapshotBackup, ""));
    for (const Object& application :
         TRY(served_.list(reader(), api::kDataProtectionApplication, inputs.ns))) {
      const Json& mover = application.spec()["features"]["dataMover"];
      inputs.data_mover = inputs.data_mover || mover["enable"].as_bool();
    }
    return {};
  }

  Result<> gather_hub(BackupInputs& inputs) {
    if (!TRY(is_hub_cluster(served_, reader()))) return {};
    const auto schedules =
        TRY(served_.list(reader(), api::kBackupSchedule, std::string(api::kHubNamespace)));
    inputs.hub_gate = hub_gate(schedules);
    return {};
  }
};

}  // namespace

kube::ControllerSpec make_backup_policy_controller(ClusterPolicySettings settings,
                                                   PolicyServices services) {
  kube::ControllerSpec spec;
  spec.name = "backup-policy";
  spec.sources = {wakes_policy(api::kVirtBackupPolicy, settings.policy_namespace),
                  wakes_policy(api::kVirtInstallPolicy, settings.policy_namespace),
                  wakes_policy(api::kVirtualMachine),
                  wakes_policy(api::kVirtualMachineProtection),
                  wakes_policy(api::kVirtProtectionSummary),
                  wakes_policy(api::kSchedule),
                  wakes_policy(api::kBackup),
                  wakes_policy(api::kDataUpload)};
  spec.reconciler = std::make_unique<BackupReconciler>(std::move(settings), services);
  return spec;
}

}  // namespace breakwater::policy
