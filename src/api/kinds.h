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
inline constexpr Kind kDeleteBackupRequest{
    "velero.io", "v1", "DeleteBackupRequest", "deletebackuprequests", true, false};
inline constexpr Kind kDataUpload{"velero.io",   "v2alpha1", "DataUpload",
                                  "datauploads", true,       false};
inline constexpr Kind kDataDownload{"velero.io",     "v2alpha1", "DataDownload",
                                    "datadownloads", true,       false};

// OADP.
inline constexpr Kind kDataProtectionApplication{
    "oadp.openshift.io", "v1alpha1", "DataProtectionApplication", "dataprotectionapplications"};

// Open Cluster Management.
inline constexpr Kind kClusterClaim{"cluster.open-cluster-management.io",
                                    "v1alpha1",
                                    "ClusterClaim",
                                    "clusterclaims",
                                    false,
                                    false};

// Ours (decisions.md: per-VM truth, totals).
inline constexpr Kind kVirtualMachineProtection{
    "breakwater.dev", "v1alpha1", "VirtualMachineProtection", "virtualmachineprotections"};

}  // namespace breakwater::api
