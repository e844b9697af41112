#include "mover/move_owner.h"

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"

namespace breakwater::mover {

using kube::Object;
namespace phase = api::backup_phase;

Result<std::optional<Object>> find_owner(const Settings& settings, const Environment& environment,
                                         const Object& move) {
  const bool backup = move.is(api::kVolumeSnapshotBackup);
  const std::string& name = move.label(backup ? api::kBackupNameLabel : api::kRestoreNameLabel);
  const std::string& uid = move.label(backup ? api::kBackupUidLabel : api::kRestoreUidLabel);
  if (name.empty()) return std::nullopt;
  const kube::Kind& kind = backup ? api::kBackup : api::kRestore;
  for (Object& owner : TRY(environment.reader.list(kind, settings.engine_namespace))) {
    const bool is_it = owner.name() == name || label_value(owner.name()) == name;
    if (is_it && (uid.empty() || owner.uid() == uid)) return std::move(owner);
  }
  return std::nullopt;
}

std::optional<std::string> owner_failure(const Object& owner) {
  const std::string& now = owner.phase();
  const bool failed = now == phase::kFailed || now == phase::kPartiallyFailed ||
                      now == phase::kFailedValidation || now == phase::kDeleting ||
                      owner.is_deleting();
  if (!failed) return std::nullopt;
  const bool backup = owner.is(api::kBackup);
  return fmt::format("{} failed. Marking {} as partiallyFailed", backup ? "backup" : "restore",
                     backup ? "volumeSnapshotBackup" : "volumeSnapshotRestore");
}

}  // namespace breakwater::mover
