#include "velero/backup_operations.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "backupstore/backup_store.h"
#include "velero/collector.h"
#include "velero/names.h"
#include "velero/snapshot_backups.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using backupstore::BackupFile;
using backupstore::BackupStore;

std::string log_text(const kube::Object& backup, const backupstore::Archive& items,
                     const Findings& findings) {
  std::string text = fmt::format("level=info msg=\"Backing up {} items\" backup={}/{}\n",
                                 items.items().size(), backup.ns(), backup.name());
  for (const auto& [key, object] : items.items())
    text += fmt::format("level=info msg=\"Backed up item\" resource={} name={}\n",
                        key.group_resource, kube::Key{key.ns, key.name}.to_string());
  return text + findings.to_log();
}

// A snapshot that stays in the cluster is saved with what a restore needs to take it up again; one
// that a VolumeSnapshotBackup moves, with what the original's restore wants to read.
Result<> add_snapshot_items(const Context& context, backupstore::Archive& items,
                            std::vector<SavedVolume>& volumes) {
  for (SavedVolume& saved : volumes) {
    kube::Object& snapshot = saved.progress.snapshot;
    const std::string name = snapshot.status()["boundVolumeSnapshotContentName"].as_string();
    if (saved.progress.state == VolumeProgress::State::kFailed || name.empty()) continue;
    auto found = context.services.client.get(api::kVolumeSnapshotContent, {"", name});
    const bool moving = saved.progress.state == VolumeProgress::State::kMoving;
    if (!found && found.error().is(Code::kNotFound) && moving) continue;  // it was quick
    const kube::Object content = TRY(std::move(found));
    snapshot.set_annotation(api::kSnapshotHandleAnnotation,
                            content.status()["snapshotHandle"].as_string());
    snapshot.set_annotation(api::kCsiDriverAnnotation, saved.volume.driver);
    snapshot.set_annotation(api::kSnapshotRestoreSizeAnnotation,
                            snapshot.status()["restoreSize"].as_string());
    items.put(item_key(api::kVolumeSnapshot, snapshot.key()), snapshot.json());
    items.put(item_key(api::kVolumeSnapshotContent, {"", name}), content.json());
  }
  return {};
}

void add_snapshot_errors(const std::vector<SavedVolume>& volumes, Findings& findings) {
  for (const SavedVolume& saved : volumes)
    if (saved.progress.state == VolumeProgress::State::kFailed)
      findings.error(saved.volume.pvc.ns,
                     fmt::format("PersistentVolumeClaim {}: {}", saved.volume.pvc.to_string(),
                                 saved.progress.error));
}

// The status after the upload: what was found, what moves.
Json next_status(const kube::Object& backup, const Findings& findings, size_t items, size_t moves,
                 const std::vector<SavedVolume>& volumes) {
  namespace phase = api::backup_phase;
  int64_t cut = 0;
  for (const SavedVolume& saved : volumes)
    if (saved.progress.state != VolumeProgress::State::kFailed) ++cut;
  bool clean = findings.errors() == 0;
  Json status = backup.status();
  if (moves > 0) {
    status.set("phase", clean ? phase::kWaiting : phase::kWaitingPartiallyFailed);
  } else {
    status.set("phase", clean ? phase::kFinalizing : phase::kFinalizingPartiallyFailed);
  }
  status.set("warnings", static_cast<int64_t>(findings.warnings()));
  status.set("errors", static_cast<int64_t>(findings.errors()));
  status.set({"progress", "totalItems"}, static_cast<int64_t>(items));
  status.set({"progress", "itemsBackedUp"}, static_cast<int64_t>(items));
  status.set("csiVolumeSnapshotsAttempted", static_cast<int64_t>(volumes.size()));
  status.set("csiVolumeSnapshotsCompleted", cut);
  status.set("backupItemOperationsAttempted", static_cast<int64_t>(moves));
  return status;
}

// The final status, from what the files say.
Json final_status(const kube::Object& backup, const Findings& findings, const Json& operations,
                  size_t items, Time now) {
  int64_t completed = 0, failed = 0;
  for (const Json& operation : operations.items())
    (operation["status"]["phase"].as_string() == "Completed" ? completed : failed) += 1;
  Json status = backup.status();
  status.set("phase", findings.errors() == 0 ? api::backup_phase::kCompleted
                                             : api::backup_phase::kPartiallyFailed);
  status.set("completionTimestamp", format_rfc3339(now));
  status.set("warnings", static_cast<int64_t>(findings.warnings()));
  status.set("errors", static_cast<int64_t>(findings.errors()));
  status.set("backupItemOperationsCompleted", completed);
  status.set("backupItemOperationsFailed", failed);
  status.set({"progress", "itemsBackedUp"}, static_cast<int64_t>(items));
  status.set({"progress", "totalItems"}, static_cast<int64_t>(items));
  return status;
}

}  // namespace

