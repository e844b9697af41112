// One move of one volume, whichever way and whatever it is called: the stages that DataUpload,
// DataDownload, VolumeSnapshotBackup and VolumeSnapshotRestore share.
//
//   New ─► Accepted ─► Prepared ─► InProgress ─► Moved ─► Cleaning ─► Completed
//     └──────┴───────────┴────────────┴──► Failed, PartiallyFailed, or Canceling ─► Canceled
//
// MoveReconciler is the only writer of the object's status. How a kind spells the stages, and which
// of them it has, is its Dialect (dialect.h). What a direction does in each is behind Direction,
// whose functions are repeated until they succeed, after a crash too. An object that a direction
// does not take is left alone.
//
// The finalizer of the dialect stays from the first write until everything that was made for the
// move is gone. An object that is being deleted is canceled first.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "datapath/worker.h"
#include "kube/controller.h"
#include "mover/children.h"
#include "mover/dialect.h"
#include "mover/move_state.h"
#include "mover/settings.h"
#include "mover/slots.h"
#include "mover/worker_pod.h"

namespace breakwater::mover {

// Errors of its functions: kInvalid, kUnsupported and kCorrupt fail the move with the message;
// kNotFound, kAlreadyExists and kForbidden are waits with a message; anything else is tried again.
class Direction {
 public:
  virtual ~Direction() = default;
  virtual const kube::Kind& kind() const = 0;
  // Whether the object is for this mover.
  virtual bool takes(const kube::Object& move) const = 0;
  // How long a move may take from Accepted until its worker runs.
  virtual Result<Duration> prepare_timeout(const kube::Object& move) = 0;
  // Why there is no point in going on: whoever asked for the move has failed. Nothing if it has
  // not, or if nobody did.
  virtual Result<std::optional<std::string>> find_owner_failure(const kube::Object& move) = 0;
  // Whether the object makes sense at all.
  virtual Result<> validate(const kube::Object& move) = 0;
  // What the worker will need, before anything is touched. Repeated whenever a worker is started.
  virtual Result<WorkerNeeds> prepare_worker(const kube::Object& move) = 0;
  // Makes the claim that the worker gets, and what that needs.
  virtual Result<Step> expose(const kube::Object& move) = 0;
  // Writes into status what is known when the worker runs in `pod`.
  virtual Result<> describe(kube::Object& move, const kube::Object& pod) = 0;
  // Writes the worker's result into status, and what is to be kept of it into annotations.
  virtual Result<> record(kube::Object& move, const Json& result) = 0;
  // What remains to be done once the data is moved. The worker pod may still be there.
  virtual Result<Step> conclude(const kube::Object& move) = 0;
  // Removes everything that was made for the move, except the worker pod, which is gone already;
  // its result too, unless the move is in stage kCleaning or kCompleted and is not being deleted.
  virtual Result<Step> clean_up(const kube::Object& move) = 0;
  // Whether a completed move has a result that goes with it: its finalizer stays.
  virtual bool keeps_result() const = 0;
};

class MoveReconciler final : public kube::Reconciler {
 public:
  // `slots` may be shared by directions; all references outlive this.
  MoveReconciler(const Settings& settings, const Environment& environment,
                 std::shared_ptr<Slots> slots, std::unique_ptr<Direction> direction);
  kube::Outcome reconcile(const kube::Key& key) override;

 private:
  kube::Outcome advance(const kube::Object& move);
  kube::Outcome accept(const kube::Object& move);
  kube::Outcome enqueue(const kube::Object& move);
  kube::Outcome prepare(const kube::Object& move);
  kube::Outcome start(const kube::Object& move);
  Result<Step> make_ready(const kube::Object& move);
  kube::Outcome begin(const kube::Object& move, const kube::Object& pod);
  kube::Outcome follow(const kube::Object& move);
  kube::Outcome follow_pod(const kube::Object& move, const kube::Object& pod);
  kube::Outcome replace_pod(const kube::Object& move);
  kube::Outcome start_pod(const kube::Object& move);
  // Why a pod is to be replaced.
  enum class Cause { kWorker, kOutside, kMaintenance };
  kube::Outcome handle_death(const kube::Object& move, const std::string& uid,
                             const std::string& how, Cause cause);
  kube::Outcome handle_failure(const kube::Object& move, const kube::Object& pod,
                               const WorkerReport& report);
  kube::Outcome watch_progress(const kube::Object& move, const kube::Object& pod);
  kube::Outcome record_result(const kube::Object& move, const Json& result);
  kube::Outcome conclude(const kube::Object& move);
  kube::Outcome finish(const kube::Object& move);
  kube::Outcome cancel(const kube::Object& move);
  kube::Outcome settle(const kube::Object& move);
  bool is_settled(const kube::Object& move) const;
  kube::Outcome fail_move(const kube::Object& move, const std::string& message,
                          Stage stage = Stage::kFailed);
  kube::Outcome step_to(const kube::Object& move, Stage stage);
  kube::Outcome wait(const kube::Object& move, const std::string& message, Duration delay,
                     bool wrong = false);
  // What an error of a Direction or of a prerequisite means.
  kube::Outcome judge(const kube::Object& move, const Error& error);
  Result<Step> remove_everything(const kube::Object& move);
  // Changes the object, which must still be what was read: a conflict means that somebody was
  // quicker. Where the status is written apart, finalizer and annotations come before it, and the
  // finalizer goes after it.
  using Change = std::function<void(kube::Object&)>;
  Result<kube::Object> write(const kube::Object& move, const Change& change);
  kube::Outcome write_and_return(const kube::Object& move, const Change& change);

  const Settings& settings_;
  const Environment& environment_;
  std::shared_ptr<Slots> slots_;
  std::unique_ptr<Direction> direction_;
  std::map<kube::Key, Duration> looked_at_;  // when a worker's log was last read
};

// "", "velero", "breakwater".
bool takes_data_mover(std::string_view name);
// spec.operationTimeout, or the setting.
Duration operation_timeout(const Settings& settings, const kube::Object& move);
// How long ago the move got its slot.
Duration since_accepted(const Environment& environment, const kube::Object& move);

}  // namespace breakwater::mover
