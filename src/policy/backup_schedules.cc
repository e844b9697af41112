#include "policy/backup_schedules.h"

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "base/cron.h"

namespace breakwater::policy {
namespace {

using kube::Object;

// Velero puts a Schedule's name into a label of its Backups, and label values end at 63 characters.
constexpr size_t kLongestName = 63;

struct CronGroup {
  std::string cron_name, cron, schedule;
  std::vector<const Object*> vms;  // sorted by key
};

bool is_dns_label_text(std::string_view text) {
  if (text.empty() || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

void refuse(const Object& vm, std::string reason, std::string message,
            std::map<std::string, VmPlan>& plans, Evaluation& evaluation) {
  evaluation.findings.push_back({api::kVirtualMachine, vm.key(), reason, message});
  VmPlan& plan = plans[vm.uid()];
  plan.reason = std::move(reason);
  plan.message = std::move(message);
}

std::string known_names(const std::map<std::string, std::string>& crons) {
  std::string names;
  for (const auto& [name, cron] : crons) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

// Why a VM cannot be backed up by the cron its label names; an empty reason if it can.
std::pair<std::string, std::string> objection(const BackupInputs& inputs, const Object& vm) {
  const std::string& name = vm.label(inputs.backup_label);
  const std::string field = "label " + inputs.backup_label;
  if (name.empty()) {
    return {"EmptySchedule",
            field + " is empty: it must name one of the crons " + known_names(*inputs.crons)};
  }
  const auto cron = inputs.crons->find(name);
  if (cron == inputs.crons->end()) {
    return {"UnknownSchedule", field + " names \"" + name + "\", which ConfigMap " +
                                   inputs.cron_config.to_string() + " does not have; it has " +
                                   known_names(*inputs.crons)};
  }
  if (auto parsed = Cron::parse(cron->second); !parsed) {
    return {"InvalidCron", "ConfigMap " + inputs.cron_config.to_string() + " key " + name + ": " +
                               parsed.error().message()};
  }
  if (auto schedule = schedule_name(name); !schedule) {
    return {"InvalidScheduleName", schedule.error().message()};
  }
  return {};
}

// VMs by the Schedule that will save them. Of two cron names that give one Schedule name the first
// (in order of names) has it; the VMs of the other are refused.
std::map<std::string, CronGroup> group(const BackupInputs& inputs, Evaluation& evaluation,
                                       std::map<std::string, VmPlan>& plans) {
  std::vector<const Object*> vms;
  for (const Object& vm : inputs.vms) {
    plans[vm.uid()];
    if (vm.has_label(inputs.backup_label) && !vm.is_deleting()) vms.push_back(&vm);
  }
  std::sort(vms.begin(), vms.end(), [&](const Object* a, const Object* b) {
    return std::tie(a->label(inputs.backup_label), a->ns(), a->name()) <
           std::tie(b->label(inputs.backup_label), b->ns(), b->name());
  });
  std::map<std::string, CronGroup> groups;
  for (const Object* vm : vms) {
    if (auto [reason, message] = objection(inputs, *vm); !reason.empty()) {
      refuse(*vm, reason, message, plans, evaluation);
      continue;
    }
    const std::string& name = vm->label(inputs.backup_label);
    const std::string schedule = *schedule_name(name);
    CronGroup& entry = groups[schedule];
    if (entry.vms.empty()) entry = {name, inputs.crons->at(name), schedule, {}};
    if (entry.cron_name != name) {
      refuse(*vm, "ScheduleNameTaken",
             "crons \"" + entry.cron_name + "\" and \"" + name + "\" both give Schedule " +
                 schedule + ": rename one of them in ConfigMap " + inputs.cron_config.to_string(),
             plans, evaluation);
      continue;
    }
    entry.vms.push_back(vm);
  }
  return groups;
}

// Annotations `<uid>: <namespace>--<name>`; null for VMs that have gone from the live Schedule.
Json annotations_for(const CronGroup& group, const Object* live) {
  Json annotations = Json::object();
  if (live != nullptr) {
    for (const auto& [key, value] : live->metadata()["annotations"].members()) {
      if (key.find('/') == std::string::npos && value.as_string().find("--") != std::string::npos) {
        annotations.set(key, nullptr);
      }
    }
  }
  for (const Object* vm : group.vms) annotations.set(vm->uid(), vm->ns() + "--" + vm->name());
  return annotations;
}

Json template_for(const BackupInputs& inputs, const CronGroup& group) {
  std::set<std::string> namespaces;
  for (const Object* vm : group.vms) namespaces.insert(vm->ns());
  Json names = Json::array();
  for (const std::string& ns : namespaces) names.push_back(ns);
  Json selector =
      Json::object({{"matchExpressions",
                     Json::array({Json::object({{"key", inputs.backup_label},
                                                {"operator", "In"},
                                                {"values", Json::array({group.cron_name})}})})}});
  Json result = Json::object({{"defaultVolumesToFsBackup", false},
                              {"includeClusterResources", true},
                              {"includedNamespaces", names},
                              {"labelSelector", selector},
                              {"snapshotMoveData", inputs.settings.snapshot_move_data},
                              {"ttl", inputs.settings.ttl}});
  if (!inputs.settings.storage_location.empty()) {
    result.set("storageLocation", inputs.settings.storage_location);
  }
  return result;
}

Desired schedule_for(const BackupInputs& inputs, const CronGroup& group, const Object* live) {
  Object schedule = Object::make(api::kSchedule, {inputs.ns, group.schedule});
  schedule.set({"metadata", "labels"},
               Json::object({{std::string(api::kBackupClusterLabel), inputs.cluster_id},
                             {std::string(api::kScheduleTypeLabel), api::kScheduleTypeKubevirt},
                             {std::string(api::kManagedByLabel), api::kManagedBy}}));
  schedule.set({"metadata", "annotations"}, annotations_for(group, live));
  Json spec = Json::object({{"paused", inputs.settings.paused},
                            {"schedule", group.cron},
                            {"useOwnerReferencesInBackup", inputs.settings.use_owner_references},
                            {"template", template_for(inputs, group)}});
  // The engine resets skipImmediately once it has obeyed it, so it is only given at creation.
  if (live == nullptr) spec.set("skipImmediately", inputs.settings.skip_immediately);
  schedule.set({"spec"}, std::move(spec));
  return {api::kSchedule, std::move(schedule), Desired::Mode::kEnsure};
}

Desired stamp_for(const Object& vm) {
  Object patch = Object::make(api::kVirtualMachine, vm.key());
  patch.set({"metadata", "uid"}, vm.uid());
  patch.set_label(api::kBackupVmUidLabel, vm.uid());
  return {api::kVirtualMachine, std::move(patch), Desired::Mode::kPatch};
}

void remove_unused(const BackupInputs& inputs, const std::map<std::string, CronGroup>& groups,
                   Evaluation& evaluation) {
  // A cron that VMs still ask for but that cannot be used now is a mistake, not an intent.
  std::set<std::string> asked_for;
  for (const Object& vm : inputs.vms) {
    if (auto name = schedule_name(vm.label(inputs.backup_label)); name) asked_for.insert(*name);
  }
  for (const Object& schedule : inputs.schedules) {
    if (schedule.label(api::kManagedByLabel) != api::kManagedBy) continue;
    if (groups.contains(schedule.name()) || asked_for.contains(schedule.name())) continue;
    evaluation.unwanted.push_back({api::kSchedule, schedule.key(), schedule.uid()});
  }
}

}  // namespace

Result<std::string> schedule_name(std::string_view cron_name) {
  std::string name = std::string(api::kSchedulePrefix) + std::string(cron_name);
  std::replace(name.begin(), name.end(), '_', '-');
  if (name.size() > kLongestName) {
    return fail(Code::kInvalid, "cron name \"{}\" is too long: at most {} characters", cron_name,
                kLongestName - api::kSchedulePrefix.size());
  }
  if (cron_name.empty() || !is_dns_label_text(name)) {
    return fail(Code::kInvalid,
                "cron name \"{}\" cannot be part of a Schedule's name: use lower-case letters, "
                "digits, '_', '-' and '.', and end with a letter or digit",
                cron_name);
  }
  return name;
}

std::map<std::string, VmPlan> plan_schedules(const BackupInputs& inputs, Evaluation& evaluation) {
  std::map<std::string, VmPlan> plans;
  if (!inputs.crons) {
    const std::string message = "ConfigMap " + inputs.cron_config.to_string() +
                                " does not exist; existing Schedules are left as they are";
    evaluation.findings.push_back(
        {api::kConfigMap, inputs.cron_config, "MissingConfiguration", message});
    for (const Object& vm : inputs.vms) plans[vm.uid()] = {"", "", "MissingConfiguration", message};
    return plans;
  }
  const auto groups = group(inputs, evaluation, plans);
  for (const auto& [name, group] : groups) {
    const auto live = std::find_if(inputs.schedules.begin(), inputs.schedules.end(),
                                   [&](const Object& s) { return s.name() == name; });
    const Object* existing = live == inputs.schedules.end() ? nullptr : &*live;
    // Stamps come first: a Restore selects on them, so no Backup may be made without.
    for (const Object* vm : group.vms) evaluation.desired.push_back(stamp_for(*vm));
    evaluation.desired.push_back(schedule_for(inputs, group, existing));
    for (const Object* vm : group.vms) {
      VmPlan& plan = plans[vm->uid()];
      plan.schedule = name;
      plan.cron = group.cron;
      if (inputs.settings.paused) {
        plan.reason = "SchedulePaused";
        plan.message = "schedulePaused is true in the configuration";
      }
    }
  }
  remove_unused(inputs, groups, evaluation);
  return plans;
}

}  // namespace breakwater::policy
