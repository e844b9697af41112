// What a set of moves amounts to, and stopping those that take too long. Moves are DataUploads and
// VolumeSnapshotBackups of backups, DataDownloads and VolumeSnapshotRestores of restores.
#pragma once

#include <string>
#include <vector>

#include "velero/context.h"
#include "velero/findings.h"

namespace breakwater::velero {

// How one move stands for its Backup or Restore. Terminal moves have ended; overdue ones have not,
// but count as failed.
enum class MoveState { kRunning, kCompleted, kFailed, kOverdue };

// Completed, Failed or Canceled; PartiallyFailed of a VolumeSnapshotBackup or -Restore.
bool has_ended(const kube::Object& move);
MoveState move_state(const kube::Object& move, Time now, Duration timeout);
// Why a failed or overdue move is one: "failed: <message>", "was cancelled", "did not end within
// 4h0m0s".
std::string move_error(const kube::Object& move, Duration timeout);

struct MoveSummary {
  size_t completed = 0, failed = 0, running = 0;  // overdue ones count as failed
  bool all_ended() const { return running == 0; }
};

// Sums up `moves` and asks overdue ones to stop (spec.cancel, if they have it: a
// VolumeSnapshotBackup ends with its Backup). `expected` moves that are not there
// any more count as failed.
Result<MoveSummary> watch_moves(const Context& context, const kube::Kind& kind,
                                const std::vector<kube::Object>& moves, size_t expected,
                                Duration timeout);

// Sets spec.cancel on every move that has not ended.
Result<> cancel_moves(kube::Client& client, const kube::Kind& kind,
                      const std::vector<kube::Object>& moves);

}  // namespace breakwater::velero
