// Whether one VirtualMachine is protected, and why not.
#pragma once

#include <string>
#include <vector>

#include "policy/backup_policy.h"

namespace breakwater::policy {

// What the Schedules part of the evaluation found out about a VM.
struct VmPlan {
  std::string schedule;  // name of its Schedule; "" if it has none
  std::string cron;      // the cron of that Schedule
  std::string reason;    // not empty: why it has none, or why it does not run
  std::string message;
};

// The status of the VM's VirtualMachineProtection: schedule, protected, lastBackup, lastBackupTime,
// reason, message, since. `previous` is the status before, for `since`.
Json protection_status(const kube::Object& vm, const VmPlan& plan, const BackupInputs& inputs,
                       const Json& previous);

// Names of the PersistentVolumeClaims that are the VM's disks: volumes persistentVolumeClaim and
// dataVolume of its template, memory dumps included. Sorted, without duplicates.
std::vector<std::string> disks_of(const kube::Object& vm);

}  // namespace breakwater::policy
