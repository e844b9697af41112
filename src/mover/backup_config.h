// What a worker is told that backs up a claim, however its move is called.
#pragma once

#include <string>

#include "datapath/worker.h"
#include "kube/object.h"
#include "mover/settings.h"

namespace breakwater::mover {

// "/namespace/claim": how a claim's snapshots are found in the repository.
std::string path_in_repository(const kube::Key& claim);
// Without location and parent. Snapshots of one claim have the same hostname (the cluster's id) and
// path, and tags that name claim, move and Backup.
datapath::WorkerConfig backup_config(const Settings& settings, const kube::Object& move,
                                     const kube::Key& claim, const std::string& cluster);

}  // namespace breakwater::mover
