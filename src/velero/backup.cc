#include "velero/backup.h"

#include <fmt/format.h>

#include <map>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"
#include "velero/backup_operations.h"
#include "velero/backup_validation.h"
#include "velero/move_method.h"
#include "velero/schedule.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

namespace phase = api::backup_phase;
using kube::Object;
using kube::Outcome;

constexpr Duration kPoll = std::chrono::seconds(5);       // while snapshots are cut
constexpr Duration kMovePoll = std::chrono::seconds(30);  // changes of DataUploads wake us sooner
constexpr Duration kFreshLocation = std::chrono::minutes(2);

class BackupReconciler final : public kube::Reconciler {
 public:
  explicit BackupReconciler(ContextPtr context) : context_(std::move(context)) {}

  Outcome reconcile(const kube::Key& key) override {
    auto found = services().reader.get(api::kBackup, key);
    if (!found && found.error().is(Code::kNotFound)) {
      TRY(remove_orphaned_snapshots(*context_, key));
      return Outcome::done();
    }
    const Object backup = TRY(std::move(found));
    const std::string& now_in = backup.phase();
    if (backup.is_deleting() || api::backup_is_terminal(now_in)) return forget(backup);
    if (now_in.empty() || now_in == phase::kNew) return start(backup);
    if (is_of_another_cluster(*context_, backup)) return forget(backup);
    if (now_in == phase::kInProgress) return run(backup);
    if (now_in == phase::kWaiting || now_in == phase::kWaitingPartiallyFailed) return wait(backup);
    if (now_in == phase::kFinalizing || now_in == phase::kFinalizingPartiallyFailed)
      return finalize(backup);
    return Outcome::done();
  }

 private:
  const EngineServices& services() const { return context_->services; }
  Time now() const { return services().clock.now(); }

  Outcome start(Object backup) {
    Validation validation = TRY(validate_backup(*context_, backup));
    if (validation.errors.empty() && validation.location_pending) {
      if (now() - backup.created() < kFreshLocation) return Outcome::again_after(kPoll);
      validation.errors.push_back(
          fmt::format("spec.storageLocation: BackupStorageLocation {} has not been validated",
                      validation.location));
    }
    backup.set({"status", "version"}, 1);
    backup.set({"status", "formatVersion"}, "1.1.0");
    if (!validation.errors.empty()) {
      backup.set({"status", "phase"}, phase::kFailedValidation);
      backup.set({"status", "validationErrors"},
                 Json(Json::Array(validation.errors.begin(), validation.errors.end())));
      services().events.warning(backup, "FailedValidation", validation.errors.front());
      return write_object(*context_, api::kBackup, backup);
    }
    backup.set({"spec", "storageLocation"}, validation.location);
    backup.set_label(api::kStorageLocationLabel, label_value(validation.location));
    if (!context_->settings.cluster_id.empty() && !backup.has_label(api::kBackupClusterLabel))
      backup.set_label(api::kBackupClusterLabel, label_value(context_->settings.cluster_id));
    note_move_method(backup, TRY(choose_move_method(*context_, backup)));
    backup.set({"status", "phase"}, phase::kInProgress);
    backup.set({"status", "startTimestamp"}, format_rfc3339(now()));
    Duration ttl = duration_or(backup.spec()["ttl"], context_->settings.ttl);
    backup.set({"status", "expiration"}, format_rfc3339(now() + ttl));
    services().log.info("backup starts", {{"backup", backup.name()}});
    return write_object(*context_, api::kBackup, backup);
  }

  Outcome run(const Object& backup) {
    auto work = collect(backup);
    if (!work && work.error().is(Code::kAlreadyExists)) TRY(create_successor(backup));
    if (!work) return stumble(backup, work.error());
    if (*work == nullptr) return Outcome::again_after(kMovePoll);
    auto volumes = cut_snapshots(backup, **work);
    if (!volumes) return stumble(backup, volumes.error());
    if (!*volumes) return Outcome::again_after(kPoll);
    auto status = upload(backup, *work, std::move(**volumes));
    if (!status) return stumble(backup, status.error());
    if (!*status) return Outcome::again_after(kMovePoll);
    Object next = backup;
    next.set({"status"}, std::move(**status));
    return write_object(*context_, api::kBackup, next);
  }

