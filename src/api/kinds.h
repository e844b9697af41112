// Every kind that Breakwater reads or writes, as kube::Kind constants. No behaviour.
//
// Sources: Kubernetes 1.31 API; Velero v1 and v2alpha1 (no status subresource); OADP; KubeVirt v1;
// CDI v1beta1; CSI external-snapshotter v1; the original Volume Snapshot Mover; Open Cluster
// Management.
#pragma once

#include "kube/kind.h"

namespace breakwater::api {

using kube::Kind;

// Kubernetes.
inline constexpr Kind kNamespace{"", "v1", "Namespace", "namespaces", false};
inline constexpr Kind kConfigMap{"", "v1", "ConfigMap", "configmaps", true, false};
inline constexpr Kind kSecret{"", "v1", "Secret", "secrets", true, false};
inline constexpr Kind kServiceAccount{"", "v1", "ServiceAccount", "serviceaccounts", true, false};
inline constexpr Kind kEvent{"", "v1", "Event", "events", true, false};
inline constexpr Kind kPod{"", "v1", "Pod", "pods"};
inline constexpr Kind kNode{"", "v1", "Node", "nodes", false};
inline constexpr Kind kPersistentVolume{"", "v1", "PersistentVolume", "persistentvolumes", false};
inline constexpr Kind kPersistentVolumeClaim{"", "v1", "PersistentVolumeClaim",
                                             "persistentvolumeclaims"};
inline constexpr Kind kStorageClass{"storage.k8s.io", "v1",  "StorageClass",
                                    "storageclasses", false, false};
inline constexpr Kind kLease{"coordination.k8s.io", "v1", "Lease", "leases", true, false};
inline constexpr Kind kRole{"rbac.authorization.k8s.io", "v1", "Role", "roles", true, false};
inline constexpr Kind kRoleBinding{
    "rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true, false};
inline constexpr Kind kClusterRole{
    "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false, false};
inline constexpr Kind kClusterRoleBinding{"rbac.authorization.k8s.io", "v1",  "ClusterRoleBinding",
                                          "clusterrolebindings",       false, false};
// Approval is the subresource "approval"; conditions and the certificate are in the status.
inline constexpr Kind kCertificateSigningRequest{
    "certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", false};
inline constexpr Kind kCustomResourceDefinition{
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false};

// CSI snapshots.
inline constexpr Kind kVolumeSnapshot{"snapshot.storage.k8s.io", "v1", "VolumeSnapshot",
                                      "volumesnapshots"};
inline constexpr Kind kVolumeSnapshotContent{
    "snapshot.storage.k8s.io", "v1", "VolumeSnapshotContent", "volumesnapshotcontents", false};
inline constexpr Kind kVolumeSnapshotClass{"snapshot.storage.k8s.io", "v1",  "VolumeSnapshotClass",
                                           "volumesnapshotclasses",   false, false};

// KubeVirt and CDI.
inline constexpr Kind kVirtualMachine{"kubevirt.io", "v1", "VirtualMachine", "virtualmachines"};
inline constexpr Kind kVirtualMachineInstance{"kubevirt.io", "v1", "VirtualMachineInstance",
                                              "virtualmachineinstances"};
inline constexpr Kind kDataVolume{"cdi.kubevirt.io", "v1beta1", "DataVolume", "datavolumes"};

// Velero.
inline constexpr Kind kSchedule{"velero.io", "v1", "Schedule", "schedules", true, false};
inline constexpr Kind kBackup{"velero.io", "v1", "Backup", "backups", true, false};
inline constexpr Kind kRestore{"velero.io", "v1", "Restore", "restores", true, false};
inline constexpr Kind kBackupStorageLocation{
    "velero.io", "v1", "BackupStorageLocation", "backupstoragelocations", true, false};
inline constexpr Kind kDataUpload{"velero.io",   "v2alpha1", "DataUpload",
                                  "datauploads", true,       false};
inline constexpr Kind kDataDownload{"velero.io",     "v2alpha1", "DataDownload",
                                    "datadownloads", true,       false};

// The original Volume Snapshot Mover.
inline constexpr Kind kVolumeSnapshotBackup{"datamover.oadp.openshift.io", "v1alpha1",
                                            "VolumeSnapshotBackup", "volumesnapshotbackups"};
inline constexpr Kind kVolumeSnapshotRestore{"datamover.oadp.openshift.io", "v1alpha1",
                                             "VolumeSnapshotRestore", "volumesnapshotrestores"};

// OADP and what installs it.
inline constexpr Kind kDataProtectionApplication{
    "oadp.openshift.io", "v1alpha1", "DataProtectionApplication", "dataprotectionapplications"};

inline constexpr Kind kSubscription{"operators.coreos.com", "v1alpha1", "Subscription",
                                    "subscriptions"};
inline constexpr Kind kOperatorGroup{"operators.coreos.com", "v1", "OperatorGroup",
                                     "operatorgroups"};
inline constexpr Kind kClusterServiceVersion{"operators.coreos.com", "v1alpha1",
                                             "ClusterServiceVersion", "clusterserviceversions"};
inline constexpr Kind kClusterVersion{"config.openshift.io", "v1", "ClusterVersion",
                                      "clusterversions", false};

// Open Cluster Management: the fleet.
inline constexpr Kind kManagedCluster{"cluster.open-cluster-management.io", "v1", "ManagedCluster",
                                      "managedclusters", false};
inline constexpr Kind kManagedClusterSet{"cluster.open-cluster-management.io", "v1beta2",
                                         "ManagedClusterSet", "managedclustersets", false};
inline constexpr Kind kManagedClusterSetBinding{"cluster.open-cluster-management.io", "v1beta2",
                                                "ManagedClusterSetBinding",
                                                "managedclustersetbindings"};
inline constexpr Kind kPlacement{"cluster.open-cluster-management.io", "v1beta1", "Placement",
                                 "placements"};
inline constexpr Kind kPlacementDecision{"cluster.open-cluster-management.io", "v1beta1",
                                         "PlacementDecision", "placementdecisions"};
// Advanced Cluster Management: a hub that is backed up itself. Read only.
inline constexpr Kind kBackupSchedule{"cluster.open-cluster-management.io", "v1beta1",
                                      "BackupSchedule", "backupschedules"};
inline constexpr Kind kMultiClusterHub{"operator.open-cluster-management.io", "v1",
                                       "MultiClusterHub", "multiclusterhubs"};

// Open Cluster Management: governance.
inline constexpr Kind kPolicy{"policy.open-cluster-management.io", "v1", "Policy", "policies"};
inline constexpr Kind kPolicySet{"policy.open-cluster-management.io", "v1beta1", "PolicySet",
                                 "policysets"};
inline constexpr Kind kPlacementBinding{"policy.open-cluster-management.io",
                                        "v1",
                                        "PlacementBinding",
                                        "placementbindings",
                                        true,
                                        false};

// ACM's own kind of template; read only, to stay out of the way of the product's virt policies.
inline constexpr Kind kConfigurationPolicy{"policy.open-cluster-management.io", "v1",
                                           "ConfigurationPolicy", "configurationpolicies"};

// What our three Policies carry as templates (deploy/crds says what each field means).
inline constexpr Kind kVirtInstallPolicy{"policy.open-cluster-management.io", "v1",
                                         "VirtInstallPolicy", "virtinstallpolicies"};
inline constexpr Kind kVirtBackupPolicy{"policy.open-cluster-management.io", "v1",
                                        "VirtBackupPolicy", "virtbackuppolicies"};
inline constexpr Kind kVirtRestorePolicy{"policy.open-cluster-management.io", "v1",
                                         "VirtRestorePolicy", "virtrestorepolicies"};

// Open Cluster Management: what a cluster says of itself.
inline constexpr Kind kClusterClaim{"cluster.open-cluster-management.io",
                                    "v1alpha1",
                                    "ClusterClaim",
                                    "clusterclaims",
                                    false,
                                    false};

// Ours (decisions.md: per-VM truth, totals).
inline constexpr Kind kVirtualMachineProtection{
    "breakwater.dev", "v1alpha1", "VirtualMachineProtection", "virtualmachineprotections"};

inline constexpr Kind kVirtProtectionSummary{"breakwater.dev", "v1alpha1", "VirtProtectionSummary",
                                             "virtprotectionsummaries", false};

}  // namespace breakwater::api
