// Where a Restore's own files (results, log, list of items, data movement) are kept: in the bucket
// as Velero has them, or, where the location is ReadOnly, in a ConfigMap beside the Restore, which
// the annotation breakwater.dev/restore-files names.
//
// The ConfigMap holds "results.json" to be read, the other files gzipped, and is owned by the
// Restore. It takes up to 900 KiB; what does not fit is left out, the log first, and results too
// long to keep are replaced by their number.
#pragma once

#include <map>
#include <memory>

#include "backupstore/backup_store.h"
#include "velero/context.h"
#include "velero/findings.h"

namespace breakwater::velero {

// Notes on a Restore that starts where its files go; `location` is its Backup's.
void note_restore_files(kube::Object& restore, const kube::Object& location);
// "the results are in ConfigMap x, because BackupStorageLocation y is ReadOnly", or "".
std::string where_results_are(const kube::Object& restore);

class RestoreFiles {
 public:
  // `context` and `restore` outlive this; kNotFound if the location is gone.
  static Result<RestoreFiles> open(const Context& context, const kube::Object& restore);

  // The backup that is restored, in the same location.
  backupstore::BackupStore backup() { return backupstore::BackupStore(*store_); }

  Result<Json> get_json(backupstore::RestoreFile file);
  Result<Findings> get_results();
  // Kept until commit(), which writes.
  void put_json(backupstore::RestoreFile file, Json value);
  void put_logs(std::string text);
  void put_results(const Findings& findings);
  Result<> commit();
  // Removes what there is; nothing of the backup.
  Result<> remove();

 private:
  RestoreFiles(const Context& context, const kube::Object& restore) noexcept
      : context_(&context), restore_(&restore) {}
  Result<> commit_to_bucket();
  Result<> commit_to_cluster();
  kube::Object config_map() const;

  const Context* context_;
  const kube::Object* restore_;
  std::unique_ptr<blob::ObjectStore> store_;
  bool in_cluster_ = false;
  std::map<backupstore::RestoreFile, Json> values_;
  std::string log_;
};

}  // namespace breakwater::velero
