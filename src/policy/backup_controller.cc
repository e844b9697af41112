#include "policy/backup_controller.h"

#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/backup_policy.h"
#include "policy/enforcer.h"

namespace breakwater::policy {
namespace {

using kube::Object;

// Backups grow old without any object changing.
constexpr Duration kReevaluate = std::chrono::minutes(1);

class BackupPolicyReconciler final : public kube::Reconciler {
 public:
  BackupPolicyReconciler(BackupPolicySettings settings, kube::Reader& reader, kube::Client& client,
                         kube::EventRecorder& events, const Clock& clock, Logger log)
      : settings_(std::move(settings)),
        reader_(reader),
        events_(events),
        clock_(clock),
        log_(log),
        enforcer_(reader, client, log) {}

  kube::Outcome reconcile(const kube::Key&) override {
    std::vector<Finding> findings;
    const BackupInputs inputs = TRY(gather(findings));
    const Evaluation evaluation = evaluate_backup(inputs);
    const Enforcement done = enforcer_.carry_out(evaluation, Mode::kEnforce);
    findings.insert(findings.end(), evaluation.findings.begin(), evaluation.findings.end());
    findings.insert(findings.end(), done.failures.begin(), done.failures.end());
    report(findings);
    return kube::Outcome::again_after(done.failures.empty() ? kReevaluate : kReevaluate / 6);
  }

 private:
  Result<std::optional<Object>> find_config(std::string_view name) {
    auto config = reader_.get(api::kConfigMap, {settings_.ns, std::string(name)});
    if (config) return *config;
    if (config.error().is(Code::kNotFound)) return std::nullopt;
    return tl::unexpected(config.error());
  }

  // VMs that bear the label, and those that bore it when we last looked.
  Result<std::vector<Object>> relevant_vms(const BackupInputs& inputs) {
    std::set<kube::Key> known;
    for (const Object& protection : inputs.protections) known.insert(protection.key());
    std::vector<Object> vms;
    for (Object& vm : TRY(reader_.list(api::kVirtualMachine, ""))) {
      if (vm.has_label(inputs.backup_label) || known.contains(vm.key())) vms.push_back(vm);
    }
    return vms;
  }

  Result<BackupInputs> gather(std::vector<Finding>& findings) {
    BackupInputs inputs;
    inputs.now = clock_.now();
    inputs.cluster_id = settings_.cluster_id;
    inputs.ns = settings_.ns;
    inputs.backup_label = api::kBackupVmLabel;
    if (const auto config = TRY(find_config(api::kConfigCopy))) {
      inputs.settings = read_schedule_settings(*config, findings);
      const std::string& label = (*config)["data"]["backup_label_name"].as_string();
      if (!label.empty()) inputs.backup_label = label;
    }
    inputs.cron_config = {settings_.ns, std::string(api::kScheduleCronCopy)};
    if (const auto crons = TRY(find_config(api::kScheduleCronCopy))) {
      inputs.crons.emplace();
      for (const auto& [name, cron] : (*crons)["data"].members()) {
        inputs.crons->emplace(name, cron.as_string());
      }
    }
    const auto ours =
        kube::LabelSelector::equals(api::kScheduleTypeLabel, api::kScheduleTypeKubevirt);
    inputs.schedules = TRY(reader_.list(api::kSchedule, settings_.ns, ours));
    auto of_cluster = ours;
    of_cluster.add({std::string(api::kBackupClusterLabel),
                    kube::LabelSelector::Operator::kIn,
                    {settings_.cluster_id}});
    inputs.backups = TRY(reader_.list(api::kBackup, settings_.ns, of_cluster));
    inputs.data_uploads = TRY(reader_.list(api::kDataUpload, settings_.ns));
    inputs.protections = TRY(reader_.list(api::kVirtualMachineProtection, ""));
    inputs.vms = TRY(relevant_vms(inputs));
    return inputs;
  }

  // A finding is an Event when it appears, not each time it is found again.
  void report(const std::vector<Finding>& findings) {
    std::set<std::string> now;
    for (const Finding& finding : findings) {
      const std::string id =
          finding.object.to_string() + " " + finding.reason + " " + finding.message;
      now.insert(id);
      if (reported_.contains(id)) continue;
      log_.warning(finding.message,
                   {{"object", finding.object.to_string()}, {"reason", finding.reason}});
      auto about = reader_.get(finding.kind, finding.object);
      events_.warning(about ? *about : Object::make(finding.kind, finding.object), finding.reason,
                      finding.message);
    }
    reported_ = std::move(now);
  }

  const BackupPolicySettings settings_;
  kube::Reader& reader_;
  kube::EventRecorder& events_;
  const Clock& clock_;
  Logger log_;
  Enforcer enforcer_;
  std::set<std::string> reported_;
};

}  // namespace

std::vector<kube::ControllerSpec> make_backup_policy_controllers(BackupPolicySettings settings,
                                                                 kube::Reader& reader,
                                                                 kube::Client& client,
                                                                 kube::EventRecorder& events,
                                                                 const Clock& clock, Logger log) {
  const kube::Key only{settings.ns, std::string(api::kBackupPolicyName)};
  const kube::Mapper to_policy = [only](const Object&) { return std::vector{only}; };
  const kube::Mapper to_policy_if_config = [only](const Object& object) {
    const bool relevant =
        object.name() == api::kConfigCopy || object.name() == api::kScheduleCronCopy;
    return relevant ? std::vector{only} : std::vector<kube::Key>{};
  };
  kube::ControllerSpec spec;
  spec.name = "backup-policy";
  spec.sources = {{api::kVirtualMachine, "", to_policy},
                  {api::kVirtualMachineProtection, "", to_policy},
                  {api::kConfigMap, settings.ns, to_policy_if_config},
                  {api::kSchedule, settings.ns, to_policy},
                  {api::kBackup, settings.ns, to_policy},
                  {api::kDataUpload, settings.ns, to_policy}};
  spec.reconciler = std::make_unique<BackupPolicyReconciler>(std::move(settings), reader, client,
                                                             events, clock, std::move(log));
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(std::move(spec));
  return controllers;
}

}  // namespace breakwater::policy
