// The part of MoveReconciler that watches the worker pod, and replaces it when it dies.
#include "api/kinds.h"
#include "mover/data_move.h"

namespace breakwater::mover {

using kube::Object;
using kube::Outcome;
using WorkerState = WorkerReport::State;

namespace {

constexpr Duration kPoll = std::chrono::seconds(1);
constexpr Duration kWait = std::chrono::seconds(5);
constexpr Duration kMostPause = std::chrono::minutes(1);
constexpr int kLogLines = 10;

// Pauses before the 1st, 2nd, … replacement: none, 2 s, 4 s, …, a minute.
Duration restart_pause(int restarts) {
  if (restarts <= 1) return Duration(0);
  const Duration pause = std::chrono::seconds(1) * (int64_t{1} << std::min(restarts - 1, 10));
  return std::min(pause, kMostPause);
}

bool may_succeed_later(const Error& error) {
  return error.is(Code::kUnavailable) || error.is(Code::kTimeout) || error.is(Code::kCancelled);
}

}  // namespace

Outcome MoveReconciler::follow(const Object& move) {
  if (state_of(move).done()) return conclude(move);
  const auto pod = TRY(find_child(environment_.client, api::kPod, move));
  if (!pod) return replace_pod(move);
  return follow_pod(move, *pod);
}

Outcome MoveReconciler::follow_pod(const Object& move, const Object& pod) {
  const MoveState state = state_of(move);
  if (pod.uid() == state.lost || pod.is_deleting()) {
    TRY(remove_child(environment_.client, api::kPod, move));
    return Outcome::again_after(kPoll);  // its end brings us back sooner
  }
  if (pod.uid() != state.pod) {  // a crash came between its creation and this note
    return write_and_return(move, [&](Object& now) {
      MoveState changed = state_of(now);
      changed.pod = pod.uid();
      set_state(now, changed);
    });
  }
  const WorkerReport report = read_report(pod);
  switch (report.state) {
    case WorkerState::kSucceeded:
      return record_result(move, report.result);
    case WorkerState::kFailed:
      return handle_failure(move, pod, report);
    case WorkerState::kDied:
      return handle_death(move, pod.uid(), report.message, Cause::kWorker);
    case WorkerState::kLost:
      return handle_death(move, pod.uid(), report.message, Cause::kOutside);
    case WorkerState::kRunning:
      return watch_progress(move, pod);
    case WorkerState::kWaiting:
      break;
  }
  if (environment_.clock.now() - pod.created() > TRY(direction_->prepare_timeout(move))) {
    return fail_move(move, "timeout on restarting the worker: " + report.message);
  }
  return wait(move, report.message, kWait);
}

Outcome MoveReconciler::replace_pod(const Object& move) {
  const MoveState state = state_of(move);
  if (!state.pod.empty() && state.pod != state.lost) {
    return handle_death(move, state.pod,
                        fmt::format("worker pod {}/{} was deleted", namespace_of(move),
                                    child_names(api::kPod, move).front()),
                        Cause::kOutside);
  }
  const Duration left = state.retry_at - environment_.clock.now();
  if (left.count() > 0) return Outcome::again_after(left);
  return start_pod(move);
}

Outcome MoveReconciler::start_pod(const Object& move) {
  auto needs = direction_->prepare_worker(move);
  if (!needs) {
    const Time since = state_of(move).retry_at;
    const bool late = needs.error().is(Code::kNotFound) && since != Time{} &&
                      environment_.clock.now() - since > TRY(direction_->prepare_timeout(move));
    if (!late) return judge(move, needs.error());
    return fail_move(move, "timeout on restarting the worker: " + needs.error().to_string());
  }
  const auto claim = TRY(find_child(environment_.client, api::kPersistentVolumeClaim, move));
  if (!claim) {
    return fail_move(move, "the PersistentVolumeClaim that the worker reads or writes is gone");
  }
  needs->config.volume_mode = claim->spec()["volumeMode"].as_string();
  auto pod = ensure_child(environment_.client, api::kPod, move,
                          make_worker_pod(settings_, move, *needs, claim->name()));
  if (!pod) return judge(move, pod.error());
  return Outcome::again_after(kWait);  // its changes bring us back sooner
}

// Noted first, removed afterwards: a crash in between counts nothing twice.
Outcome MoveReconciler::handle_death(const Object& move, const std::string& uid,
                                     const std::string& how, Cause cause) {
  MoveState state = state_of(move);
  if (cause == Cause::kWorker) ++state.restarts;
  if (cause == Cause::kOutside) ++state.losses;
  if (state.restarts > settings_.max_restarts || state.losses > settings_.max_losses) {
    return fail_move(
        move, fmt::format("{}; it was started {} times", how, state.restarts + state.losses));
  }
  environment_.log.warning("worker ended early", {{"name", move.key().to_string()}, {"how", how}});
  const Duration pause =
      cause == Cause::kMaintenance ? settings_.lock_retry : restart_pause(state.restarts);
  state.lost = uid;
  state.retry_at = environment_.clock.now() + pause;
  return write_and_return(move, [&](Object& now) {
    set_state(now, state);
    say(now, how, false, environment_.clock.now());
  });
}

Outcome MoveReconciler::handle_failure(const Object& move, const Object& pod,
                                       const WorkerReport& report) {
  if (report.error->is(Code::kConflict)) {
    return handle_death(move, pod.uid(), "WaitingForMaintenance: " + report.message,
                        Cause::kMaintenance);
  }
  if (may_succeed_later(*report.error)) {
    return handle_death(move, pod.uid(), report.message, Cause::kWorker);
  }
  return fail_move(move, report.message);
}

Outcome MoveReconciler::watch_progress(const Object& move, const Object& pod) {
  const Duration now_is = environment_.clock.monotonic();
  const auto looked = looked_at_.find(move.key());
  if (looked != looked_at_.end() && now_is - looked->second < settings_.progress_interval) {
    return Outcome::again_after(looked->second + settings_.progress_interval - now_is);
  }
  looked_at_[move.key()] = now_is;
  const std::string path =
      fmt::format("{}/log?tailLines={}", api::kPod.path(pod.ns(), pod.name()), kLogLines);
  const auto log =
      environment_.client.get_raw(path);  // without it there is just no progress to see
  const Json progress = last_progress(log ? std::string_view(*log) : std::string_view());
  const Json& shown = move.status()["progress"];
  if (progress.is_null() || (shown["totalBytes"] == progress["totalBytes"] &&
                             shown["bytesDone"] == progress["bytesDone"])) {
    return Outcome::again_after(settings_.progress_interval);
  }
  const Outcome written = write_and_return(move, [&](Object& now) {
    say(now, "", false, environment_.clock.now());
    now.set({"status", "progress"}, Json::object({{"totalBytes", progress["totalBytes"]},
                                                  {"bytesDone", progress["bytesDone"]}}));
  });
  if (written.error()) return written;
  return Outcome::again_after(settings_.progress_interval);
}

Outcome MoveReconciler::record_result(const Object& move, const Json& result) {
  Object recorded = move;
  const Result<> valid = direction_->record(recorded, result);
  if (!valid) return judge(move, valid.error());
  MoveState state = state_of(recorded);
  state.done_at = environment_.clock.now();
  set_state(recorded, state);
  say(recorded, "", false, environment_.clock.now());
  recorded.set({"status", "progress"},
               Json::object({{"totalBytes", result["totalBytes"].as_int()},
                             {"bytesDone", result["totalBytes"].as_int()}}));
  return write_and_return(move, [&](Object& now) { now = recorded; });
}

}  // namespace breakwater::mover
