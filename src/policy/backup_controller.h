// The agent's controller for the backup policy: gathers the inputs, evaluates, enforces.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"
#include "kube/events.h"

namespace breakwater::policy {

struct BackupPolicySettings {
  std::string ns;  // where Velero's objects and the copied ConfigMaps are
  std::string cluster_id;
};

// One controller with one key: any change to a VM, Schedule, Backup, DataUpload or to one of the
// copied ConfigMaps evaluates the policy anew; so does a minute's time, because backups grow old.
// All references outlive the controllers.
std::vector<kube::ControllerSpec> make_backup_policy_controllers(BackupPolicySettings settings,
                                                                 kube::Reader& reader,
                                                                 kube::Client& client,
                                                                 kube::EventRecorder& events,
                                                                 const Clock& clock, Logger log);

}  // namespace breakwater::policy
