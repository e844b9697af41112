// The backup policy: labelled VirtualMachines and the cron ConfigMap become Schedules, and every
// VirtualMachine gets to know whether it is protected.
//
// Rules (docs/architecture.md, "Correct where the original is not"):
// - One Schedule per cron name, `acm-rho-virt-schedule-<name, _ as ->`; two names with the same
// cron
//   are two Schedules.
// - A Schedule selects by the backup label and lists exactly the namespaces of its VMs, so that a
// VM
//   that merely shares a name is never saved.
// - One bad VM, label or cron never stops the others; it becomes a finding that names it.
// - Missing configuration freezes: what exists stays, nothing new is made, and a finding says so.
// - Only Schedules that we made are removed, and only when no VM asks for their cron any more.
// - No Schedule is first made before the install policy is Compliant; a later violation of it
//   freezes them.
// - Protected means: the newest finished Backup that was asked to save the VM is Completed, all the
//   VM's disks are in it, and it is younger than its cron allows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "policy/evaluation.h"

namespace breakwater::policy {

// Names as in the mission's acm-virt-config.
struct ScheduleSettings {
  std::string ttl = "24h0m0s";        // scheduleTTL
  bool paused = false;                // schedulePaused or schedule_paused
  bool skip_immediately = false;      // schedule_skipImmediately
  bool use_owner_references = false;  // schedule_useOwnerReferencesInBackup
  bool snapshot_move_data = true;     // schedule_snapshotMoveData
  std::string storage_location;       // storageLocation; "" = the default location
};

// Reads the data of the configuration (configuration_of). What cannot be read keeps its default and
// becomes a finding.
ScheduleSettings read_schedule_settings(const kube::Object& config, std::vector<Finding>& findings);

struct BackupInputs {
  Time now{};
  std::string cluster_id;
  std::string ns;            // of Velero's objects
  std::string backup_label;  // backup_label_name
  ScheduleSettings settings;
  // Cron name to cron; nothing when the configuration is missing.
  std::optional<std::map<std::string, std::string>> crons;
  kube::Key cron_config;           // the ConfigMap, for findings
  std::optional<Finding> missing;  // why there are no crons
  std::vector<Finding> findings;   // about the configuration, the hub's among them
  // Not empty: no Schedule is made or changed before that policy is Compliant.
  std::string waits_for;
  // Not empty: why no Schedule may run on this hub now; existing ones are paused.
  std::string hub_gate;
  std::string removal;     // confirmed intent: our Schedules go
  size_t most_vms = 2000;  // in one Schedule; its annotations name every VM and end at 256 KiB
  std::string summary = "summary";  // name of the VirtProtectionSummary

  std::vector<kube::Object> vms;        // all that bear the label, and all that have a protection
  std::vector<kube::Object> schedules;  // of kubevirt type, in all namespaces
  std::vector<kube::Object> backups;    // of kubevirt type and this cluster, in `ns`
  std::vector<kube::Object> data_uploads;    // in `ns`
  std::vector<kube::Object> volume_backups;  // VolumeSnapshotBackups, all namespaces
  bool data_mover = false;                   // features.dataMover.enable of the DPA in `ns`
  std::vector<kube::Object> protections;     // VirtualMachineProtections, all namespaces
  std::vector<kube::Object> summaries;       // VirtProtectionSummaries
};

// Fills settings, label, crons and findings from a VirtBackupPolicy. Pure.
void read_backup_configuration(const kube::Object& policy, BackupInputs& inputs);

// Pure.
Evaluation evaluate_backup(const BackupInputs& inputs);

// The Schedule name for a cron name, or why there can be none (kInvalid).
Result<std::string> schedule_name(std::string_view cron_name);

}  // namespace breakwater::policy
