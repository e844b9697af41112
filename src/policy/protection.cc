#include "policy/protection.h"

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/cron.h"
#include "base/ids.h"

namespace breakwater::policy {
namespace {

using kube::Object;

struct Judgement {
  bool is_protected = false;
  std::string reason, message;
  const Object* backup = nullptr;
};

// When it started; its creation as long as the engine has not said.
Time started(const Object& backup) {
  auto time = parse_rfc3339(backup.status()["startTimestamp"].as_string());
  return time ? *time : backup.created();
}

// The newest finished Backup that was asked to save the VM.
const Object* newest_finished(const Object& vm, const BackupInputs& inputs) {
  const Object* newest = nullptr;
  for (const Object& backup : inputs.backups) {
    if (!api::backup_is_terminal(backup.phase())) continue;
    if (backup.annotation(vm.uid()).empty()) continue;
    if (newest == nullptr || started(*newest) < started(backup)) newest = &backup;
  }
  return newest;
}

// Disks of the VM of which the Backup holds no completed move.
std::vector<std::string> disks_missing(const Object& vm, const Object& backup,
                                       const BackupInputs& inputs) {
  std::vector<std::string> missing = disks_of(vm);
  for (const Object& upload : inputs.data_uploads) {
    if (upload.label(api::kBackupNameLabel) != label_value(backup.name())) continue;
    if (upload.spec()["sourceNamespace"].as_string() != vm.ns()) continue;
    if (upload.phase() != api::data_phase::kCompleted) continue;
    std::erase(missing, upload.spec()["sourcePVC"].as_string());
  }
  return missing;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// A tenth of the period and ten minutes are for the Backup itself to run in.
Duration allowed_age(const Cron& cron, Time now) {
  const Duration gap = cron.longest_gap(now);
  return gap + gap / 10 + std::chrono::minutes(10);
}

Judgement judge_backup(const Object& vm, const VmPlan& plan, const BackupInputs& inputs,
                       const Object& backup) {
  const std::string& phase = backup.phase();
  if (phase != api::backup_phase::kCompleted) {
    std::string message = "Backup " + backup.name() + " is " + phase;
    const std::string& why = backup.status()["failureReason"].as_string();
    const std::string& invalid = backup.status()["validationErrors"][0].as_string();
    if (!why.empty() || !invalid.empty()) message += ": " + (why.empty() ? invalid : why);
    return {false, "Backup" + phase, message, &backup};
  }
  const bool moved = backup.spec()["snapshotMoveData"].as_bool();
  if (const auto missing = disks_missing(vm, backup, inputs); moved && !missing.empty()) {
    return {false, "DiskNotInBackup",
            "Backup " + backup.name() + " has no data of " + joined(missing), &backup};
  }
  const auto cron = Cron::parse(plan.cron);
  if (cron && inputs.now - started(backup) > allowed_age(*cron, started(backup))) {
    return {false, "BackupTooOld",
            "Backup " + backup.name() + " started " + format_rfc3339(started(backup)) +
                ", longer ago than " + plan.cron + " allows",
            &backup};
  }
  return {true, "BackedUp", "", &backup};
}

Judgement judge(const Object& vm, const VmPlan& plan, const BackupInputs& inputs) {
  const Object* newest = newest_finished(vm, inputs);
  if (!plan.reason.empty()) return {false, plan.reason, plan.message, newest};
  if (plan.schedule.empty()) {
    return {false, "NotSelected", "the VM has no label " + inputs.backup_label, newest};
  }
  if (newest == nullptr) {
    return {false, "NoBackupYet", "no Backup of Schedule " + plan.schedule + " has finished yet",
            nullptr};
  }
  return judge_backup(vm, plan, inputs, *newest);
}

}  // namespace

std::vector<std::string> disks_of(const Object& vm) {
  std::set<std::string> names;
  for (const Json& volume : vm.spec()["template"]["spec"]["volumes"].items()) {
    for (const Json* name : {&volume["persistentVolumeClaim"]["claimName"],
                             &volume["dataVolume"]["name"], &volume["memoryDump"]["claimName"]}) {
      if (!name->as_string().empty()) names.insert(name->as_string());
    }
  }
  return {names.begin(), names.end()};
}

Json protection_status(const Object& vm, const VmPlan& plan, const BackupInputs& inputs,
                       const Json& previous) {
  const Judgement judgement = judge(vm, plan, inputs);
  const std::string state = judgement.is_protected ? "True" : "False";
  const bool same = previous["protected"].as_string() == state &&
                    previous["reason"].as_string() == judgement.reason;
  Json status =
      Json::object({{"schedule", plan.schedule},
                    {"protected", state},
                    {"lastBackup", judgement.backup == nullptr ? "" : judgement.backup->name()},
                    {"reason", judgement.reason},
                    {"message", judgement.message},
                    {"since", same ? previous["since"] : Json(format_rfc3339(inputs.now))}});
  status.set("lastBackupTime", judgement.backup == nullptr
                                   ? Json()
                                   : Json(format_rfc3339(started(*judgement.backup))));
  return status;
}

}  // namespace breakwater::policy