Result<> collect_backup(const Context& context, const kube::Object& backup, BackupWork& work,
                        const CancelToken& cancel) {
  const EngineServices& services = context.services;
  auto store = TRY(open_location(context, backup.spec()["storageLocation"].as_string()));
  TRY(BackupStore(*store).claim_backup(backup.json()));
  Discovery discovery = TRY(services.discover());
  Collection collection = TRY(collect(backup, services.client, discovery, cancel));
  work.items = std::move(collection.items);
  work.findings = std::move(collection.findings);
  work.plan = TRY(plan_volumes(backup, work.items, services.client, work.findings));
  return {};
}

Result<Json> upload_backup(const Context& context, const kube::Object& backup,
                           const BackupWork& work, std::vector<SavedVolume> volumes) {
  const MoveMethod method = move_method(context, backup);
  const Time now = context.services.clock.now();
  auto store = TRY(open_location(context, backup.spec()["storageLocation"].as_string()));
  BackupStore files(*store);
  backupstore::Archive items = work.items;
  Findings findings = work.findings;
  annotate_items(items, backup, method, volumes);
  if (method != MoveMethod::kDataUpload) TRY(add_snapshot_items(context, items, volumes));
  add_snapshot_errors(volumes, findings);

  const std::string& name = backup.name();
  TRY(files.put_logs(name, BackupFile::kLogs, log_text(backup, items, findings)));
  TRY(files.put_contents(name, items, now));
  TRY(files.put_json(name, BackupFile::kPodVolumeBackups, Json::array()));
  TRY(files.put_json(name, BackupFile::kVolumeSnapshots, Json::array()));
  const Json operations = item_operations(backup, method, volumes, now);
  TRY(files.put_json(name, BackupFile::kItemOperations, operations));
  TRY(files.put_json(name, BackupFile::kVolumeInfo,
                     volume_infos(backup, method, volumes, work.plan.skipped, now)));
  TRY(files.put_json(name, BackupFile::kResourceList, resource_list(items)));
  TRY(files.put_json(name, BackupFile::kResults, findings.to_json()));
  kube::Object next = backup;
  next.set({"status"},
           next_status(backup, findings, items.items().size(), operations.size(), volumes));
  TRY(files.put_backup(next.json()));
  return next.status();
}

Result<Json> finalize_backup(const Context& context, const kube::Object& backup, Duration timeout) {
  const Time now = context.services.clock.now();
  const std::string& name = backup.name();
  auto store = TRY(open_location(context, backup.spec()["storageLocation"].as_string()));
  BackupStore files(*store);
  const Json there = TRY(files.get_backup(name));
  if (there["metadata"]["uid"].as_string() != backup.uid())
    return fail(Code::kAlreadyExists, "backup {} in {} belongs to another cluster", name,
                store->describe());
  if (api::backup_is_terminal(there["status"]["phase"].as_string())) return there["status"];

  const MoveMethod method = move_method(context, backup);
  std::vector<kube::Object> moves;
  if (method != MoveMethod::kNone)
    moves = TRY(context.services.client.list(kind_of(method), namespace_of(method, backup),
                                             of_backup(backup)));
  backupstore::Archive items = TRY(files.get_contents(name));
  for (const kube::Object& move : moves)
    items.put(item_key(kind_of(method), move.key()),
              (method == MoveMethod::kSnapshotBackup ? stored_snapshot_backup(move) : move).json());
  const Json operations = update_operations(TRY(files.get_json(name, BackupFile::kItemOperations)),
                                            moves, now, timeout);
  Findings findings = Findings::from_json(TRY(files.get_json(name, BackupFile::kResults)));
  add_move_errors(operations, findings);

  TRY(files.put_contents(name, items, now));
  TRY(files.put_json(name, BackupFile::kItemOperations, operations));
  TRY(files.put_json(
      name, BackupFile::kVolumeInfo,
      update_volume_infos(TRY(files.get_json(name, BackupFile::kVolumeInfo)), moves, now)));
  TRY(files.put_json(name, BackupFile::kResourceList, resource_list(items)));
  TRY(files.put_json(name, BackupFile::kResults, findings.to_json()));
  TRY(files.put_logs(name, BackupFile::kLogs, log_text(backup, items, findings)));
  kube::Object final = backup;
  final.set({"status"}, final_status(backup, findings, operations, items.items().size(), now));
  TRY(files.put_backup(final.json()));
  return final.status();
}

}  // namespace breakwater::velero
