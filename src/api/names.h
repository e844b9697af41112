// Labels, annotations, finalizers and well-known names. User-visible ones equal those of the
// systems they come from and must not change.
#pragma once

#include <string_view>

namespace breakwater::api {

// --- the mission (acm-virt-backup)
// ----------------------------------------------------------------- On a VM: the name of the cron
// that backs it up. The default of backup_label_name.
inline constexpr std::string_view kBackupVmLabel = "cluster.open-cluster-management.io/backup-vm";
// Stamped by us on a VM before its first backup: its uid. Restores select on it.
inline constexpr std::string_view kBackupVmUidLabel =
    "cluster.open-cluster-management.io/backup-vm-uid";
// On Schedules and their Backups: the cluster id.
inline constexpr std::string_view kBackupClusterLabel =
    "cluster.open-cluster-management.io/backup-cluster";
inline constexpr std::string_view kScheduleTypeLabel =
    "cluster.open-cluster-management.io/backup-schedule-type";
inline constexpr std::string_view kScheduleTypeKubevirt = "kubevirt";
inline constexpr std::string_view kSchedulePrefix = "acm-rho-virt-schedule-";
// Copies of the hub's ConfigMaps on a managed cluster.
inline constexpr std::string_view kConfigCopy = "acm-dr-virt-config--cls";
inline constexpr std::string_view kScheduleCronCopy = "acm-dr-virt-schedule-cron--cls";
inline constexpr std::string_view kRestoreConfigCopy = "acm-dr-virt-restore-config--cls";
inline constexpr std::string_view kBackupPolicyName = "acm-dr-virt-backup";
// Cluster id: the value of the first of these ClusterClaims that exists.
inline constexpr std::string_view kClaimOpenShift = "id.openshift.io";
inline constexpr std::string_view kClaimKubernetes = "id.k8s.io";

// --- Velero
// ----------------------------------------------------------------------------------------
inline constexpr std::string_view kBackupNameLabel = "velero.io/backup-name";
inline constexpr std::string_view kBackupUidLabel = "velero.io/backup-uid";
inline constexpr std::string_view kRestoreNameLabel = "velero.io/restore-name";
inline constexpr std::string_view kRestoreUidLabel = "velero.io/restore-uid";
inline constexpr std::string_view kScheduleNameLabel = "velero.io/schedule-name";
inline constexpr std::string_view kStorageLocationLabel = "velero.io/storage-location";
inline constexpr std::string_view kPvcUidLabel = "velero.io/pvc-uid";
inline constexpr std::string_view kAsyncOperationIdLabel = "velero.io/async-operation-id";
inline constexpr std::string_view kExcludeLabel = "velero.io/exclude-from-backup";
inline constexpr std::string_view kSnapshotClassLabel = "velero.io/csi-volumesnapshot-class";
inline constexpr std::string_view kVolumeSnapshotNameLabel = "velero.io/volume-snapshot-name";
inline constexpr std::string_view kDataUploadNameAnnotation = "velero.io/data-upload-name";
inline constexpr std::string_view kDynamicPvRestoreLabel = "velero.io/dynamic-pv-restore";
inline constexpr std::string_view kSnapshotHandleAnnotation = "velero.io/csi-volumesnapshot-handle";
inline constexpr std::string_view kSnapshotRestoreSizeAnnotation =
    "velero.io/csi-volumesnapshot-restore-size";
inline constexpr std::string_view kCsiDriverAnnotation = "velero.io/csi-driver-name";
inline constexpr std::string_view kDataUploadLabel = "velero.io/data-upload";      // on mover pods
inline constexpr std::string_view kDataDownloadLabel = "velero.io/data-download";  // on mover pods
inline constexpr std::string_view kRestoreFinalizer =
    "restores.velero.io/external-resources-finalizer";
inline constexpr std::string_view kDataMoverFinalizer = "velero.io/data-upload-download-finalizer";

// --- Kubernetes
// ------------------------------------------------------------------------------------
inline constexpr std::string_view kDefaultStorageClassAnnotation =
    "storageclass.kubernetes.io/is-default-class";
inline constexpr std::string_view kDefaultSnapshotClassAnnotation =
    "snapshot.storage.kubernetes.io/is-default-class";
inline constexpr std::string_view kBindCompletedAnnotation = "pv.kubernetes.io/bind-completed";
inline constexpr std::string_view kBoundByControllerAnnotation =
    "pv.kubernetes.io/bound-by-controller";
inline constexpr std::string_view kStorageProvisionerAnnotation =
    "volume.kubernetes.io/storage-provisioner";
inline constexpr std::string_view kSelectedNodeAnnotation = "volume.kubernetes.io/selected-node";

// --- ours
// ------------------------------------------------------------------------------------------ On
// everything we create on a cluster for ourselves (pods, clones), so that leftovers are found.
inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedBy = "breakwater";
// spec.datamover values that our mover takes: Velero's "" and "velero", and its own name.
inline constexpr std::string_view kDataMoverName = "breakwater";
// On a finished DataDownload, whose status has no place for it: bytes fetched from the object
// store.
inline constexpr std::string_view kBytesMovedAnnotation = "breakwater.dev/bytes-moved";
// provider of a BackupStorageLocation in a local directory: config.path / bucket / prefix.
inline constexpr std::string_view kLocalProvider = "breakwater.dev/local";
// The Secret with RESTIC_PASSWORD in the engine's namespace (decisions.md).
inline constexpr std::string_view kRepositorySecret = "dm-credential";
inline constexpr std::string_view kRepositoryPasswordKey = "RESTIC_PASSWORD";
// The sandbox's storage driver and node image.
inline constexpr std::string_view kSandboxDriver = "disk.breakwater.dev";
inline constexpr std::string_view kWorkerImage = "breakwater.dev/breakwater";

}  // namespace breakwater::api
