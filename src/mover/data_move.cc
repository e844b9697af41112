#include "mover/data_move.h"

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "mover/repository_place.h"

namespace breakwater::mover {

using kube::Key;
using kube::Object;
using kube::Outcome;
namespace phase = api::data_phase;

namespace {

constexpr Duration kPoll = std::chrono::seconds(1);
constexpr Duration kWait = std::chrono::seconds(5);
constexpr Duration kConflictPause = std::chrono::milliseconds(50);

bool is_final(const Error& error) {
  return error.is(Code::kInvalid) || error.is(Code::kUnsupported) || error.is(Code::kCorrupt);
}

// Something that is missing or in the way; an API that does not answer is not that.
bool is_awaited(const Error& error) {
  return error.is(Code::kNotFound) || error.is(Code::kAlreadyExists) || error.is(Code::kForbidden);
}

bool is_cancel_requested(const Object& move) {
  return move.is_deleting() || move.spec()["cancel"].as_bool();
}

void set_status(Object& move, std::string_view name, Json value) {
  move.set({"status", name}, std::move(value));
}

void finish_status(Object& move, std::string_view new_phase, std::string_view message, Time now) {
  set_status(move, "phase", new_phase);
  set_status(move, "message", message);
  set_status(move, "completionTimestamp", format_rfc3339(now));
}

}  // namespace

bool takes_data_mover(std::string_view name) {
  return name.empty() || name == "velero" || name == api::kDataMoverName;
}

Duration operation_timeout(const Settings& settings, const Object& move) {
  const auto given = parse_duration(move.spec()["operationTimeout"].as_string());
  return given && given->count() > 0 ? *given : settings.operation_timeout;
}

Duration since_accepted(const Environment& environment, const Object& move) {
  const auto accepted = parse_rfc3339(move.status()["acceptedTimestamp"].as_string());
  return accepted ? environment.clock.now() - *accepted : Duration(0);
}

MoveReconciler::MoveReconciler(const Settings& settings, const Environment& environment,
                               std::shared_ptr<Slots> slots, std::unique_ptr<Direction> direction)
    : settings_(settings),
      environment_(environment),
      slots_(std::move(slots)),
      direction_(std::move(direction)) {}

Outcome MoveReconciler::reconcile(const Key& key) {
  const kube::Kind& kind = direction_->kind();
  auto move = environment_.reader.get(kind, key);
  const bool settled = move && api::data_move_is_terminal(move->phase()) &&
                       !move->has_finalizer(api::kDataMoverFinalizer);
  if (move && !settled) {
    if (!takes_data_mover(move->spec()["datamover"].as_string())) return Outcome::done();
    // Live: acting on an old phase could make children of a move that is over.
    move = environment_.client.get(kind, key);
  }
  if (!move && !move.error().is(Code::kNotFound)) return tl::unexpected(std::move(move).error());
  if (move && !settled) return advance(*move);
  slots_->release(kind, key);
  looked_at_.erase(key);
  return Outcome::done();
}

Outcome MoveReconciler::advance(const Object& move) {
  const std::string& current = move.phase();
  if (api::data_move_is_terminal(current)) return settle(move);
  if (current == phase::kCanceling) return cancel(move);
  const bool concluding =
      move.is(api::kDataUpload) && state_of(move).done();  // its data is safe: that counts more
  if (is_cancel_requested(move) && !concluding) return cancel(move);
  if (current.empty() || current == phase::kNew) return accept(move);
  if (current == phase::kAccepted) return prepare(move);
  if (current == phase::kPrepared) return start(move);
  return follow(move);
}

Outcome MoveReconciler::accept(const Object& move) {
  const Result<> valid = direction_->validate(move);
  if (!valid) return judge(move, valid.error());
  if (!TRY(slots_->take(direction_->kind(), move.key()))) return Outcome::again_after(kWait);
  auto written = write(move, [&](Object& now) {
    now.add_finalizer(api::kDataMoverFinalizer);
    set_status(now, "phase", phase::kAccepted);
    set_status(now, "acceptedTimestamp", format_rfc3339(environment_.clock.now()));
    set_status(now, "acceptedByNode", settings_.identity);
  });
  if (written) return Outcome::done();  // the change brings us back
  slots_->release(direction_->kind(), move.key());
  if (written.error().is(Code::kConflict)) return Outcome::again_after(kConflictPause);
  return tl::unexpected(std::move(written).error());
}

Outcome MoveReconciler::prepare(const Object& move) {
  if (since_accepted(environment_, move) > settings_.prepare_timeout) {
    const std::string why = move.status()["message"].as_string_or("");
    return fail_move(move, fmt::format("timeout on preparing the data movement after {}{}{}",
                                       format_duration(settings_.prepare_timeout),
                                       why.empty() ? "" : ": ", why));
  }
  auto ready = check_prerequisites(move);
  if (!ready) return judge(move, ready.error());
  if (!ready->done) return wait(move, ready->waiting_for, kPoll);
  const auto pod = TRY(find_child(environment_.client, api::kPod, move));
  if (!pod || !is_child(*pod, move)) return start_pod(move);
  const WorkerReport report = read_report(*pod);
  if (report.state == WorkerReport::State::kWaiting) return wait(move, report.message, kWait);
  return write_and_return(move, [&](Object& now) {
    MoveState state = state_of(now);
    state.pod = pod->uid();
    set_state(now, state);
    set_status(now, "phase", phase::kPrepared);
    set_status(now, "message", "");
    set_status(now, "node", pod->spec()["nodeName"].as_string());
  });
}

Outcome MoveReconciler::start(const Object& move) {
  return write_and_return(move, [&](Object& now) {
    set_status(now, "phase", phase::kInProgress);
    set_status(now, "startTimestamp", format_rfc3339(environment_.clock.now()));
    if (now.is(api::kDataUpload)) set_status(now, "nodeOS", "linux");
  });
}

Result<Step> MoveReconciler::check_prerequisites(const Object& move) {
  TRY(check_password(settings_, environment_.client));
  TRY(direction_->make_config(move));  // before anything is touched
  return direction_->expose(move);
}

Outcome MoveReconciler::conclude(const Object& move) {
  auto concluded = direction_->conclude(move);
  if (!concluded) return judge(move, concluded.error());
  if (!concluded->done) return wait(move, concluded->waiting_for, kPoll);
  const Step gone = TRY(remove_everything(move));
  if (!gone.done) return Outcome::again_after(kPoll);
  environment_.log.info("data movement completed",
                        {{"kind", move.kind()}, {"name", move.key().to_string()}});
  slots_->release(direction_->kind(), move.key());
  return write_and_return(move, [&](Object& now) {
    finish_status(now, phase::kCompleted, "", environment_.clock.now());
    now.remove_finalizer(api::kDataMoverFinalizer);
  });
}

Outcome MoveReconciler::cancel(const Object& move) {
  const Time now_is = environment_.clock.now();
  if (move.phase() != phase::kCanceling) {
    return write_and_return(move, [&](Object& now) {
      if (!now.is_deleting()) now.add_finalizer(api::kDataMoverFinalizer);
      MoveState state = state_of(now);
      state.cancel_at = now_is;
      set_state(now, state);
      set_status(now, "phase", phase::kCanceling);
    });
  }
  const Step gone = TRY(remove_everything(move));
  const bool late = now_is - state_of(move).cancel_at > settings_.cancel_timeout;
  if (!gone.done && !late) return Outcome::again_after(kPoll);
  slots_->release(direction_->kind(), move.key());
  return write_and_return(move, [&](Object& now) {
    finish_status(now, phase::kCanceled, fmt::format("{} is canceled", now.kind()), now_is);
    if (gone.done) now.remove_finalizer(api::kDataMoverFinalizer);
  });
}

Outcome MoveReconciler::settle(const Object& move) {
  slots_->release(direction_->kind(), move.key());
  looked_at_.erase(move.key());
  if (!move.has_finalizer(api::kDataMoverFinalizer)) return Outcome::done();
  const Step gone = TRY(remove_everything(move));
  if (!gone.done) return Outcome::again_after(kPoll);
  return write_and_return(move,
                          [&](Object& now) { now.remove_finalizer(api::kDataMoverFinalizer); });
}

Outcome MoveReconciler::fail_move(const Object& move, const std::string& message) {
  environment_.log.warning(
      "data movement failed",
      {{"kind", move.kind()}, {"name", move.key().to_string()}, {"message", message}});
  return write_and_return(move, [&](Object& now) {
    if (!now.is_deleting()) now.add_finalizer(api::kDataMoverFinalizer);
    finish_status(now, phase::kFailed, message, environment_.clock.now());
  });
}

Outcome MoveReconciler::wait(const Object& move, const std::string& message, Duration delay) {
  if (move.status()["message"].as_string() != message) {
    const Outcome written =
        write_and_return(move, [&](Object& now) { set_status(now, "message", message); });
    if (written.error()) return written;
  }
  return Outcome::again_after(delay);
}

Outcome MoveReconciler::judge(const Object& move, const Error& error) {
  if (error.is(Code::kConflict)) return Outcome::again_after(kConflictPause);
  if (is_final(error)) return fail_move(move, error.to_string());
  if (is_awaited(error)) return wait(move, error.to_string(), kWait);
  return tl::unexpected(error);
}

Result<Step> MoveReconciler::remove_everything(const Object& move) {
  const Step pod = TRY(remove_child(environment_.client, api::kPod, move));
  if (!pod.done) return pod;
  return direction_->clean_up(move);
}

Result<Object> MoveReconciler::write(const Object& move, const Change& change) {
  Object now = move;
  change(now);
  return environment_.client.update(direction_->kind(), now);
}

Outcome MoveReconciler::write_and_return(const Object& move, const Change& change) {
  auto written = write(move, change);
  if (written || written.error().is(Code::kNotFound)) return Outcome::done();
  if (written.error().is(Code::kConflict)) return Outcome::again_after(kConflictPause);
  return tl::unexpected(std::move(written).error());
}

}  // namespace breakwater::mover
