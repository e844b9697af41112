// The hub's controllers: placement, propagation, status.
//
// They run on the cluster where admins write Policies, PolicySets, Placements, ConfigMaps and the
// object store's Secret. Everything they know is in objects there; what they keep in memory is
// rebuilt after a restart. The registration of clusters is policy/registration.h; a hub runs both
// lists on one Runner.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/client.h"
#include "kube/controller.h"
#include "kube/events.h"

namespace breakwater::policy {

// Names of controllers, as Runner::enqueue() takes them.
inline constexpr const char* kClusterSetController = "cluster-set";
inline constexpr const char* kPlacementController = "placement";
inline constexpr const char* kPropagatorController = "policy";
inline constexpr const char* kReplicaController = "policy-replica";
inline constexpr const char* kHubSecretController = "hub-secret";
inline constexpr const char* kPolicyStatusController = "policy-status";
inline constexpr const char* kPolicySetController = "policy-set";

struct HubSettings {
  // How long a cluster's absence from the decisions, or a root Policy's absence, has to be
  // confirmed by live reads before it counts as intent. Zero: at once.
  Duration confirm = std::chrono::seconds(60);
  // How often that is checked.
  Duration confirm_every = std::chrono::seconds(15);
  // The status of a root Policy is written at most this often.
  Duration status_interval = std::chrono::seconds(1);
  // How often the hub's Secrets are read; they are not watched, so that the hub needs no right to
  // list Secrets.
  Duration secret_interval = std::chrono::seconds(10);
  // A replica with findings, or with a Secret to look after, is looked at again after this.
  Duration replica_interval = std::chrono::minutes(1);
};

// All outlive the controllers.
struct HubServices {
  kube::Reader& reader;  // of the Runner
  kube::Client& client;
  kube::EventRecorder& events;
  const Clock& clock;
  Random& random;  // makes the repository password; fit for keys
  // Runner::enqueue of the Runner that the controllers are added to.
  std::function<void(const std::string& controller, const kube::Key& key)> enqueue;
  Logger log;
};

std::vector<kube::ControllerSpec> make_hub_controllers(HubSettings settings, HubServices services);

}  // namespace breakwater::policy
