// What the DataProtectionApplication of the engine's namespace says about the data mover
// (spec.features.dataMover). Quantities are strings there, as OADP has them; what is malformed or
// not positive counts as absent.
//
// Source: volume-snapshot-mover.md 11.2.
#pragma once

#include <string>

#include "mover/settings.h"

namespace breakwater::mover {

struct DataMoverOptions {
  bool enabled = false;
  std::string credential = std::string(api::kRepositorySecret);  // Secret with the password
  Duration timeout = std::chrono::minutes(10);                   // of waits until a worker runs
  int backups = 10;                                              // VolumeSnapshotBackups at once
  int restores = 10;                                             // VolumeSnapshotRestores at once
  // Retention, pruning and schedule as they stand in the Secret of a location, base64.
  Json repository_settings = Json::object();
};

// Of the first DataProtectionApplication with an enabled data mover, else of the first that
// mentions one; the defaults if there is none.
Result<DataMoverOptions> data_mover_options(const Settings& settings,
                                            const Environment& environment);

}  // namespace breakwater::mover
