#include "velero/restore.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "velero/data_moves.h"
#include "velero/restore_files.h"
#include "velero/restore_operations.h"
#include "velero/restore_validation.h"
#include "velero/snapshot_restores.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

namespace phase = api::backup_phase;
using kube::Object;
using kube::Outcome;

constexpr Duration kPoll = std::chrono::seconds(5);
constexpr Duration kMovePoll = std::chrono::seconds(30);
constexpr Duration kLeftPoll = std::chrono::minutes(5);

class RestoreReconciler final : public kube::Reconciler {
 public:
  explicit RestoreReconciler(ContextPtr context) : context_(std::move(context)) {}

  Outcome reconcile(const kube::Key& key) override {
    auto found = services().reader.get(api::kRestore, key);
    if (!found && found.error().is(Code::kNotFound)) return Outcome::done();
    const Object restore = TRY(std::move(found));
    const std::string& now_in = restore.phase();
    if (restore.is_deleting()) return clean_up(restore);
    if (api::restore_is_terminal(now_in)) return forget(restore);
    if (now_in.empty() || now_in == phase::kNew) return start(restore);
    if (now_in == phase::kInProgress) return apply(restore);
    if (now_in == phase::kWaiting || now_in == phase::kWaitingPartiallyFailed) return wait(restore);
    if (now_in == phase::kFinalizing || now_in == phase::kFinalizingPartiallyFailed)
      return finalize(restore);
    return Outcome::done();
  }

 private:
  const EngineServices& services() const { return context_->services; }
  Time now() const { return services().clock.now(); }

  Outcome start(Object restore) {
    RestoreValidation validation = TRY(validate_restore(*context_, restore));
    if (!validation.errors.empty()) return refuse(restore, validation.errors);
    restore.set({"spec", "backupName"}, validation.backup);
    // Later steps must find the bucket even when the Backup is gone by then.
    restore.set_annotation(api::kStorageLocationLabel, validation.location);
    if (validation.stored_backup != validation.backup)
      restore.set_annotation(api::kStoredNameAnnotation, validation.stored_backup);
    note_restore_files(restore, validation.location_object);

    const std::string id = operation_id(restore, "check");
    auto checked = run_operation(*context_, kRestoreController, restore.key(), id,
                                 [context = context_, restore](const CancelToken&) {
                                   return check_restore(*context, restore);
                                 });
    if (!checked) {
      if (is_transient(checked.error()) && now() - restore.created() < item_timeout(restore))
        return try_later(*context_, restore, checked.error());
      return refuse(restore, {checked.error().to_string()});
    }
    if (!*checked) return Outcome::again_after(kMovePoll);
    services().operations.forget(id);
    const Json& verdict = **checked;
    std::vector<std::string> errors;
    for (const Json& error : verdict["errors"].items()) errors.push_back(error.as_string());
    const std::string& wait_for = verdict["wait"].as_string();
    if (errors.empty() && !wait_for.empty()) {
      if (now() - restore.created() < context_->settings.terminating_timeout)
        return Outcome::again_after(kPoll);
      errors.push_back(wait_for);
    }
    if (!errors.empty()) return refuse(restore, errors);

    restore.add_finalizer(api::kRestoreFinalizer);
    restore.set({"status", "phase"}, phase::kInProgress);
    restore.set({"status", "startTimestamp"}, format_rfc3339(now()));
    services().log.info("restore starts",
                        {{"restore", restore.name()}, {"backup", validation.backup}});
    return write_object(*context_, api::kRestore, restore);
  }

  Outcome refuse(Object restore, const std::vector<std::string>& errors) {
    restore.set({"status", "phase"}, phase::kFailedValidation);
    restore.set({"status", "validationErrors"}, Json(Json::Array(errors.begin(), errors.end())));
    restore.set({"status", "completionTimestamp"}, format_rfc3339(now()));
    services().events.warning(restore, "FailedValidation", errors.front());
    return write_object(*context_, api::kRestore, restore);
  }

  Outcome apply(const Object& restore) {
    auto status =
        run_operation(*context_, kRestoreController, restore.key(), operation_id(restore, "apply"),
                      [context = context_, restore](const CancelToken& cancel) {
                        return apply_restore(*context, restore, cancel);
                      });
    return write_status(restore, std::move(status));
  }

  Outcome wait(const Object& restore) {
    const auto expected =
        static_cast<size_t>(restore.status()["restoreItemOperationsAttempted"].as_int());
    const Duration timeout = item_timeout(restore);
    auto downloads = TRY(downloads_of(services().reader, restore));
    std::vector<Object> vsrs;
    if (downloads.size() < expected) vsrs = TRY(snapshot_restores_of(services().reader, restore));
    if (downloads.size() + vsrs.size() < expected) {
      downloads = TRY(downloads_of(services().client, restore));
      vsrs = TRY(snapshot_restores_of(services().client, restore));
    }
    // Of a Restore whose moves are gone it does not matter of which kind they were.
    const size_t known = std::min(expected, vsrs.size());
    MoveSummary summary =
        TRY(watch_moves(*context_, api::kDataDownload, downloads, expected - known, timeout));
    const MoveSummary others =
        TRY(watch_snapshot_restores(*context_, restore, vsrs, known, timeout));
    summary.completed += others.completed;
    summary.failed += others.failed;
    summary.running += others.running;
    Object next = restore;
    next.set({"status", "restoreItemOperationsCompleted"}, static_cast<int64_t>(summary.completed));
    next.set({"status", "restoreItemOperationsFailed"}, static_cast<int64_t>(summary.failed));
    if (summary.all_ended()) {
      bool clean = summary.failed == 0 && restore.phase() == phase::kWaiting;
      next.set({"status", "phase"}, clean ? phase::kFinalizing : phase::kFinalizingPartiallyFailed);
    }
    if (next == restore) return Outcome::again_after(kMovePoll);
    return write_object(*context_, api::kRestore, next);
  }

