#include "policy/backup_schedules.h"

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/cron_groups.h"

namespace breakwater::policy {
namespace {

using kube::Object;

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

Json requirement(std::string_view key, Json values) {
  return Json::object({{"key", key}, {"operator", "In"}, {"values", std::move(values)}});
}

Json selector_for(const BackupInputs& inputs, const CronGroup& group) {
  Json requirements =
      Json::array({requirement(inputs.backup_label, Json::array({group.cron_name}))});
  if (group.by_uid) {
    Json uids = Json::array();
    for (const Object* vm : group.vms) uids.push_back(vm->uid());
    requirements.push_back(requirement(api::kBackupVmUidLabel, std::move(uids)));
  }
  return Json::object({{"matchExpressions", requirements}});
}

Json template_for(const BackupInputs& inputs, const CronGroup& group) {
  std::set<std::string> namespaces;
  for (const Object* vm : group.vms) namespaces.insert(vm->ns());
  Json names = Json::array();
  for (const std::string& ns : namespaces) names.push_back(ns);
  Json result = Json::object({{"defaultVolumesToFsBackup", false},
                              {"includeClusterResources", true},
                              {"includedNamespaces", names},
                              {"labelSelector", selector_for(inputs, group)},
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
  Json spec = Json::object({{"paused", inputs.settings.paused || !inputs.hub_gate.empty()},
                            {"schedule", group.cron},
                            {"useOwnerReferencesInBackup", inputs.settings.use_owner_references},
                            {"template", template_for(inputs, group)}});
  // The engine resets skipImmediately once it has obeyed it, so it is only given at creation.
  if (live == nullptr) spec.set("skipImmediately", inputs.settings.skip_immediately);
  schedule.set({"spec"}, std::move(spec));
  return {api::kSchedule, std::move(schedule), Desired::Mode::kEnsure, {}, {}, true};
}

Desired stamp_for(const Object& vm) {
  Object patch = Object::make(api::kVirtualMachine, vm.key());
  patch.set({"metadata", "uid"}, vm.uid());
  patch.set_label(api::kBackupVmUidLabel, vm.uid());
  return {api::kVirtualMachine, std::move(patch), Desired::Mode::kPatch, {}, {}, false};
}

// The cron name that a Schedule of ours selects by.
const std::string& cron_name_of(const Object& schedule) {
  const Json& selector = schedule.spec()["template"]["labelSelector"];
  return selector["matchExpressions"][0]["values"][0].as_string();
}

void remove_unused(const BackupInputs& inputs, const std::map<std::string, CronGroup>& groups,
                   Evaluation& evaluation) {
  // A cron that VMs still ask for but that cannot be used now is a mistake, not an intent.
  std::set<std::string> unusable;
  for (const Object& vm : inputs.vms) unusable.insert(vm.label(inputs.backup_label));
  for (const auto& [name, group] : groups) unusable.erase(group.cron_name);
  for (const Object& schedule : inputs.schedules) {
    if (!is_our_schedule(schedule)) continue;
    const bool here = schedule.ns() == inputs.ns;
    if (here && groups.contains(schedule.name())) continue;
    if (here && unusable.contains(cron_name_of(schedule))) continue;
    evaluation.unwanted.push_back({api::kSchedule, schedule.key(), schedule.uid(), true});
  }
}

const Object* find_schedule(const BackupInputs& inputs, const std::string& name) {
  const auto live =
      std::find_if(inputs.schedules.begin(), inputs.schedules.end(),
                   [&](const Object& s) { return s.name() == name && s.ns() == inputs.ns; });
  return live == inputs.schedules.end() ? nullptr : &*live;
}

// Nothing is written: what saves a VM is the Schedule that names it now.
std::map<std::string, VmPlan> plans_as_they_are(const BackupInputs& inputs,
                                                const std::string& reason,
                                                const std::string& message) {
  std::map<std::string, VmPlan> plans;
  std::map<std::string, const Object*> by_uid;
  for (const Object& schedule : inputs.schedules) {
    if (!is_our_schedule(schedule) || schedule.ns() != inputs.ns) continue;
    for (const auto& [uid, name] : schedule.metadata()["annotations"].members()) {
      by_uid[uid] = &schedule;
    }
  }
  for (const Object& vm : inputs.vms) {
    VmPlan& plan = plans[vm.uid()];
    const auto live = by_uid.find(vm.uid());
    if (live == by_uid.end()) {
      plan.reason = reason;
      plan.message = message;
      continue;
    }
    plan.schedule = live->second->name();
    plan.cron = live->second->spec()["schedule"].as_string();
    if (live->second->spec()["paused"].as_bool()) {
      plan.reason = "SchedulePaused";
      plan.message = "Schedule " + plan.schedule + " is paused";
    }
  }
  return plans;
}

// Why the VMs of a group are not saved although their Schedule is as it should be.
void note_pause(const BackupInputs& inputs, VmPlan& plan) {
  if (!inputs.hub_gate.empty()) {
    plan.reason = "HubBackupNotRunning";
    plan.message = inputs.hub_gate;
  } else if (inputs.settings.paused) {
    plan.reason = "SchedulePaused";
    plan.message = "schedulePaused is true in the configuration";
  }
}

void plan_group(const BackupInputs& inputs, const CronGroup& group,
                std::map<std::string, VmPlan>& plans, Evaluation& evaluation) {
  const Object* live = find_schedule(inputs, group.schedule);
  if (live != nullptr && !is_our_schedule(*live)) {
    evaluation.findings.push_back({api::kSchedule, live->key(), "NotOurs",
                                   "it bears the name that cron \"" + group.cron_name +
                                       "\" gives, and was not made by this policy: delete it, or "
                                       "give the cron another name"});
    for (const Object* vm : group.vms) {
      refuse(*vm, "ScheduleNotOurs", "Schedule " + group.schedule + " was made by somebody else",
             plans, evaluation);
    }
    return;
  }
  const bool write = inputs.hub_gate.empty() || live != nullptr;
  // Stamps come first: a Restore selects on them, so no Backup may be made without.
  if (write) {
    for (const Object* vm : group.vms) evaluation.desired.push_back(stamp_for(*vm));
    evaluation.desired.push_back(schedule_for(inputs, group, live));
  }
  for (const Object* vm : group.vms) {
    VmPlan& plan = plans[vm->uid()];
    plan.schedule = write ? group.schedule : "";
    plan.cron = group.cron;
    note_pause(inputs, plan);
  }
}

}  // namespace

bool is_our_schedule(const Object& schedule) {
  return schedule.label(api::kManagedByLabel) == api::kManagedBy;
}

std::map<std::string, VmPlan> plan_schedules(const BackupInputs& inputs, Evaluation& evaluation) {
  if (!inputs.crons) {
    Finding missing = inputs.missing.value_or(
        Finding{api::kConfigMap, inputs.cron_config, "MissingConfiguration",
                "ConfigMap " + inputs.cron_config.to_string() +
                    " does not exist; existing Schedules are left as they are"});
    // The hub may have said the same of the same ConfigMap.
    const auto said = [&](const Finding& known) {
      return known.kind == missing.kind && known.object == missing.object;
    };
    if (std::none_of(inputs.findings.begin(), inputs.findings.end(), said)) {
      evaluation.findings.push_back(missing);
    }
    return plans_as_they_are(inputs, "MissingConfiguration", missing.message);
  }
  if (!inputs.waits_for.empty()) {
    evaluation.pending = "waits for " + inputs.waits_for;
    return plans_as_they_are(inputs, kNotInstalledReason,
                             "no Schedule is made before " + inputs.waits_for + " is Compliant");
  }
  if (!inputs.hub_gate.empty()) evaluation.pending = inputs.hub_gate;
  std::map<std::string, VmPlan> plans;
  const auto groups = group_vms(inputs, evaluation, plans);
  for (const auto& [name, group] : groups) plan_group(inputs, group, plans, evaluation);
  remove_unused(inputs, groups, evaluation);
  return plans;
}

}  // namespace breakwater::policy
