#include "policy/backup_policy.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/backup_schedules.h"
#include "policy/protection.h"

namespace breakwater::policy {
namespace {

using kube::Object;

bool read_flag(const Object& config, std::string_view key, bool otherwise,
               std::vector<Finding>& findings) {
  const Json* value = config["data"].find(key);
  if (value == nullptr || value->as_string().empty()) return otherwise;
  if (value->as_string() == "true") return true;
  if (value->as_string() == "false") return false;
  findings.push_back(
      {api::kConfigMap, config.key(), "InvalidValue",
       std::string(key) + " is \"" + value->as_string() + "\": it must be \"true\" or \"false\""});
  return otherwise;
}

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
  return {api::kVirtualMachineProtection, std::move(protection), Desired::Mode::kEnsure};
}

const Object* find_by_key(const std::vector<Object>& objects, const kube::Key& key) {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const Object& object) { return object.key() == key; });
  return found == objects.end() ? nullptr : &*found;
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

Evaluation evaluate_backup(const BackupInputs& inputs) {
  Evaluation evaluation;
  const auto plans = plan_schedules(inputs, evaluation);
  for (const Object& vm : inputs.vms) {
    if (vm.is_deleting()) continue;
    const Object* existing = find_by_key(inputs.protections, vm.key());
    if (!vm.has_label(inputs.backup_label)) {
      // Unlabelled: whoever took the label away knows that the VM is not protected any more.
      if (existing != nullptr) {
        evaluation.unwanted.push_back(
            {api::kVirtualMachineProtection, existing->key(), existing->uid()});
      }
      continue;
    }
    const Json previous = existing == nullptr ? Json() : existing->status();
    evaluation.desired.push_back(
        protection_for(vm, protection_status(vm, plans.at(vm.uid()), inputs, previous)));
  }
  return evaluation;
}

}  // namespace breakwater::policy
