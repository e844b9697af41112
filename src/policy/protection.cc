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

constexpr char kNoBackupYet[] = "NoBackupYet";

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

// Disks of the VM of which the Backup holds no completed move.
std::vector<std::string> disks_missing(const Object& vm, const Object& backup,
                                       const SavedData& saved) {
  std::vector<std::string> missing = disks_of(vm);
  std::erase_if(missing,
                [&](const std::string& disk) { return saved.has_disk(backup, vm.ns(), disk); });
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

Judgement judge_backup(const Object& vm, const VmPlan& plan, const SavedData& saved,
                       const Object& backup, Time now) {
  const std::string& phase = backup.phase();
  if (phase != api::backup_phase::kCompleted) {
    std::string message = "Backup " + backup.name() + " is " + phase;
    const std::string& why = backup.status()["failureReason"].as_string();
    const std::string& invalid = backup.status()["validationErrors"][0].as_string();
    if (!why.empty() || !invalid.empty()) message += ": " + (why.empty() ? invalid : why);
    return {false, "Backup" + phase, message, &backup};
  }
  if (const auto missing = disks_missing(vm, backup, saved);
      saved.moves_data(backup) && !missing.empty()) {
    std::string message = "Backup " + backup.name() + " has no data of " + joined(missing);
    for (const std::string& disk : missing) {
      const std::string& fault = saved.fault_of_disk(backup, vm.ns(), disk);
      if (!fault.empty()) message += "; " + fault;
    }
    return {false, "DiskNotInBackup", message, &backup};
  }
  const auto cron = Cron::parse(plan.cron);
  if (cron && now - started(backup) > allowed_age(*cron, started(backup))) {
    return {false, "BackupTooOld",
            "Backup " + backup.name() + " started " + format_rfc3339(started(backup)) +
                ", longer ago than " + plan.cron + " allows",
            &backup};
  }
  return {true, "BackedUp", "", &backup};
}

Judgement judge(const Object& vm, const VmPlan& plan, const SavedData& saved, Time now) {
  const Object* newest = saved.newest_backup_of(vm.uid());
  if (!plan.reason.empty()) return {false, plan.reason, plan.message, newest};
  if (plan.schedule.empty()) {
    return {false, "NotSelected", "no Schedule saves the VM", newest};
  }
  if (newest == nullptr) {
    return {false, kNoBackupYet, "no Backup of Schedule " + plan.schedule + " has finished yet",
            nullptr};
  }
  return judge_backup(vm, plan, saved, *newest, now);
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

SavedData::SavedData(const BackupInputs& inputs) : data_mover_(inputs.data_mover) {
  for (const Object& backup : inputs.backups) {
    if (!api::backup_is_terminal(backup.phase())) continue;
    for (const auto& [uid, name] : backup.metadata()["annotations"].members()) {
      const Object*& newest = newest_[uid];
      if (newest == nullptr || started(*newest) < started(backup)) newest = &backup;
    }
  }
  for (const Object& upload : inputs.data_uploads) {
    add_move(upload,
             {upload.label(api::kBackupNameLabel), upload.spec()["sourceNamespace"].as_string(),
              upload.spec()["sourcePVC"].as_string()});
  }
  for (const Object& move : inputs.volume_backups) {
    const std::string& backup = move.label(api::kBackupNameLabel);
    moved_by_snapshot_mover_.insert(backup);
    // A VolumeSnapshotBackup lives in the namespace of the volume that it saves.
    add_move(move, {backup, move.ns(), move.status()["sourcePVCData"]["name"].as_string()});
  }
}

void SavedData::add_move(const Object& move, Disk disk) {
  if (move.phase() == api::data_phase::kCompleted) {
    disks_.insert(std::move(disk));
  } else if (move.phase().ends_with("Failed") || move.phase() == api::data_phase::kCanceled) {
    const std::string& why = move.status()["message"].as_string();
    faults_[std::move(disk)] =
        move.kind() + " " + move.name() + " is " + move.phase() + (why.empty() ? "" : ": " + why);
  }
}

const Object* SavedData::newest_backup_of(const std::string& vm_uid) const {
  const auto found = newest_.find(vm_uid);
  return found == newest_.end() ? nullptr : found->second;
}

bool SavedData::moves_data(const Object& backup) const {
  return backup.spec()["snapshotMoveData"].as_bool() || data_mover_ ||
         moved_by_snapshot_mover_.contains(label_value(backup.name()));
}

bool SavedData::has_disk(const Object& backup, const std::string& ns,
                         const std::string& claim) const {
  return disks_.contains({label_value(backup.name()), ns, claim});
}

const std::string& SavedData::fault_of_disk(const Object& backup, const std::string& ns,
                                            const std::string& claim) const {
  const auto found = faults_.find({label_value(backup.name()), ns, claim});
  return found == faults_.end() ? Json().as_string() : found->second;
}

Json protection_status(const Object& vm, const VmPlan& plan, const SavedData& saved,
                       const Json& previous, Time now) {
  const Judgement judgement = judge(vm, plan, saved, now);
  const std::string state = judgement.is_protected ? "True" : "False";
  const bool same = previous["protected"].as_string() == state &&
                    previous["reason"].as_string() == judgement.reason;
  Json status =
      Json::object({{"schedule", plan.schedule},
                    {"protected", state},
                    {"lastBackup", judgement.backup == nullptr ? "" : judgement.backup->name()},
                    {"reason", judgement.reason},
                    {"message", judgement.message},
                    {"since", same ? previous["since"] : Json(format_rfc3339(now))}});
  status.set("lastBackupTime", judgement.backup == nullptr
                                   ? Json()
                                   : Json(format_rfc3339(started(*judgement.backup))));
  return status;
}

std::optional<Finding> protection_finding(const Object& vm, const VmPlan& plan, const Json& status,
                                          Time now) {
  if (status["protected"].as_string() == "True") return std::nullopt;
  Finding finding{api::kVirtualMachine, vm.key(), status["reason"].as_string(),
                  status["message"].as_string()};
  if (finding.reason == kNotInstalledReason) finding.weight = Finding::Weight::kPending;
  if (finding.reason != kNoBackupYet) return finding;
  const auto since = parse_rfc3339(status["since"].as_string());
  const auto cron = Cron::parse(plan.cron);
  if (!since || !cron) return finding;
  if (now - *since <= allowed_age(*cron, *since)) {
    finding.weight = Finding::Weight::kPending;
  } else {
    finding.message += ", longer than " + plan.cron + " allows";
  }
  return finding;
}

}  // namespace breakwater::policy