  static Result<std::vector<Object>> downloads_of(kube::Reader& from, const Object& restore) {
    return from.list(api::kDataDownload, restore.ns(), of_restore(restore));
  }

  Outcome finalize(const Object& restore) {
    auto status = run_operation(
        *context_, kRestoreController, restore.key(), operation_id(restore, "finalize"),
        [context = context_, restore, timeout = item_timeout(restore)](const CancelToken&) {
          return finalize_restore(*context, restore, timeout);
        });
    if (status && *status) {
      const std::string& ended = (**status)["phase"].as_string();
      services().log.info("restore ends", {{"restore", restore.name()}, {"phase", ended}});
      if (ended == phase::kCompleted) {
        const std::string where = where_results_are(restore);
        services().events.normal(
            restore, "Completed",
            fmt::format("The restore is complete{}{}", where.empty() ? "" : "; ", where));
      } else {
        const std::string where = where_results_are(restore);
        services().events.warning(
            restore, ended,
            fmt::format(
                "{} errors: {}", (**status)["errors"].as_int(),
                where.empty() ? fmt::format("see restore-{}-results.gz", restore.name()) : where));
      }
    }
    return write_status(restore, std::move(status));
  }

  // What may pass is tried again until the Restore's time is up; everything else ends it as Failed.
  Outcome write_status(const Object& restore, Result<std::optional<Json>> status) {
    Object next = restore;
    if (status) {
      if (!*status) return Outcome::again_after(kMovePoll);
      next.set({"status"}, std::move(**status));
      return write_object(*context_, api::kRestore, next);
    }
    Time started = time_or(restore.status()["startTimestamp"], restore.created());
    if (is_transient(status.error()) && now() - started < item_timeout(restore))
      return try_later(*context_, restore, status.error());
    auto downloads =
        TRY(services().client.list(api::kDataDownload, restore.ns(), of_restore(restore)));
    TRY(cancel_moves(services().client, api::kDataDownload, downloads));
    next.set({"status", "phase"}, phase::kFailed);
    next.set({"status", "failureReason"}, status.error().to_string());
    next.set({"status", "completionTimestamp"}, format_rfc3339(now()));
    services().events.warning(next, "Failed", status.error().to_string());
    return write_object(*context_, api::kRestore, next);
  }

  Outcome clean_up(Object restore) {
    if (!restore.has_finalizer(api::kRestoreFinalizer)) return forget(restore);
    auto removed =
        run_operation(*context_, kRestoreController, restore.key(), operation_id(restore, "remove"),
                      [context = context_, restore](const CancelToken&) -> Result<Json> {
                        TRY(remove_restore_files(*context, restore));
                        return Json(true);
                      });
    if (!TRY(std::move(removed))) return Outcome::again_after(kMovePoll);
    restore.remove_finalizer(api::kRestoreFinalizer);
    return write_object(*context_, api::kRestore, restore);
  }

  Outcome forget(const Object& restore) {
    for (const char* step : {"check", "apply", "finalize", "remove"})
      services().operations.forget(operation_id(restore, step));
    // A claim may need its snapshot longer than the Restore lasts.
    auto snapshots = TRY(services().reader.list(api::kVolumeSnapshot, "", of_restore(restore)));
    if (snapshots.empty() || TRY(release_restored_snapshots(*context_, restore)))
      return Outcome::done();
    return Outcome::again_after(kLeftPoll);
  }

  static std::string operation_id(const Object& restore, std::string_view step) {
    return fmt::format("restore/{}/{}", restore.uid(), step);
  }
  Duration item_timeout(const Object& restore) const {
    return duration_or(restore.spec()["itemOperationTimeout"],
                       context_->settings.item_operation_timeout);
  }

  const ContextPtr context_;
};

}  // namespace

kube::ControllerSpec make_restore_controller(ContextPtr context) {
  const std::string ns = context->settings.ns;
  kube::ControllerSpec spec;
  spec.name = controller_name(*context, kRestoreController);
  spec.sources.push_back({api::kRestore, ns, kube::map_to_self});
  spec.sources.push_back({api::kDataDownload, ns, kube::map_to_owner(api::kRestore)});
  // These lie in the claims' namespaces and cannot be owned from here: their label leads back.
  auto by_label = [ns](const Object& object) {
    std::vector<kube::Key> keys;
    if (object.has_label(api::kRestoreUidLabel))
      keys.push_back({ns, object.label(api::kRestoreNameLabel)});
    return keys;
  };
  spec.sources.push_back({api::kVolumeSnapshotRestore, "", by_label});
  spec.sources.push_back({api::kPersistentVolumeClaim, "", by_label});
  spec.reconciler = std::make_unique<RestoreReconciler>(std::move(context));
  return spec;
}

}  // namespace breakwater::velero
