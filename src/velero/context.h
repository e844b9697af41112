// What every controller of the engine is given: its settings and the outside world.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "blob/object_store.h"
#include "kube/client.h"
#include "kube/events.h"
#include "kube/operations.h"
#include "velero/discovery.h"

namespace breakwater::velero {

struct EngineSettings {
  // The namespace of Schedules, Backups, Restores and locations. Others are not looked at.
  std::string ns = "openshift-adp";
  // This cluster's id; recorded on Backups that do not carry one.
  std::string cluster_id;
  // For Backups that do not say (Velero's server defaults).
  bool snapshot_move_data = false;
  std::string ttl = "720h0m0s";
  std::string csi_snapshot_timeout = "10m0s";
  std::string item_operation_timeout = "4h0m0s";
  // How long a restore waits for a namespace or volume that is still being deleted.
  Duration terminating_timeout = std::chrono::minutes(10);
  // Between two validations of a location that does not say.
  Duration validation_period = std::chrono::minutes(1);
  // Between two looks for backups that others wrote to a location that does not say.
  Duration sync_period = std::chrono::minutes(1);
};

// Opens the object store of a BackupStorageLocation, rooted at its prefix. Called on threads of the
// Operations pool; must be thread-safe.
using StoreFactory =
    std::function<Result<std::unique_ptr<blob::ObjectStore>>(const kube::Object& location)>;
// Puts a key into a controller's queue (kube::Runner::enqueue). Thread-safe.
using Enqueue = std::function<void(const std::string& controller, const kube::Key& key)>;

// Borrowed: everything outlives the controllers, and the operations they start. Controllers run on
// the Runner's thread; `client`, `clock`, `log` and the functions are also used on the pool's
// threads.
struct EngineServices {
  kube::Reader& reader;
  kube::Client& client;
  kube::Operations& operations;
  const Clock& clock;
  kube::EventRecorder& events;
  Logger log;
  StoreFactory open_store;
  Discover discover;
  Enqueue enqueue;
};

struct Context {
  EngineSettings settings;
  EngineServices services;
};
using ContextPtr = std::shared_ptr<const Context>;

}  // namespace breakwater::velero
