#include "apiserver/builtin_kinds.h"

#include <algorithm>

namespace breakwater::apiserver {
namespace {

using Columns = std::vector<PrinterColumn>;

constexpr const char* kRbac = "rbac.authorization.k8s.io";

ServedKind builtin(std::string group, std::string kind, std::string plural,
                   std::vector<std::string> short_names, bool namespaced, bool status,
                   Columns columns) {
  ServedKind served;
  served.group = std::move(group);
  served.version = "v1";
  served.singular = kind;
  std::transform(kind.begin(), kind.end(), served.singular.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  served.kind = std::move(kind);
  served.plural = std::move(plural);
  served.short_names = std::move(short_names);
  served.namespaced = namespaced;
  served.has_status_subresource = status;
  served.builtin = true;
  served.columns = std::move(columns);
  served.columns.push_back({"Age", "date", ".metadata.creationTimestamp", "", 0});
  return served;
}

PrinterColumn text(std::string name, std::string path, int priority = 0) {
  return {std::move(name), "string", std::move(path), "", priority};
}

void add_core(std::vector<ServedKind>& kinds) {
  kinds.push_back(builtin("", "Namespace", "namespaces", {"ns"}, false, true,
                          {text("Status", ".status.phase")}));
  kinds.push_back(builtin("", "ConfigMap", "configmaps", {"cm"}, true, false, {}));
  kinds.push_back(builtin("", "Secret", "secrets", {}, true, false, {text("Type", ".type")}));
  kinds.push_back(builtin("", "ServiceAccount", "serviceaccounts", {"sa"}, true, false, {}));
  kinds.push_back(
      builtin("", "Event", "events", {"ev"}, true, false,
              {text("Type", ".type"), text("Reason", ".reason"), text("Message", ".message")}));
  kinds.push_back(builtin("", "Pod", "pods", {"po"}, true, true,
                          {text("Status", ".status.phase"), text("IP", ".status.podIP", 1),
                           text("Node", ".spec.nodeName", 1)}));
  kinds.back().categories = {"all"};
  kinds.push_back(builtin("", "Node", "nodes", {"no"}, false, true, {}));
  kinds.push_back(builtin("", "Service", "services", {"svc"}, true, true,
                          {text("Type", ".spec.type"), text("Cluster-IP", ".spec.clusterIP")}));
  kinds.back().categories = {"all"};
}

void add_storage(std::vector<ServedKind>& kinds) {
  kinds.push_back(builtin(
      "", "PersistentVolume", "persistentvolumes", {"pv"}, false, true,
      {text("Capacity", ".spec.capacity.storage"), text("Access Modes", ".spec.accessModes"),
       text("Reclaim Policy", ".spec.persistentVolumeReclaimPolicy"),
       text("Status", ".status.phase"), text("Claim", ".spec.claimRef.name"),
       text("StorageClass", ".spec.storageClassName"), text("VolumeMode", ".spec.volumeMode", 1)}));
  kinds.push_back(builtin(
      "", "PersistentVolumeClaim", "persistentvolumeclaims", {"pvc"}, true, true,
      {text("Status", ".status.phase"), text("Volume", ".spec.volumeName"),
       text("Capacity", ".status.capacity.storage"), text("Access Modes", ".status.accessModes"),
       text("StorageClass", ".spec.storageClassName"), text("VolumeMode", ".spec.volumeMode", 1)}));
  kinds.push_back(
      builtin("storage.k8s.io", "StorageClass", "storageclasses", {"sc"}, false, false,
              {text("Provisioner", ".provisioner"), text("ReclaimPolicy", ".reclaimPolicy"),
               text("VolumeBindingMode", ".volumeBindingMode")}));
}

void add_rest(std::vector<ServedKind>& kinds) {
  kinds.push_back(builtin(kRbac, "Role", "roles", {}, true, false, {}));
  kinds.push_back(builtin(kRbac, "ClusterRole", "clusterroles", {}, false, false, {}));
  const Columns binding = {text("Role", ".roleRef.name")};
  kinds.push_back(builtin(kRbac, "RoleBinding", "rolebindings", {}, true, false, binding));
  kinds.push_back(
      builtin(kRbac, "ClusterRoleBinding", "clusterrolebindings", {}, false, false, binding));
  kinds.push_back(builtin("coordination.k8s.io", "Lease", "leases", {}, true, false,
                          {text("Holder", ".spec.holderIdentity")}));
  kinds.push_back(builtin("certificates.k8s.io", "CertificateSigningRequest",
                          "certificatesigningrequests", {"csr"}, false, true,
                          {text("SignerName", ".spec.signerName")}));
  kinds.back().subresources = {"approval"};
  kinds.push_back(builtin("apiextensions.k8s.io", "CustomResourceDefinition",
                          "customresourcedefinitions", {"crd", "crds"}, false, true, {}));
}

}  // namespace

std::vector<ServedKindPtr> builtin_kinds() {
  std::vector<ServedKind> kinds;
  add_core(kinds);
  add_storage(kinds);
  add_rest(kinds);
  std::sort(kinds.begin(), kinds.end(), [](const ServedKind& a, const ServedKind& b) {
    return std::tie(a.group, a.version, a.plural) < std::tie(b.group, b.version, b.plural);
  });
  std::vector<ServedKindPtr> shared;
  shared.reserve(kinds.size());
  for (ServedKind& kind : kinds) shared.push_back(std::make_shared<ServedKind>(std::move(kind)));
  return shared;
}

}  // namespace breakwater::apiserver
