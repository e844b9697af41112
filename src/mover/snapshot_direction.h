// What VolumeSnapshotBackup and VolumeSnapshotRestore have in common as directions of a move
// (private to mover/).
#pragma once

#include "mover/data_move.h"
#include "mover/data_mover_options.h"
#include "mover/move_owner.h"

namespace breakwater::mover {

// Both are in their users' namespaces and name the engine's in spec.protectedNamespace; the
// DataProtectionApplication says how long they may wait; the Backup or Restore that made them may
// fail without them.
class SnapshotDirection : public Direction {
 public:
  // Both outlive this.
  SnapshotDirection(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment) {}

  // Without a namespace it is everybody's, to be refused.
  bool takes(const kube::Object& move) const final {
    const std::string& ns = namespace_of(move);
    return ns.empty() || ns == settings_.engine_namespace;
  }
  Result<Duration> prepare_timeout(const kube::Object&) final {
    return TRY(data_mover_options(settings_, environment_)).timeout;
  }
  Result<std::optional<std::string>> find_owner_failure(const kube::Object& move) final {
    const auto owner = TRY(find_owner(settings_, environment_, move));
    return owner ? owner_failure(*owner) : std::nullopt;
  }

 protected:
  const Settings& settings_;
  const Environment& environment_;
};

}  // namespace breakwater::mover
