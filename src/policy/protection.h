// Whether one VirtualMachine is protected, and why not.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "policy/backup_policy.h"

namespace breakwater::policy {

// The reason of a VM whose Schedule waits for the install policy.
inline constexpr char kNotInstalledReason[] = "NotInstalled";

// What the Schedules part of the evaluation found out about a VM.
struct VmPlan {
  std::string schedule;  // name of its Schedule; "" if it has none
  std::string cron;      // the cron of that Schedule
  std::string reason;    // not empty: why it has none, or why it does not run
  std::string message;
};

// What the Backups of the inputs hold, found quickly. Refers to the inputs.
class SavedData {
 public:
  explicit SavedData(const BackupInputs& inputs);
  // The newest finished Backup that was asked to save the VM, or null.
  const kube::Object* newest_backup_of(const std::string& vm_uid) const;
  // Whether the Backup's volumes are moved off the cluster: by DataUploads, or by
  // VolumeSnapshotBackups.
  bool moves_data(const kube::Object& backup) const;
  // Whether that claim's move has been completed.
  bool has_disk(const kube::Object& backup, const std::string& ns, const std::string& claim) const;
  // Why it has not: "DataUpload x is Failed: …"; "" if nothing is known of such a move.
  const std::string& fault_of_disk(const kube::Object& backup, const std::string& ns,
                                   const std::string& claim) const;

 private:
  // Label of the Backup, namespace, claim.
  using Disk = std::tuple<std::string, std::string, std::string>;
  void add_move(const kube::Object& move, Disk disk);
  const bool data_mover_;
  std::map<std::string, const kube::Object*> newest_;  // by uid of the VM
  std::set<Disk> disks_;
  std::map<Disk, std::string> faults_;
  std::set<std::string> moved_by_snapshot_mover_;  // Backups' labels
};

// The status of the VM's VirtualMachineProtection: schedule, protected, lastBackup, lastBackupTime,
// reason, message, since. `previous` is the status before, for `since`.
Json protection_status(const kube::Object& vm, const VmPlan& plan, const SavedData& saved,
                       const Json& previous, Time now);

// What the policy says of a VM whose protection has that status; nothing if it is protected. The
// first Backup of a VM is awaited for as long as its cron allows, and is a violation after that.
std::optional<Finding> protection_finding(const kube::Object& vm, const VmPlan& plan,
                                          const Json& status, Time now);

// Names of the PersistentVolumeClaims that are the VM's disks: volumes persistentVolumeClaim and
// dataVolume of its template, memory dumps included. Sorted, without duplicates.
std::vector<std::string> disks_of(const kube::Object& vm);

}  // namespace breakwater::policy
