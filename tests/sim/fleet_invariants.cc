#include "tests/sim/fleet_invariants.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"

namespace breakwater::sim {
namespace {

using kube::Object;
using Event = kube::WatchEvent;

// What must not go without somebody's word. On the hub, Policies are the clusters' replicas.
bool is_precious(const kube::Kind& kind, const Object& object) {
  if (kind == api::kSecret) return object.label(api::kManagedByLabel) == api::kManagedBy;
  if (kind == api::kConfigMap) return object.name().ends_with("--cls");
  const kube::Kind kinds[] = {api::kNamespace,
                              api::kSchedule,
                              api::kPolicy,
                              api::kDataProtectionApplication,
                              api::kVirtInstallPolicy,
                              api::kVirtBackupPolicy,
                              api::kVirtRestorePolicy,
                              api::kBackupStorageLocation,
                              api::kBackup};
  return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

}  // namespace

FleetInvariants::FleetInvariants(std::string cluster, apiserver::ApiServer& server,
                                 kube::Client& client, std::vector<std::string> secrets,
                                 Trace& trace)
    : cluster_(std::move(cluster)),
      server_(server),
      client_(client),
      secrets_(std::move(secrets)),
      trace_(trace) {}

Result<> FleetInvariants::start() {
  std::set<std::string> seen;
  for (const auto& served : server_.registry().all()) {
    const kube::Kind kind = served->key();
    if (!seen.insert(kind.group_resource()).second) continue;  // another version of the same
    auto watch = client_.watch(kind, "", {});
    if (!watch) continue;  // reviews and such
    (*watch)->set_wake([] {});
    followed_.push_back({kind, std::move(*watch)});
  }
  if (followed_.size() < 20) return fail(Code::kInternal, "too few kinds can be watched");
  return {};
}

Result<> FleetInvariants::look() {
  if (followed_.empty()) TRY(start());
  const uint64_t version = server_.resource_version();
  if (version == version_) return {};
  version_ = version;
  for (Followed& followed : followed_) {
    while (true) {
      const std::optional<Event> event = TRY(followed.watch->next());
      if (!event) break;
      if (event->type == Event::Type::kBookmark) continue;
      TRY(while_doing(judge(followed.kind, *event), "on {}", cluster_));
    }
  }
  return {};
}

Result<> FleetInvariants::judge(const kube::Kind& kind, const Event& event) {
  const Object& object = event.object;
  const bool removed = event.type == Event::Type::kDeleted;
  trace_.add(fmt::format("{}: {} {}{} {}", cluster_, kind.kind, object.key().to_string(),
                         removed ? " removed" : "", object.phase()));
  if (!object.is(api::kSecret)) {
    const std::string text = to_json(object.json());
    for (const std::string& secret : secrets_) {
      if (text.find(secret) == text.npos) continue;
      return fail(Code::kInternal, "a secret stands in {} {}", kind.kind, object.key().to_string());
    }
  }
  if (removed) return judge_loss(kind, object);
  if (kind == api::kBackup) return judge_backup(object);
  if (kind == api::kVirtualMachineProtection) return judge_protection(object);
  return {};
}

Result<> FleetInvariants::judge_loss(const kube::Kind& kind, const Object& object) const {
  if (!is_precious(kind, object)) return {};
  if (kind == api::kSchedule && schedules_may_go_) return {};
  if (kind != api::kBackup && kind != api::kNamespace &&
      (given_up_.contains("") || given_up_.contains(object.ns()))) {
    return {};
  }
  return fail(Code::kInternal, "{} {} is gone, and nobody asked for that", kind.kind,
              object.key().to_string());
}

Result<> FleetInvariants::judge_backup(const Object& backup) {
  for (const std::string& uid : never_saved_) {
    if (backup.annotation(uid).empty()) continue;
    return fail(Code::kInternal, "Backup {} names VM {}, which has no label", backup.name(), uid);
  }
  const std::string& known = backups_.try_emplace(backup.name(), backup.uid()).first->second;
  if (known == backup.uid()) return {};
  return fail(Code::kInternal, "Backup {} was made a second time", backup.name());
}

// Green means saved.
Result<> FleetInvariants::judge_protection(const Object& protection) {
  if (protection.status()["protected"].as_string() != "True") return {};
  const std::string& name = protection.status()["lastBackup"].as_string();
  for (const Object& backup : TRY(client_.list(api::kBackup, ""))) {
    if (backup.name() == name && backup.phase() == api::backup_phase::kCompleted) return {};
  }
  return fail(Code::kInternal, "{} says True, and Backup {} is not Completed",
              protection.key().to_string(), name);
}

}  // namespace breakwater::sim
