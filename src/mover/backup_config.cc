#include "mover/backup_config.h"

#include "api/kinds.h"

namespace breakwater::mover {

std::string path_in_repository(const kube::Key& claim) { return "/" + claim.to_string(); }

datapath::WorkerConfig backup_config(const Settings& settings, const kube::Object& move,
                                     const kube::Key& claim, const std::string& cluster) {
  datapath::WorkerConfig config;
  config.operation = datapath::WorkerConfig::Operation::kBackup;
  config.hostname = cluster;
  config.paths = {path_in_repository(claim)};
  const std::string kind = move.is(api::kDataUpload) ? "data-upload=" : "volume-snapshot-backup=";
  config.tags = {kind + move.uid(), "pvc=" + claim.to_string()};
  for (const auto& [label, tag] : {std::pair(api::kBackupNameLabel, "backup="),
                                   std::pair(api::kBackupUidLabel, "backup-uid=")}) {
    if (move.has_label(label)) config.tags.push_back(tag + move.label(label));
  }
  config.init_if_missing = true;
  config.threads = settings.worker_threads;
  return config;
}

}  // namespace breakwater::mover
