#include "mover/data_move.h"

#include "api/kinds.h"
#include "api/names.h"

namespace breakwater::mover {

using kube::Key;
using kube::Object;
using kube::Outcome;

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

bool has_finalizer(const Object& move) { return move.has_finalizer(dialect_of(move).finalizer); }
void add_finalizer(Object& move) { move.add_finalizer(dialect_of(move).finalizer); }
void remove_finalizer(Object& move) { move.remove_finalizer(dialect_of(move).finalizer); }

}  // namespace

bool takes_data_mover(std::string_view name) {
  return name.empty() || name == "velero" || name == api::kDataMoverName;
}

Duration operation_timeout(const Settings& settings, const Object& move) {
  const auto given = parse_duration(move.spec()["operationTimeout"].as_string());
  return given && given->count() > 0 ? *given : settings.operation_timeout;
}

Duration since_accepted(const Environment& environment, const Object& move) {
  const std::string_view field = dialect_of(move).accepted_field;
  const auto accepted = parse_rfc3339(move.status()[field].as_string());
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
  auto move = environment_.reader.get(kind, key).map(as_accepted);
  if (move && !is_settled(*move)) {
    if (!direction_->takes(*move)) return Outcome::done();
    // Live: acting on an old phase could make children of a move that is over.
    move = environment_.client.get(kind, key).map(as_accepted);
  }
  if (!move && !move.error().is(Code::kNotFound)) return tl::unexpected(std::move(move).error());
  if (move && !is_settled(*move)) return advance(*move);
  slots_->release(kind, key);
  looked_at_.erase(key);
  return Outcome::done();
}

bool MoveReconciler::is_settled(const Object& move) const {
  const Stage stage = stage_of(move);
  if (!is_terminal(stage)) return false;
  const bool has_result = stage == Stage::kCompleted && direction_->keeps_result();
  return !has_finalizer(move) || (has_result && !move.is_deleting());
}

Outcome MoveReconciler::advance(const Object& move) {
  const Stage stage = stage_of(move);
  if (is_terminal(stage)) return settle(move);
  if (stage == Stage::kCanceling) return cancel(move);
  const bool safe = state_of(move).done();
  // The data of an upload is safe then: that counts more.
  if (is_cancel_requested(move) && !(safe && move.is(api::kDataUpload))) return cancel(move);
  if (!safe) {
    const auto failure = TRY(direction_->find_owner_failure(move));
    if (failure) return fail_move(move, *failure, Stage::kPartiallyFailed);
  }
  switch (stage) {
    case Stage::kNew:
    case Stage::kQueued:
      return accept(move);
    case Stage::kAccepted:
      return prepare(move);
    case Stage::kPrepared:
      return start(move);
    case Stage::kMoved:
      return step_to(move, Stage::kCleaning);
    case Stage::kCleaning:
      return finish(move);
    default:
      return follow(move);
  }
}

Outcome MoveReconciler::accept(const Object& move) {
  const Result<> valid = direction_->validate(move);
  if (!valid) return judge(move, valid.error());
  if (!TRY(slots_->take(direction_->kind(), move.key()))) return enqueue(move);
  auto written = write(move, [&](Object& now) {
    add_finalizer(now);
    enter(now, Stage::kAccepted, environment_.clock.now());
    if (dialect_of(now).keeps_state_in_status) {
      MoveState state = state_of(now);
      state.spec = now.spec();
      set_state(now, state);
    }
    if (now.is(api::kDataUpload) || now.is(api::kDataDownload)) {
      now.set({"status", "acceptedByNode"}, settings_.identity);
    }
  });
  if (written) return Outcome::done();  // the change brings us back
  slots_->release(direction_->kind(), move.key());
  if (written.error().is(Code::kConflict)) return Outcome::again_after(kConflictPause);
  return tl::unexpected(std::move(written).error());
}

Outcome MoveReconciler::enqueue(const Object& move) {
  if (stage_of(move) == Stage::kNew && dialect_of(move).knows(Stage::kQueued)) {
    const Outcome written = step_to(move, Stage::kQueued);
    if (written.error()) return written;
  }
  return Outcome::again_after(kWait);
}

Outcome MoveReconciler::prepare(const Object& move) {
  const Duration limit = TRY(direction_->prepare_timeout(move));
  if (since_accepted(environment_, move) > limit) {
    const std::string why = said(move);
    return fail_move(move, fmt::format("timeout on preparing the data movement after {}{}{}",
                                       format_duration(limit), why.empty() ? "" : ": ", why));
  }
  auto ready = make_ready(move);
  if (!ready) return judge(move, ready.error());
  if (!ready->done) return wait(move, ready->waiting_for, kPoll);
  const auto pod = TRY(find_child(environment_.client, api::kPod, move));
  if (!pod) return start_pod(move);
  const WorkerReport report = read_report(*pod);
  if (report.state == WorkerReport::State::kWaiting) return wait(move, report.message, kWait);
  return begin(move, *pod);
}

Outcome MoveReconciler::begin(const Object& move, const Object& pod) {
  Object begun = move;
  const Result<> described = direction_->describe(begun, pod);
  if (!described) return judge(move, described.error());
  MoveState state = state_of(begun);
  state.pod = pod.uid();
  set_state(begun, state);
  const Time now_is = environment_.clock.now();
  const bool knows = dialect_of(move).knows(Stage::kPrepared);
  enter(begun, knows ? Stage::kPrepared : Stage::kInProgress, now_is);
  say(begun, "", false, now_is);
  return write_and_return(move, [&](Object& now) { now = begun; });
}

