#include "velero/data_moves.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/phases.h"

namespace breakwater::velero {

bool has_ended(const kube::Object& move) {
  return api::data_move_is_terminal(move.phase()) ||
         move.phase() == api::vsm_phase::kPartiallyFailed;
}

MoveState move_state(const kube::Object& move, Time now, Duration timeout) {
  if (move.phase() == api::data_phase::kCompleted) return MoveState::kCompleted;
  if (has_ended(move)) return MoveState::kFailed;
  return now - move.created() > timeout ? MoveState::kOverdue : MoveState::kRunning;
}

std::string move_error(const kube::Object& move, Duration timeout) {
  std::string message = move.status()["message"].as_string();
  if (message.empty()) message = kube::find_condition(move, "Reconciled")["message"].as_string();
  if (has_ended(move) && move.phase() != api::data_phase::kCanceled)
    return fmt::format("failed: {}", message.empty() ? "no reason was given" : message);
  if (move.phase() == api::data_phase::kCanceled)
    return message.empty() ? "was cancelled" : fmt::format("was cancelled: {}", message);
  return fmt::format("did not end within {}", format_duration(timeout));
}

Result<> cancel_moves(kube::Client& client, const kube::Kind& kind,
                      const std::vector<kube::Object>& moves) {
  if (kind.group == api::kVolumeSnapshotBackup.group) return {};
  const Json patch = Json::object({{"spec", Json::object({{"cancel", true}})}});
  for (const kube::Object& move : moves) {
    if (has_ended(move) || move.spec()["cancel"].as_bool()) continue;
    auto patched = client.patch(kind, move.key(), kube::PatchType::kMerge, patch);
    if (!patched && !patched.error().is(Code::kNotFound))
      return tl::unexpected<Error>(patched.error());
  }
  return {};
}

Result<MoveSummary> watch_moves(const Context& context, const kube::Kind& kind,
                                const std::vector<kube::Object>& moves, size_t expected,
                                Duration timeout) {
  MoveSummary summary;
  std::vector<kube::Object> overdue;
  for (const kube::Object& move : moves) {
    switch (move_state(move, context.services.clock.now(), timeout)) {
      case MoveState::kRunning:
        ++summary.running;
        break;
      case MoveState::kCompleted:
        ++summary.completed;
        break;
      case MoveState::kOverdue:
        overdue.push_back(move);
        [[fallthrough]];
      case MoveState::kFailed:
        ++summary.failed;
        break;
    }
  }
  if (moves.size() < expected) summary.failed += expected - moves.size();
  TRY(cancel_moves(context.services.client, kind, overdue));
  return summary;
}

}  // namespace breakwater::velero
