// Whether a Restore can be run as it is asked for, as far as objects in the cluster tell.
#pragma once

#include <string>
#include <vector>

#include "kube/client.h"
#include "velero/context.h"

namespace breakwater::velero {

struct RestoreValidation {
  std::vector<std::string> errors;  // one sentence each, naming field and remedy
  std::string backup;    // the Backup to restore: spec.backupName, or the schedule's newest
  std::string location;  // its BackupStorageLocation
  kube::Object location_object;
  std::string stored_backup;  // what the Backup is called there
};

// backupName xor scheduleName; the Backup must exist and be Completed or PartiallyFailed;
// selectors, filters, namespaceMapping; what we do not offer (hooks, resource modifiers,
// existingResourcePolicy update, restoreStatus). Errors of the API are returned.
Result<RestoreValidation> validate_restore(const Context& context, const kube::Object& restore);

}  // namespace breakwater::velero
