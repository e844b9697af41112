// What the restore ConfigMap asks of one cluster.
//
// Keys are the mission's without the cluster id (the hub strips it): restoreName, backupName,
// vmsUID, namespaceMapping, and our own sourceCluster and allowInexact. "2_restoreName",
// "2_backupName" and so on are further restores (decisions.md, "Restores").
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "policy/evaluation.h"

namespace breakwater::policy {

struct RestoreRequest {
  std::string prefix;                          // of its keys: "", or "2_"
  std::string name;                            // restoreName: of the velero Restore
  std::string backup;                          // backupName
  std::vector<std::string> uids;               // vmsUID, without duplicates, sorted
  std::map<std::string, std::string> mapping;  // namespaceMapping: from, to
  std::string source_cluster;                  // sourceCluster: id of the cluster that saved
  bool allow_inexact = false;                  // allowInexact
  // Not empty: what is wrong; such a request is not carried out.
  std::vector<Finding> problems;

  // The same for equal requests, whatever their spelling: what a restore that was carried out is
  // compared with.
  std::string fingerprint() const;
};

struct RestoreRequests {
  std::vector<RestoreRequest> requests;  // those with a restoreName, in the order of their prefix
  std::vector<Finding> findings;         // about keys that belong to none
};

// Reads the data of the ConfigMap `config` (for findings). vmsUID is separated by spaces, line ends
// or commas; namespaceMapping is "old=new old2=new2".
RestoreRequests read_restore_requests(const Json& data, const kube::Key& config);

}  // namespace breakwater::policy
