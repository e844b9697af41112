// Whether a Backup can be run as it is asked for.
#pragma once

#include <string>
#include <vector>

#include "kube/client.h"
#include "velero/context.h"

namespace breakwater::velero {

struct Validation {
  std::vector<std::string> errors;  // one sentence each, naming field and remedy
  std::string location;             // the BackupStorageLocation to use
  bool location_pending = false;    // it has not been looked at yet: come back
};

// Checks everything that can be known before anything is done: the location (the default one if the
// spec names none), selectors and filters, durations, and what we do not offer (file-system backup,
// volume-snapshot locations, hooks, resource policies). Errors of the API are returned.
Result<Validation> validate_backup(const Context& context, const kube::Object& backup);

}  // namespace breakwater::velero
