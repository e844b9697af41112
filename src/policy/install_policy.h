// The install policy: what a cluster needs before its VMs can be backed up.
//
// With engine builtin: the namespace, copies of the ConfigMaps, the Secrets and the
// DataProtectionApplication. With engine oadp also the OperatorGroup and the Subscription that
// install OADP. On a hub that ACM backs up nothing is installed: OADP is checked, and its
// DataProtectionApplication is given what VMs need.
//
// Rules (docs/architecture.md, "Correct where the original is not"):
// - Missing configuration, Secret or key freezes: nothing that exists is taken away, and a finding
//   says what is missing.
// - The Namespace is never removed. On confirmed intent (annotation breakwater.dev/removal) only
//   that goes which this policy created.
// - A change of the channel is written into our Subscription; nothing is deleted for an upgrade.
//   What others made (a Subscription, an OperatorGroup) is used and not altered.
// - A field of the DataProtectionApplication that dpa_spec does not mention belongs to somebody
//   else and stays.
// - A repository password that exists is never overwritten: its repositories could not be opened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "policy/evaluation.h"

namespace breakwater::policy {

// Where backup lives on the cluster, and who does it.
struct EngineChoice {
  std::string engine;  // api::kEngineBuiltin, api::kEngineOadp
  std::string ns;      // "" when the configuration does not say
};

// Pure. `config` as configuration_of() gives it; problems become findings.
EngineChoice choose_engine(const kube::Object& config, bool is_hub, bool serves_olm,
                           std::vector<Finding>& findings);

struct InstallInputs {
  Time now{};
  std::string cluster_id;
  kube::Object policy;             // the VirtInstallPolicy
  bool is_hub = false;             // a MultiClusterHub exists: ACM backs this cluster up
  bool serves_olm = false;         // Subscriptions are served
  bool serves_application = true;  // DataProtectionApplications are served
  std::string openshift_version;   // ClusterClaim version.openshift.io; "" if it has none
  // The object store's Secret as it came from the hub, in the policy's namespace.
  std::optional<kube::Object> credentials;
  // In the engine's namespace:
  std::vector<kube::Object> secrets;
  std::vector<kube::Object> applications;  // DataProtectionApplications
  std::vector<kube::Object> locations;     // BackupStorageLocations
  std::vector<kube::Object> operator_groups;
  std::vector<kube::Object> service_versions;  // ClusterServiceVersions
  std::vector<kube::Object> subscriptions;     // of all namespaces
  // For removal: everything that may have been created by this policy, read live.
  std::vector<Unwanted> made;
};

// Pure.
Evaluation evaluate_install(const InstallInputs& inputs);

// The channel of OADP for an OpenShift version ("" or unknown: the newest).
std::string channel_for(const std::string& openshift_version);

}  // namespace breakwater::policy
