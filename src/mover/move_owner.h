// The Backup that a VolumeSnapshotBackup belongs to, or the Restore of a VolumeSnapshotRestore, as
// the labels velero.io/backup-name, -restore-name (and, if they are there, -uid) say. One that is
// gone, or has another uid, owns nothing: a move works alone, too.
#pragma once

#include <optional>
#include <string>

#include "kube/client.h"
#include "mover/settings.h"

namespace breakwater::mover {

Result<std::optional<kube::Object>> find_owner(const Settings& settings,
                                               const Environment& environment,
                                               const kube::Object& move);
// The sentence that ends the move: set once the owner is Failed, PartiallyFailed, refused or being
// deleted. One that will only end PartiallyFailed, because of some other volume, still waits.
std::optional<std::string> owner_failure(const kube::Object& owner);

}  // namespace breakwater::mover
