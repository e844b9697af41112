// Which VMs are saved together: by the cron that their label names (private to policy/).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policy/backup_policy.h"
#include "policy/protection.h"

namespace breakwater::policy {

// The VMs of one Schedule.
struct CronGroup {
  std::string cron_name, cron, schedule;
  std::vector<const kube::Object*> vms;  // sorted by key
  // The Schedule must name its VMs by uid, because another one saves others of their namespace by
  // the same cron.
  bool by_uid = false;
};

// By the Schedule's name. Every VM of the inputs gets a plan; one that cannot be saved gets a
// reason and a finding. Of two cron names that give one Schedule name the first (in order of names)
// has it. A cron with more VMs than one Schedule takes has further ones, "-2", "-3", and a finding:
// whole namespaces stay together as long as they fit.
std::map<std::string, CronGroup> group_vms(const BackupInputs& inputs, Evaluation& evaluation,
                                           std::map<std::string, VmPlan>& plans);

// Adds a finding about the VM, and to its plan the reason why it is not saved.
void refuse(const kube::Object& vm, std::string reason, std::string message,
            std::map<std::string, VmPlan>& plans, Evaluation& evaluation);

}  // namespace breakwater::policy
