#include "policy/cron_groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "base/cron.h"

namespace breakwater::policy {
namespace {

using kube::Object;

// Velero puts a Schedule's name into a label of its Backups, and label values end at 63 characters.
constexpr size_t kLongestName = 63;

bool is_dns_label_text(std::string_view text) {
  if (text.empty() || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
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

// Labelled and here to stay, by cron name and key.
std::vector<const Object*> candidates(const BackupInputs& inputs,
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
  return vms;
}

// Cuts a group into pieces of at most `most` VMs.
std::vector<CronGroup> cut(const CronGroup& group, size_t most) {
  std::map<std::string, std::vector<const Object*>> namespaces;
  for (const Object* vm : group.vms) namespaces[vm->ns()].push_back(vm);
  std::vector<CronGroup> pieces = {{group.cron_name, group.cron, group.schedule, {}, false}};
  for (const auto& [ns, vms] : namespaces) {
    const bool fits_nowhere = vms.size() > most;
    if (!pieces.back().vms.empty() && pieces.back().vms.size() + vms.size() > most) {
      pieces.push_back({group.cron_name, group.cron, "", {}, false});
    }
    for (const Object* vm : vms) {
      if (pieces.back().vms.size() == most) {
        pieces.push_back({group.cron_name, group.cron, "", {}, false});
      }
      pieces.back().vms.push_back(vm);
      pieces.back().by_uid = pieces.back().by_uid || fits_nowhere;
    }
  }
  return pieces;
}

// A name that no other cron's Schedule has.
std::string further_name(const std::string& schedule, size_t& number,
                         const std::map<std::string, CronGroup>& taken) {
  while (true) {
    std::string name = fmt::format("{}-{}", schedule, ++number);
    if (!taken.contains(name)) return name;
  }
}

// Replaces a group that is too large by its pieces.
void split(const BackupInputs& inputs, const CronGroup& large,
           std::map<std::string, CronGroup>& groups, Evaluation& evaluation,
           std::map<std::string, VmPlan>& plans) {
  evaluation.findings.push_back(
      {api::kConfigMap, inputs.cron_config, "ManyVms",
       fmt::format("cron \"{}\" has {} VMs, and a Schedule takes {}: further Schedules save the "
                   "rest; spread the VMs over several crons",
                   large.cron_name, large.vms.size(), inputs.most_vms),
       Finding::Weight::kNotice});
  size_t number = 1;
  for (CronGroup& piece : cut(large, inputs.most_vms)) {
    if (piece.schedule.empty()) piece.schedule = further_name(large.schedule, number, groups);
    if (piece.schedule.size() > kLongestName) {
      for (const Object* vm : piece.vms) {
        refuse(*vm, "InvalidScheduleName",
               "cron name \"" + large.cron_name + "\" is too long for a further Schedule", plans,
               evaluation);
      }
      continue;
    }
    groups[piece.schedule] = piece;
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

void refuse(const Object& vm, std::string reason, std::string message,
            std::map<std::string, VmPlan>& plans, Evaluation& evaluation) {
  evaluation.findings.push_back({api::kVirtualMachine, vm.key(), reason, message});
  VmPlan& plan = plans[vm.uid()];
  plan.reason = std::move(reason);
  plan.message = std::move(message);
}

std::map<std::string, CronGroup> group_vms(const BackupInputs& inputs, Evaluation& evaluation,
                                           std::map<std::string, VmPlan>& plans) {
  std::map<std::string, CronGroup> groups;
  for (const Object* vm : candidates(inputs, plans)) {
    if (auto [reason, message] = objection(inputs, *vm); !reason.empty()) {
      refuse(*vm, reason, message, plans, evaluation);
      continue;
    }
    const std::string& name = vm->label(inputs.backup_label);
    const std::string schedule = *schedule_name(name);
    CronGroup& entry = groups[schedule];
    if (entry.vms.empty()) entry = {name, inputs.crons->at(name), schedule, {}, false};
    if (entry.cron_name != name) {
      refuse(*vm, "ScheduleNameTaken",
             "crons \"" + entry.cron_name + "\" and \"" + name + "\" both give Schedule " +
                 schedule + ": rename one of them in ConfigMap " + inputs.cron_config.to_string(),
             plans, evaluation);
      continue;
    }
    entry.vms.push_back(vm);
  }
  const std::map<std::string, CronGroup> whole = groups;
  for (const auto& [name, group] : whole) {
    if (group.vms.size() > inputs.most_vms) split(inputs, group, groups, evaluation, plans);
  }
  return groups;
}

}  // namespace breakwater::policy
