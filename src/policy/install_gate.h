// What the other policies ask the install policy (private to policy/).
#pragma once

#include <string>
#include <vector>

#include "kube/client.h"

namespace breakwater::policy {

struct InstallGate {
  std::string engine_namespace;  // "" if install does not know it yet
  std::string waits_for;         // "" if install is Compliant, else its name
};

// Of the VirtInstallPolicy in the policies' namespace. The gate is closed as long as there is none.
Result<InstallGate> find_install_gate(kube::Reader& reader, const std::string& ns);

// Why no VM Schedule may run on a hub that ACM backs up; "" while one of its BackupSchedules is
// Enabled and not paused: a passive hub, or one whose backups collide with another's, saves
// nothing.
std::string hub_gate(const std::vector<kube::Object>& backup_schedules);

}  // namespace breakwater::policy
