#include "velero/restore_operations.h"

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "velero/backup_files.h"
#include "velero/restore_files.h"
#include "velero/snapshot_restores.h"

namespace breakwater::velero {

using backupstore::RestoreFile;

kube::LabelSelector of_restore(const kube::Object& restore) {
  return kube::LabelSelector::equals(api::kRestoreUidLabel, restore.uid());
}

Result<Json> finalize_restore(const Context& context, const kube::Object& restore,
                              Duration timeout) {
  kube::Client& client = context.services.client;
  const Time now = context.services.clock.now();
  RestoreFiles files = TRY(RestoreFiles::open(context, restore));
  auto moves = TRY(client.list(api::kDataDownload, restore.ns(), of_restore(restore)));
  const auto vsrs = TRY(snapshot_restores_of(client, restore));
  moves.insert(moves.end(), vsrs.begin(), vsrs.end());
  const Json operations =
      update_operations(TRY(files.get_json(RestoreFile::kItemOperations)), moves, now, timeout);
  Findings findings = TRY(files.get_results());
  add_move_errors(operations, findings);
  TRY(add_claim_errors(context, vsrs, timeout, findings));
  files.put_json(RestoreFile::kItemOperations, operations);
  files.put_results(findings);
  TRY(files.commit());
  TRY(release_restored_snapshots(context, restore));

  int64_t completed = 0, failed = 0;
  for (const Json& operation : operations.items())
    (operation["status"]["phase"].as_string() == "Completed" ? completed : failed) += 1;
  Json status = restore.status();
  status.set("phase", findings.errors() == 0 ? api::backup_phase::kCompleted
                                             : api::backup_phase::kPartiallyFailed);
  status.set("completionTimestamp", format_rfc3339(now));
  status.set("warnings", static_cast<int64_t>(findings.warnings()));
  status.set("errors", static_cast<int64_t>(findings.errors()));
  status.set("restoreItemOperationsCompleted", completed);
  status.set("restoreItemOperationsFailed", failed);
  return status;
}

Result<> remove_restore_files(const Context& context, const kube::Object& restore) {
  if (restore.annotation(api::kStorageLocationLabel).empty()) return {};
  auto files = RestoreFiles::open(context, restore);
  if (!files && files.error().is(Code::kNotFound)) return {};
  RestoreFiles opened = TRY(std::move(files));
  return opened.remove();
}

}  // namespace breakwater::velero
