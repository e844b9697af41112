#include "velero/restore_operations.h"

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "backupstore/backup_store.h"
#include "velero/backup_files.h"
#include "velero/steps.h"

namespace breakwater::velero {

using backupstore::BackupStore;
using backupstore::RestoreFile;

kube::LabelSelector of_restore(const kube::Object& restore) {
  return kube::LabelSelector::equals(api::kRestoreUidLabel, restore.uid());
}

Result<Json> finalize_restore(const Context& context, const kube::Object& restore,
                              Duration timeout) {
  const Time now = context.services.clock.now();
  const std::string& name = restore.name();
  auto store = TRY(open_location(context, restore.annotation(api::kStorageLocationLabel)));
  BackupStore files(*store);
  auto downloads =
      TRY(context.services.client.list(api::kDataDownload, restore.ns(), of_restore(restore)));
  const Json operations = update_operations(TRY(files.get_json(name, RestoreFile::kItemOperations)),
                                            downloads, now, timeout);
  Findings findings = Findings::from_json(TRY(files.get_json(name, RestoreFile::kResults)));
  add_move_errors(operations, findings);
  TRY(files.put_json(name, RestoreFile::kItemOperations, operations));
  TRY(files.put_json(name, RestoreFile::kResults, findings.to_json()));

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
  const std::string& location = restore.annotation(api::kStorageLocationLabel);
  if (location.empty()) return {};
  auto store = open_location(context, location);
  if (!store && store.error().is(Code::kNotFound)) return {};
  auto opened = TRY(std::move(store));
  return BackupStore(*opened).delete_restore(restore.name());
}

}  // namespace breakwater::velero
