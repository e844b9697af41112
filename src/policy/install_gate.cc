#include "policy/install_gate.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/configuration.h"

namespace breakwater::policy {

using kube::Object;

Result<InstallGate> find_install_gate(kube::Reader& reader, const std::string& ns) {
  InstallGate gate{"", std::string(api::kInstallPolicyName)};
  const Object* oldest = nullptr;
  const auto policies = TRY(reader.list(api::kVirtInstallPolicy, ns));
  for (const Object& policy : policies) {
    if (policy.is_deleting()) continue;
    if (oldest == nullptr || policy.created() < oldest->created()) oldest = &policy;
  }
  if (oldest == nullptr) return gate;
  const Json& status = oldest->status();
  gate.engine_namespace = status["engineNamespace"].as_string();
  const bool open = status["compliant"].as_string() == "Compliant" && removal_of(*oldest).empty() &&
                    !gate.engine_namespace.empty();
  if (open) gate.waits_for.clear();
  return gate;
}

std::string hub_gate(const std::vector<Object>& backup_schedules) {
  std::string seen;
  for (const Object& schedule : backup_schedules) {
    const bool paused = schedule.spec()["paused"].as_bool();
    if (schedule.phase() == "Enabled" && !paused) return "";
    if (!seen.empty()) seen += ", ";
    seen += fmt::format("{} is {}", schedule.name(), paused ? "paused" : schedule.phase());
  }
  return fmt::format("waits for an Enabled BackupSchedule in namespace {}: {}", api::kHubNamespace,
                     seen.empty() ? "there is none" : seen);
}

}  // namespace breakwater::policy
