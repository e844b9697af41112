// The Schedules part of the backup policy (private to policy/).
#pragma once

#include <map>
#include <string>

#include "policy/backup_policy.h"
#include "policy/protection.h"

namespace breakwater::policy {

// Adds Schedules, removals and findings to `evaluation`; returns the plan of each VM by uid. Every
// VM of the inputs gets one.
std::map<std::string, VmPlan> plan_schedules(const BackupInputs& inputs, Evaluation& evaluation);

}  // namespace breakwater::policy
