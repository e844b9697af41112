// How lists of the built-in kinds merge: what Kubernetes declares as patchMergeKey in its types.
#include "kube/strategic_keys.h"

#include "kube/patch.h"

namespace breakwater::kube {
namespace {

struct Rule {
  std::string_view kind;  // "" = any
  std::string_view field;
  std::string_view key;
};

// The first match counts.
constexpr Rule kRules[] = {
    {"Service", "ports", "port"},
    {"", "ports", "containerPort"},
    {"", "containers", "name"},
    {"", "initContainers", "name"},
    {"", "ephemeralContainers", "name"},
    {"", "env", "name"},
    {"", "volumes", "name"},
    {"", "volumeMounts", "mountPath"},
    {"", "volumeDevices", "devicePath"},
    {"", "imagePullSecrets", "name"},
    {"", "resourceClaims", "name"},
    {"", "schedulingGates", "name"},
    {"", "topologySpreadConstraints", "topologyKey"},
    {"", "hostAliases", "ip"},
    {"", "hostIPs", "ip"},
    {"", "podIPs", "ip"},
    {"", "ownerReferences", "uid"},
    {"", "secrets", "name"},
    {"", "addresses", "type"},
    {"CustomResourceDefinition", "conditions", ""},
    {"CertificateSigningRequest", "conditions", ""},
    {"", "conditions", "type"},
    {"CSINode", "drivers", "name"},
    {"", "webhooks", "name"},
};

}  // namespace

std::string_view strategic_merge_key(std::string_view kind, std::string_view field) {
  for (const Rule& rule : kRules) {
    if (rule.field == field && (rule.kind.empty() || rule.kind == kind)) return rule.key;
  }
  return {};
}

bool merges_as_set(std::string_view field) { return field == "finalizers" || field == "podCIDRs"; }

}  // namespace breakwater::kube
