#include "mover/dialect.h"

#include <algorithm>
#include <array>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"

namespace breakwater::mover {

using kube::Object;

namespace {

namespace velero = api::data_phase;
namespace vsm = api::vsm_phase;

constexpr std::string_view kQueued = "Queued";
constexpr std::string_view kProcessing = "Processing";
constexpr std::string_view kDone = "Completed";
constexpr std::string_view kReconciled = "Reconciled";
constexpr std::string_view kAllIsWell = "Reconcile complete";

constexpr Dialect::Words kVeleroWords[] = {
    {Stage::kNew, "", ""},
    {Stage::kNew, velero::kNew, ""},
    {Stage::kAccepted, velero::kAccepted, ""},
    {Stage::kPrepared, velero::kPrepared, ""},
    {Stage::kInProgress, velero::kInProgress, ""},
    {Stage::kCompleted, velero::kCompleted, ""},
    {Stage::kFailed, velero::kFailed, ""},
    {Stage::kCanceling, velero::kCanceling, ""},
    {Stage::kCanceled, velero::kCanceled, ""},
};

constexpr std::array<Dialect::Words, 9> vsm_words(std::string_view moved) {
  return {{{Stage::kNew, "", ""},
           {Stage::kQueued, "", kQueued},
           {Stage::kAccepted, "", kProcessing},
           {Stage::kInProgress, vsm::kInProgress, kProcessing},
           {Stage::kMoved, moved, kDone},
           {Stage::kCleaning, vsm::kCleanup, kDone},
           {Stage::kCompleted, vsm::kCompleted, kDone},
           {Stage::kFailed, vsm::kFailed, kDone},
           {Stage::kPartiallyFailed, vsm::kPartiallyFailed, kDone}}};
}
constexpr auto kBackupWords = vsm_words(vsm::kSnapshotBackupDone);
constexpr auto kRestoreWords = vsm_words(vsm::kSnapshotRestoreDone);

constexpr Dialect kVelero{
    kVeleroWords, api::kDataMoverFinalizer, "acceptedTimestamp", "startTimestamp", false, false};
constexpr Dialect kBackup{kBackupWords, api::kVsmFinalizer, "startTimestamp", "", true, true};
constexpr Dialect kRestore{kRestoreWords, api::kVsmFinalizer, "startTimestamp", "", true, true};

}  // namespace

bool is_terminal(Stage stage) {
  return stage == Stage::kCompleted || stage == Stage::kFailed ||
         stage == Stage::kPartiallyFailed || stage == Stage::kCanceled;
}

bool is_active(Stage stage) {
  return stage == Stage::kAccepted || stage == Stage::kPrepared || stage == Stage::kInProgress ||
         stage == Stage::kCanceling;
}

const Dialect::Words* Dialect::find(Stage stage) const {
  const auto found = std::ranges::find(words, stage, &Words::stage);
  return found == words.end() ? nullptr : &*found;
}

const Dialect& dialect_of(const Object& move) {
  if (move.is(api::kVolumeSnapshotBackup)) return kBackup;
  if (move.is(api::kVolumeSnapshotRestore)) return kRestore;
  return kVelero;
}

Stage stage_of(const Object& move) {
  const std::string& phase = move.phase();
  const std::string& batching = move.status()["batchingStatus"].as_string();
  // Only without a phase does the batching status tell stages apart.
  for (const Dialect::Words& words : dialect_of(move).words) {
    if (words.phase == phase && (!phase.empty() || words.batching == batching)) return words.stage;
  }
  return phase.empty() ? Stage::kNew : Stage::kInProgress;
}

void enter(Object& move, Stage stage, Time now) {
  const Dialect& dialect = dialect_of(move);
  const Dialect::Words* words = dialect.find(stage);
  if (words == nullptr) return;
  if (!words->phase.empty()) move.set({"status", "phase"}, words->phase);
  if (!words->batching.empty()) move.set({"status", "batchingStatus"}, words->batching);
  const std::string time = format_rfc3339(now);
  if (stage == Stage::kAccepted) move.set({"status", dialect.accepted_field}, time);
  if (stage == Stage::kInProgress && !dialect.started_field.empty()) {
    move.set({"status", dialect.started_field}, time);
  }
  if (is_terminal(stage) || stage == Stage::kMoved) {
    move.set({"status", "completionTimestamp"}, time);
  }
}

void say(Object& move, const std::string& message, bool wrong, Time now) {
  if (!dialect_of(move).uses_conditions) {
    if (!message.empty() || !said(move).empty()) move.set({"status", "message"}, message);
    return;
  }
  kube::set_condition(move, kReconciled, wrong ? "False" : "True", wrong ? "Error" : "Complete",
                      message.empty() ? kAllIsWell : std::string_view(message), now);
}

std::string said(const Object& move) {
  if (!dialect_of(move).uses_conditions) return move.status()["message"].as_string();
  const std::string& message = kube::find_condition(move, kReconciled)["message"].as_string();
  return message == kAllIsWell ? "" : message;
}

}  // namespace breakwater::mover