  // The name is another cluster's in the bucket: a scheduled run goes on under the next one.
  Result<> create_successor(const Object& backup) {
    auto successor = make_successor(backup);
    if (!successor) return {};
    auto created = services().client.create(api::kBackup, *successor);
    if (created || created.error().is(Code::kAlreadyExists)) return {};
    return tl::unexpected<Error>(created.error());
  }

  // Null while it runs. What an operation of an earlier reconciler found is not ours to see, so an
  // operation without work in hand is done again.
  Result<std::shared_ptr<BackupWork>> collect(const Object& backup) {
    const std::string id = fmt::format("backup/{}/collect", backup.uid());
    std::shared_ptr<BackupWork>& work = work_[backup.uid()];
    if (work == nullptr) {
      work = std::make_shared<BackupWork>();
      services().operations.forget(id);
    }
    auto done = run_operation(
        *context_, kBackupController, backup.key(), id,
        [context = context_, backup, work](const CancelToken& cancel) -> Result<Json> {
          BackupWork fresh;
          TRY(collect_backup(*context, backup, fresh, cancel));
          *work = std::move(fresh);
          return Json(true);
        });
    if (!done) return tl::unexpected<Error>(done.error());
    if (!*done) return std::shared_ptr<BackupWork>();
    return work;
  }

  // Nothing while a snapshot is pending; otherwise what became of each volume, with the moves of
  // those that are ready created.
  Result<std::optional<std::vector<SavedVolume>>> cut_snapshots(const Object& backup,
                                                                const BackupWork& work) {
    Duration timeout =
        duration_or(backup.spec()["csiSnapshotTimeout"], context_->settings.csi_snapshot_timeout);
    auto progress = TRY(advance_snapshots(*context_, backup, work.plan.volumes, timeout));
    for (const VolumeProgress& one : progress)
      if (one.state == VolumeProgress::State::kPending) return std::nullopt;
    std::vector<SavedVolume> result;
    for (size_t i = 0; i < progress.size(); ++i) {
      if (progress[i].state == VolumeProgress::State::kReady) {
        if (moves_data(backup)) {
          TRY(create_move(*context_, backup, work.plan.volumes[i], progress[i].snapshot));
        } else {
          TRY(retain_snapshot(*context_, progress[i].snapshot));
        }
      }
      result.push_back({work.plan.volumes[i], std::move(progress[i])});
    }
    return result;
  }

  Result<std::optional<Json>> upload(const Object& backup, std::shared_ptr<BackupWork> work,
                                     std::vector<SavedVolume> volumes) {
    return run_operation(
        *context_, kBackupController, backup.key(), fmt::format("backup/{}/upload", backup.uid()),
        [context = context_, backup, work, volumes = std::move(volumes)](const CancelToken&) {
          return upload_backup(*context, backup, *work, volumes);
        });
  }

  Outcome wait(const Object& backup) {
    const Duration timeout = item_timeout(backup);
    const auto expected =
        static_cast<size_t>(backup.status()["backupItemOperationsAttempted"].as_int());
    const MoveMethod method = move_method(*context_, backup);
    auto moves = TRY(moves_of(services().reader, backup, method));
    // The cache may not have seen them yet; only the API can say that one is gone.
    if (moves.size() < expected) moves = TRY(moves_of(services().client, backup, method));
    MoveSummary summary = TRY(watch_moves(*context_, kind_of(method), moves, expected, timeout));
    Object next = backup;
    next.set({"status", "backupItemOperationsCompleted"}, static_cast<int64_t>(summary.completed));
    next.set({"status", "backupItemOperationsFailed"}, static_cast<int64_t>(summary.failed));
    if (summary.all_ended()) {
      bool clean = summary.failed == 0 && backup.phase() == phase::kWaiting;
      next.set({"status", "phase"}, clean ? phase::kFinalizing : phase::kFinalizingPartiallyFailed);
    }
    if (next == backup) return Outcome::again_after(kMovePoll);
    return write_object(*context_, api::kBackup, next);
  }

