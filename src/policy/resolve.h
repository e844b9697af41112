// What a cluster gets to see of a Policy: its replica, with our templates filled in.
//
// Pure. A replica is a Policy named "<namespace>.<name>" of its root in the namespace of the
// cluster (Open Cluster Management's propagator). Templates of kind VirtInstallPolicy,
// VirtBackupPolicy and VirtRestorePolicy get the configuration of that cluster: the ConfigMap that
// its label acm-virt-config names, the ConfigMaps that this one names, and the name and hash of the
// copied Secret. Values of Secrets are never in a Policy.
//
// What is missing freezes: the last good value, taken from the replica as it is, stays, and
// spec.hubFindings says which object or key is missing and what would be right.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/evaluation.h"
#include "policy/fleet.h"

namespace breakwater::policy {

// What is known of the object store's Secret on the hub.
struct SecretState {
  bool found = false;
  std::string hash;           // of its content
  bool has_password = false;  // RESTIC_PASSWORD is there and not empty
  bool generated = false;     // and was made here
  // The password was there once and has gone.
  bool password_lost = false;
  // Not empty: why it could not be copied to the cluster's namespace.
  std::string copy_problem;
};

struct ResolveInputs {
  kube::Object root;
  kube::Object cluster;                 // ManagedCluster
  std::optional<kube::Object> replica;  // as it is
  bool enforce = false;                 // a binding's override
  // Of the root's namespace, sorted by name:
  std::vector<kube::Object> config_maps;
  std::vector<kube::Object> policy_sets;
  // Every ManagedCluster; needed where the Policy holds a VirtRestorePolicy.
  std::vector<kube::Object> clusters;
  SecretState secret;  // of secret_wanted()
};

// The Secret on the hub that the cluster's install policy needs; nothing if the Policy has no such
// template or the configuration names none.
struct SecretWanted {
  std::string name;
  bool password = false;  // RESTIC_PASSWORD is to be made if it is missing
};
std::optional<SecretWanted> secret_wanted(const ResolveInputs& inputs);

// The replica as it should be, without the annotations that the removal protocol and the copies of
// Secrets need.
kube::Object resolve(const ResolveInputs& inputs);

// Whether the Policy has a template of this kind of ours.
bool has_template(const kube::Object& policy, const kube::Kind& kind);
bool has_virt_template(const kube::Object& policy);
// Whether any template of the replica carries findings.
bool has_findings(const kube::Object& replica);

// "<namespace>.<name>", and back; nothing for other names. A namespace holds no dot.
std::string replica_name(const kube::Key& root);
std::optional<kube::Key> root_of(std::string_view replica_name);
bool is_replica(const kube::Object& policy);

}  // namespace breakwater::policy
