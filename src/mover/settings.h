// What the mover may be told. Every field has a default that suits the sandbox and a small cluster.
#pragma once

#include <string>

#include "api/names.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/time.h"
#include "kube/client.h"

namespace breakwater::mover {

struct Settings {
  // The engine's: DataUploads, DataDownloads, the repository's Secret, worker pods and clones live
  // here.
  std::string engine_namespace = "velero";
  // Who accepts (status.acceptedByNode): the pod's name.
  std::string identity = "breakwater";
  // "" reads the ClusterClaims id.openshift.io, id.k8s.io.
  std::string cluster_id;
  std::string image = std::string(api::kWorkerImage);
  int worker_threads = 2;

  int concurrency = 4;   // moves that may be under way at once, both directions together
  int max_restarts = 5;  // of one move's worker that dies by itself, until the move fails
  int max_losses = 50;   // of its pods to what is not its fault: nodes, evictions, deletions

  Duration prepare_timeout = std::chrono::minutes(30);  // from Accepted to Prepared
  Duration operation_timeout =
      std::chrono::minutes(10);                          // where spec.operationTimeout says nothing
  Duration cancel_timeout = std::chrono::minutes(5);     // from Canceling to Canceled
  Duration progress_interval = std::chrono::seconds(5);  // between two looks at a worker's log
  Duration lock_retry = std::chrono::seconds(30);        // while maintenance holds the repository
};

// What the mover needs from outside; everything outlives its controllers.
struct Environment {
  kube::Reader& reader;  // the Runner's cache
  kube::Client& client;
  const Clock& clock;
  Logger log;
};

}  // namespace breakwater::mover