  Result<std::vector<Object>> moves_of(kube::Reader& from, const Object& backup,
                                       MoveMethod method) {
    return from.list(kind_of(method), namespace_of(method, backup), of_backup(backup));
  }

  Outcome finalize(const Object& backup) {
    auto status = run_operation(
        *context_, kBackupController, backup.key(), fmt::format("backup/{}/finalize", backup.uid()),
        [context = context_, backup, timeout = item_timeout(backup)](const CancelToken&) {
          return finalize_backup(*context, backup, timeout);
        });
    if (!status) return stumble(backup, status.error());
    if (!*status) return Outcome::again_after(kMovePoll);
    TRY(remove_unused_snapshots(*context_, backup));
    Object next = backup;
    next.set({"status"}, std::move(**status));
    services().log.info("backup ends", {{"backup", backup.name()}, {"phase", next.phase()}});
    if (next.phase() == phase::kCompleted) {
      services().events.normal(next, "Completed", "The backup is complete");
    } else {
      services().events.warning(next, next.phase(),
                                fmt::format("{} errors: see {}-results.gz",
                                            next.status()["errors"].as_int(), next.name()));
    }
    return write_object(*context_, api::kBackup, next);
  }

  // What may pass is tried again until the Backup's time is up; everything else ends it as Failed.
  Outcome stumble(const Object& backup, const Error& error) {
    Time started = time_or(backup.status()["startTimestamp"], backup.created());
    if (is_transient(error) && now() - started < item_timeout(backup))
      return try_later(*context_, backup, error);
    if (moves_data(backup)) {
      const MoveMethod method = move_method(*context_, backup);
      const auto moves = TRY(moves_of(services().client, backup, method));
      TRY(cancel_moves(services().client, kind_of(method), moves));
      TRY(remove_unused_snapshots(*context_, backup));
    }
    Object next = backup;
    next.set({"status", "phase"}, phase::kFailed);
    next.set({"status", "failureReason"}, error.to_string());
    next.set({"status", "completionTimestamp"}, format_rfc3339(now()));
    services().events.warning(next, "Failed", error.to_string());
    return write_object(*context_, api::kBackup, next);
  }

  Outcome forget(const Object& backup) {
    work_.erase(backup.uid());
    for (const char* step : {"collect", "upload", "finalize"})
      services().operations.forget(fmt::format("backup/{}/{}", backup.uid(), step));
    // A VolumeSnapshotBackup may end later than its Backup.
    if (move_method(*context_, backup) != MoveMethod::kSnapshotBackup) return Outcome::done();
    auto left = TRY(services().reader.list(api::kVolumeSnapshot, "", of_backup(backup)));
    if (!left.empty()) TRY(remove_unused_snapshots(*context_, backup));
    return Outcome::done();
  }

  bool moves_data(const Object& backup) const {
    return move_method(*context_, backup) != MoveMethod::kNone;
  }
  Duration item_timeout(const Object& backup) const {
    return duration_or(backup.spec()["itemOperationTimeout"],
                       context_->settings.item_operation_timeout);
  }

  const ContextPtr context_;
  std::map<std::string, std::shared_ptr<BackupWork>> work_;  // by uid of the Backup
};

}  // namespace

kube::ControllerSpec make_backup_controller(ContextPtr context) {
  const std::string ns = context->settings.ns;
  kube::ControllerSpec spec;
  spec.name = controller_name(*context, kBackupController);
  spec.sources.push_back({api::kBackup, ns, kube::map_to_self});
  spec.sources.push_back({api::kDataUpload, ns, kube::map_to_owner(api::kBackup)});
  // These lie in the claims' namespaces and cannot be owned from here: their label leads back.
  auto by_label = [ns](const Object& object) {
    std::vector<kube::Key> keys;
    if (object.has_label(api::kBackupUidLabel))
      keys.push_back({ns, object.label(api::kBackupNameLabel)});
    return keys;
  };
  spec.sources.push_back({api::kVolumeSnapshot, "", by_label});
  spec.sources.push_back({api::kVolumeSnapshotBackup, "", by_label});
  spec.reconciler = std::make_unique<BackupReconciler>(std::move(context));
  return spec;
}

}  // namespace breakwater::velero