Outcome MoveReconciler::start(const Object& move) { return step_to(move, Stage::kInProgress); }

Result<Step> MoveReconciler::make_ready(const Object& move) {
  TRY(direction_->prepare_worker(move));
  return direction_->expose(move);
}

Outcome MoveReconciler::conclude(const Object& move) {
  auto concluded = direction_->conclude(move);
  if (!concluded) return judge(move, concluded.error());
  if (!concluded->done) return wait(move, concluded->waiting_for, kPoll);
  if (dialect_of(move).knows(Stage::kMoved)) {
    slots_->release(direction_->kind(), move.key());
    return step_to(move, Stage::kMoved);
  }
  return finish(move);
}

Outcome MoveReconciler::finish(const Object& move) {
  const Step gone = TRY(remove_everything(move));
  if (!gone.done) return Outcome::again_after(kPoll);
  environment_.log.info("data movement completed",
                        {{"kind", move.kind()}, {"name", move.key().to_string()}});
  slots_->release(direction_->kind(), move.key());
  return write_and_return(move, [&](Object& now) {
    enter(now, Stage::kCompleted, environment_.clock.now());
    say(now, "", false, environment_.clock.now());
    if (direction_->keeps_result()) return;
    remove_finalizer(now);
    forget_state(now);
  });
}

Outcome MoveReconciler::cancel(const Object& move) {
  const Time now_is = environment_.clock.now();
  const bool tells = dialect_of(move).knows(Stage::kCanceling);
  if (tells && stage_of(move) != Stage::kCanceling) {
    return write_and_return(move, [&](Object& now) {
      if (!now.is_deleting()) add_finalizer(now);
      MoveState state = state_of(now);
      state.cancel_at = now_is;
      set_state(now, state);
      enter(now, Stage::kCanceling, now_is);
    });
  }
  const Step gone = TRY(remove_everything(move));
  const bool late = tells && now_is - state_of(move).cancel_at > settings_.cancel_timeout;
  if (!gone.done && !late) return Outcome::again_after(kPoll);
  slots_->release(direction_->kind(), move.key());
  return write_and_return(move, [&](Object& now) {
    if (tells) {
      enter(now, Stage::kCanceled, now_is);
      say(now, fmt::format("{} is canceled", now.kind()), false, now_is);
    }
    if (gone.done) remove_finalizer(now);
  });
}

Outcome MoveReconciler::settle(const Object& move) {
  slots_->release(direction_->kind(), move.key());
  looked_at_.erase(move.key());
  const Step gone = TRY(remove_everything(move));
  if (!gone.done) return Outcome::again_after(kPoll);
  return write_and_return(move, [&](Object& now) { remove_finalizer(now); });
}

Outcome MoveReconciler::fail_move(const Object& move, const std::string& message, Stage stage) {
  environment_.log.warning(
      "data movement failed",
      {{"kind", move.kind()}, {"name", move.key().to_string()}, {"message", message}});
  return write_and_return(move, [&](Object& now) {
    if (!now.is_deleting()) add_finalizer(now);
    enter(now, stage, environment_.clock.now());
    say(now, message, true, environment_.clock.now());
  });
}

Outcome MoveReconciler::step_to(const Object& move, Stage stage) {
  return write_and_return(move, [&](Object& now) { enter(now, stage, environment_.clock.now()); });
}

Outcome MoveReconciler::wait(const Object& move, const std::string& message, Duration delay,
                             bool wrong) {
  if (said(move) != message) {
    const Outcome written = write_and_return(
        move, [&](Object& now) { say(now, message, wrong, environment_.clock.now()); });
    if (written.error()) return written;
  }
  return Outcome::again_after(delay);
}

Outcome MoveReconciler::judge(const Object& move, const Error& error) {
  if (error.is(Code::kConflict)) return Outcome::again_after(kConflictPause);
  if (is_final(error)) return fail_move(move, error.to_string());
  if (is_awaited(error)) return wait(move, error.to_string(), kWait, true);
  return tl::unexpected(error);
}

Result<Step> MoveReconciler::remove_everything(const Object& move) {
  const Step pod = TRY(remove_child(environment_.client, api::kPod, move));
  if (!pod.done) return pod;
  return direction_->clean_up(move);
}

Result<Object> MoveReconciler::write(const Object& move, const Change& change) {
  const kube::Kind& kind = direction_->kind();
  Object next = move;
  change(next);
  if (!kind.has_status_subresource) return environment_.client.update(kind, next);
  Object now = move;
  const bool leaves = has_finalizer(move) && !has_finalizer(next);
  if (leaves) add_finalizer(next);
  if (!(next.metadata() == move.metadata())) now = TRY(environment_.client.update(kind, next));
  if (!(next.status() == move.status())) {
    now.set({"status"}, next.status());
    now = TRY(environment_.client.update_status(kind, now));
  }
  if (!leaves) return now;
  remove_finalizer(now);
  return environment_.client.update(kind, now);
}

Outcome MoveReconciler::write_and_return(const Object& move, const Change& change) {
  auto written = write(move, change);
  if (written || written.error().is(Code::kNotFound)) return Outcome::done();
  if (written.error().is(Code::kConflict)) return Outcome::again_after(kConflictPause);
  return tl::unexpected(std::move(written).error());
}

}  // namespace breakwater::mover
