// The restore policy: what the restore ConfigMap asks of this cluster becomes velero Restores.
//
// Rules (docs/architecture.md, "Correct where the original is not"):
// - A requested restore is never a silent no-op. Unknown uid, empty list, missing or unusable
//   Backup, malformed mapping, existing VM: a finding, and nothing is created.
// - A Restore is made once its Backup is known here, never before: Velero would refuse it for good.
// - VMs are selected by the uid that they were stamped with before their backup. A Backup without
//   stamps (made by the original) is selected from by name as the mission documents, if that
//   selects exactly the VMs that were asked for; otherwise only allowInexact lets it pass.
// - A restoreName is carried out once. What was carried out is recorded on the copy of the
//   ConfigMap, so that a Restore that was deleted or has expired is not repeated; a changed request
//   needs a new restoreName. Earlier Restores stay.
// - sourceCluster makes a ReadOnly BackupStorageLocation for that cluster's prefix; its Backups are
//   found by the engine's sync.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/evaluation.h"

namespace breakwater::policy {

struct RestoreInputs {
  std::string cluster_id;
  std::string ns;  // of Velero's objects
  // Not empty: no Restore is made before that policy is Compliant.
  std::string waits_for;
  std::string removal;  // confirmed intent: what we made goes
  // Data of the ConfigMap, this cluster's part; nothing if it was never seen, which freezes.
  std::optional<Json> restore;
  kube::Key restore_config;             // that ConfigMap on the hub, for findings
  std::vector<Finding> findings;        // about the configuration, the hub's among them
  std::optional<kube::Object> copy;     // acm-dr-virt-restore-config--cls in `ns`
  std::vector<kube::Object> backups;    // in `ns`
  std::vector<kube::Object> restores;   // in `ns`
  std::vector<kube::Object> locations;  // BackupStorageLocations in `ns`
  std::vector<kube::Object> vms;        // all
};

// Pure.
Evaluation evaluate_restore(const RestoreInputs& inputs);

// On a Restore that we made: the fingerprint of the request it carries out.
inline constexpr std::string_view kRestoreRequestAnnotation = "breakwater.dev/restore-request";
// On the ConfigMap's copy: {"<restoreName>":"<fingerprint>"} of everything carried out so far.
inline constexpr std::string_view kCarriedOutAnnotation = "breakwater.dev/restores-carried-out";

}  // namespace breakwater::policy
