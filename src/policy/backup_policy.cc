#include "policy/backup_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "kube/names.h"
#include "policy/backup_schedules.h"
#include "policy/configuration.h"
#include "policy/protection.h"

namespace breakwater::policy {
namespace {

using kube::Object;

// Both spellings are read; either pauses.
bool read_paused(const Object& config, std::vector<Finding>& findings) {
  const bool camel = read_flag(config, "schedulePaused", false, findings);
  const bool snake = read_flag(config, "schedule_paused", false, findings);
  const bool both = config["data"].has("schedulePaused") && config["data"].has("schedule_paused");
  if (both && camel != snake) {
    findings.push_back({api::kConfigMap, config.key(), "ContradictingValues",
                        "schedulePaused and schedule_paused differ: the Schedules are paused; "
                        "remove one of them"});
  }
  return camel || snake;
}

Desired protection_for(const Object& vm, Json status) {
  Object protection = Object::make(api::kVirtualMachineProtection, vm.key());
  protection.add_owner(vm, true);
  protection.set({"status"}, std::move(status));
  return {
      api::kVirtualMachineProtection, std::move(protection), Desired::Mode::kEnsure, {}, {}, false};
}

Desired summary_for(const BackupInputs& inputs, int64_t vms, int64_t saved) {
  const auto live = std::find_if(inputs.summaries.begin(), inputs.summaries.end(),
                                 [&](const Object& s) { return s.name() == inputs.summary; });
  const Json before = live == inputs.summaries.end() ? Json() : live->status();
  const int64_t unsaved = vms - saved;
  const bool same = before["since"].is_string() && before["notProtected"].as_int() == unsaved;
  Object summary = Object::make(api::kVirtProtectionSummary, {"", inputs.summary});
  summary.set({"status"},
              Json::object({{"vms", vms},
                            {"protected", saved},
                            {"notProtected", unsaved},
                            {"since", same ? before["since"] : Json(format_rfc3339(inputs.now))}}));
  return {api::kVirtProtectionSummary, std::move(summary), Desired::Mode::kEnsure, {}, {}, false};
}

void unwant(const kube::Kind& kind, const Object& object, bool related, Evaluation& evaluation) {
  evaluation.unwanted.push_back({kind, object.key(), object.uid(), related});
}

// Everything this policy made; Backups stay.
Evaluation removal_of_all(const BackupInputs& inputs) {
  Evaluation evaluation;
  evaluation.removal = inputs.removal;
  for (const Object& schedule : inputs.schedules) {
    if (is_our_schedule(schedule)) unwant(api::kSchedule, schedule, true, evaluation);
  }
  for (const Object& protection : inputs.protections) {
    unwant(api::kVirtualMachineProtection, protection, false, evaluation);
  }
  for (const Object& summary : inputs.summaries) {
    unwant(api::kVirtProtectionSummary, summary, false, evaluation);
  }
  if (evaluation.unwanted.empty()) {
    evaluation.summary = "the Schedules are removed (" + inputs.removal + "); Backups stay";
  } else {
    evaluation.pending = "removes the Schedules (" + inputs.removal + "); Backups stay";
  }
  return evaluation;
}

// VMs that have been told about already, by key.
std::set<kube::Key> refused_vms(const Evaluation& evaluation) {
  std::set<kube::Key> refused;
  for (const Finding& finding : evaluation.findings) {
    if (finding.kind == api::kVirtualMachine) refused.insert(finding.object);
  }
  return refused;
}

}  // namespace

ScheduleSettings read_schedule_settings(const Object& config, std::vector<Finding>& findings) {
  ScheduleSettings settings;
  const Json& data = config["data"];
  if (const std::string& ttl = data["scheduleTTL"].as_string(); !ttl.empty()) {
    if (auto parsed = parse_duration(ttl); parsed && *parsed > Duration::zero()) {
      settings.ttl = ttl;
    } else {
      findings.push_back({api::kConfigMap, config.key(), "InvalidValue",
                          "scheduleTTL is \"" + ttl + "\": it must be a duration such as 24h0m0s"});
    }
  }
  settings.paused = read_paused(config, findings);
  settings.skip_immediately = read_flag(config, "schedule_skipImmediately", false, findings);
  settings.use_owner_references =
      read_flag(config, "schedule_useOwnerReferencesInBackup", false, findings);
  settings.snapshot_move_data = read_flag(config, "schedule_snapshotMoveData", true, findings);
  settings.storage_location = data["storageLocation"].as_string();
  return settings;
}

void read_backup_configuration(const Object& policy, BackupInputs& inputs) {
  inputs.backup_label = api::kBackupVmLabel;
  inputs.findings = hub_findings(policy, api::kVirtBackupPolicy);
  const std::string& cluster = policy.spec()["clusterName"].as_string();
  if (!cluster.empty()) inputs.summary = cluster;
  const auto config = configuration_of(policy);
  if (!config) {
    inputs.missing = missing_configuration(policy);
    return;
  }
  inputs.settings = read_schedule_settings(*config, inputs.findings);
  const std::string& label = read_text(*config, "backup_label_name");
  if (label.empty() || kube::check_label_name(label)) {
    if (!label.empty()) inputs.backup_label = label;
  } else {
    inputs.findings.push_back(wrong_value(
        *config, "backup_label_name",
        fmt::format("is \"{}\", which is no label name; {} is used", label, inputs.backup_label)));
  }
  const auto crons = crons_of(policy);
  if (!crons) {
    const std::string& name = read_text(*config, "schedule_hub_config_name");
    inputs.cron_config = {config->ns(), name};
    if (name.empty()) {
      inputs.missing = wrong_value(*config, "schedule_hub_config_name",
                                   "is missing: it must name the ConfigMap of the crons");
    }
    return;
  }
  inputs.cron_config = crons->key();
  inputs.crons.emplace();
  for (const auto& [name, cron] : (*crons)["data"].members()) {
    inputs.crons->emplace(name, cron.as_string());
  }
}

Evaluation evaluate_backup(const BackupInputs& inputs) {
  if (!inputs.removal.empty()) return removal_of_all(inputs);
  Evaluation evaluation;
  evaluation.findings = inputs.findings;
  const auto plans = plan_schedules(inputs, evaluation);
  const SavedData saved(inputs);
  const std::set<kube::Key> refused = refused_vms(evaluation);
  std::map<kube::Key, const Object*> protections;
  for (const Object& protection : inputs.protections) protections[protection.key()] = &protection;
  int64_t vms = 0, saved_vms = 0;
  for (const Object& vm : inputs.vms) {
    if (vm.is_deleting()) continue;
    const auto existing = protections.find(vm.key());
    if (!vm.has_label(inputs.backup_label)) {
      // Unlabelled: whoever took the label away knows that the VM is not protected any more.
      if (existing == protections.end()) continue;
      unwant(api::kVirtualMachineProtection, *existing->second, false, evaluation);
      continue;
    }
    const Json previous = existing == protections.end() ? Json() : existing->second->status();
    const VmPlan& plan = plans.at(vm.uid());
    const Json status = protection_status(vm, plan, saved, previous, inputs.now);
    ++vms;
    if (const auto finding = protection_finding(vm, plan, status, inputs.now); !finding) {
      ++saved_vms;
    } else if (!refused.contains(vm.key())) {
      evaluation.findings.push_back(*finding);
    }
    evaluation.desired.push_back(protection_for(vm, status));
  }
  evaluation.desired.push_back(summary_for(inputs, vms, saved_vms));
  // Of a name that the cluster had before: its numbers would never change again.
  for (const Object& summary : inputs.summaries) {
    if (summary.name() == inputs.summary) continue;
    unwant(api::kVirtProtectionSummary, summary, false, evaluation);
  }
  evaluation.summary = fmt::format("{} VirtualMachines are protected", vms);
  return evaluation;
}

}  // namespace breakwater::policy
