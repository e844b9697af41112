// The Schedules part of the backup policy (private to policy/).
#pragma once

#include <map>
#include <string>

#include "policy/backup_policy.h"
#include "policy/protection.h"

namespace breakwater::policy {

// Adds Schedules, stamps, removals and findings to `evaluation`; returns the plan of each VM by
// uid. Every VM of the inputs gets one. Without crons or with a closed gate nothing is written, and
// the plans are what the existing Schedules give.
std::map<std::string, VmPlan> plan_schedules(const BackupInputs& inputs, Evaluation& evaluation);

// Whether we made the Schedule; others are never touched.
bool is_our_schedule(const kube::Object& schedule);

}  // namespace breakwater::policy
