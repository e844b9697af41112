// Labels, annotations, finalizers and well-known names. User-visible ones equal those of the
// systems they come from and must not change.
#pragma once

#include <string_view>

namespace breakwater::api {

// --- the mission (acm-virt-backup)

// On a VM: the name of the cron that backs it up. The default of backup_label_name.
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
inline constexpr std::string_view kInstallPolicyName = "acm-dr-virt-install";
inline constexpr std::string_view kBackupPolicyName = "acm-dr-virt-backup";
inline constexpr std::string_view kRestorePolicyName = "acm-dr-virt-restore";
// On a ManagedCluster: the name of its configuration ConfigMap on the hub.
inline constexpr std::string_view kVirtConfigLabel = "acm-virt-config";
// Where OADP is on a hub that ACM backs up; also where the policies live unless somebody moved
// them.
inline constexpr std::string_view kHubNamespace = "open-cluster-management-backup";
// Cluster id: the value of the first of these ClusterClaims that exists.
inline constexpr std::string_view kClaimOpenShift = "id.openshift.io";
inline constexpr std::string_view kClaimKubernetes = "id.k8s.io";

// --- Velero
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

// --- the original Volume Snapshot Mover, as its Velero plugin labels and annotates

// On a VolumeSnapshotBackup (VSB): the VolumeSnapshotContent that it moves.
inline constexpr std::string_view kVsbContentLabel = "datamover.io/vsb-volumesnapshotcontent";
// On the VSB inside a backup, where objects have no status: what a VolumeSnapshotRestore (VSR)
// needs.
inline constexpr std::string_view kVsbRepositoryAnnotation = "datamover.io/restic-repository";
inline constexpr std::string_view kVsbPvcNameAnnotation = "datamover.io/source-pvc-name";
inline constexpr std::string_view kVsbPvcSizeAnnotation = "datamover.io/source-pvc-size";
inline constexpr std::string_view kVsbStorageClassAnnotation =
    "datamover.io/source-pvc-storageclass";
inline constexpr std::string_view kVsbSnapshotClassAnnotation =
    "datamover.io/source-pvc-volumesnapshotclass";
// Ours: the claim's volumeMode, which goes into a VSR's sourcePVCData.volumeMode.
inline constexpr std::string_view kVsbVolumeModeAnnotation = "datamover.io/source-pvc-volumemode";
// On a VSR: the claim that it restores and the VSB that saved it.
inline constexpr std::string_view kVsrPvcLabel = "velero.io/persistent-volume-claim-name";
inline constexpr std::string_view kVsrBackupLabel = "velero.io/vsb-name";
// The Secret of a location that VSB and VSR name: "<location>-volsync-restic".
inline constexpr std::string_view kResticSecretSuffix = "-volsync-restic";
// Its labels (the location, its provider), and what it has besides the password.
inline constexpr std::string_view kOadpLabel = "openshift.io/oadp";
inline constexpr std::string_view kOadpLocationLabel = "openshift.io/oadp-bsl-name";
inline constexpr std::string_view kOadpProviderLabel = "openshift.io/oadp-bsl-provider";
inline constexpr std::string_view kRepositoryUrlKey = "RESTIC_REPOSITORY";
// On everything that is made for a VSB or VSR: its name.
inline constexpr std::string_view kVsbLabel = "datamover.oadp.openshift.io/vsb";
inline constexpr std::string_view kVsrLabel = "datamover.oadp.openshift.io/vsr";
inline constexpr std::string_view kVsmFinalizer = "oadp.openshift.io/oadp-datamover";

// --- Open Cluster Management

// On replicated Policies: "<namespace>.<name>" of the Policy they come from, and whose they are.
inline constexpr std::string_view kRootPolicyLabel =
    "policy.open-cluster-management.io/root-policy";
inline constexpr std::string_view kPolicyClusterNameLabel =
    "policy.open-cluster-management.io/cluster-name";
inline constexpr std::string_view kPolicyClusterNamespaceLabel =
    "policy.open-cluster-management.io/cluster-namespace";
// On template objects: the replicated Policy they come from.
inline constexpr std::string_view kPolicyLabel = "policy.open-cluster-management.io/policy";
inline constexpr std::string_view kPlacementLabel = "cluster.open-cluster-management.io/placement";
inline constexpr std::string_view kDecisionGroupIndexLabel =
    "cluster.open-cluster-management.io/decision-group-index";
inline constexpr std::string_view kClusterSetLabel =
    "cluster.open-cluster-management.io/clusterset";
inline constexpr std::string_view kDecisionGroupNameLabel =
    "cluster.open-cluster-management.io/decision-group-name";
// On a Placement, "true": somebody else writes its decisions.
inline constexpr std::string_view kSchedulingDisabled =
    "cluster.open-cluster-management.io/experimental-scheduling-disable";
// On a Secret or ConfigMap: hub backups carry it.
inline constexpr std::string_view kHubBackupLabel = "cluster.open-cluster-management.io/backup";
// On replicated Policies, always: Argo CD leaves them alone.
inline constexpr std::string_view kArgoCompareAnnotation = "argocd.argoproj.io/compare-options";
inline constexpr std::string_view kArgoIgnoreExtraneous = "IgnoreExtraneous";
inline constexpr std::string_view kUnreachableTaint =
    "cluster.open-cluster-management.io/unreachable";
inline constexpr std::string_view kUnavailableTaint =
    "cluster.open-cluster-management.io/unavailable";
// On a CertificateSigningRequest of an agent: its cluster.
inline constexpr std::string_view kCsrClusterLabel = "open-cluster-management.io/cluster-name";
// In a cluster's namespace on the hub: renewed by the agent.
inline constexpr std::string_view kClusterLease = "managed-cluster-lease";
// An agent's certificate: CN "<prefix><cluster>:<agent>", O "<prefix><cluster>".
inline constexpr std::string_view kAgentUserPrefix = "system:open-cluster-management:";
inline constexpr std::string_view kClaimOpenShiftVersion = "version.openshift.io";
inline constexpr std::string_view kClaimKubernetesVersion =
    "kubeversion.open-cluster-management.io";
// On a ManagedCluster: the id that it claims.
inline constexpr std::string_view kClusterIdLabel = "clusterID";
// Keeps a ManagedCluster that is being deleted until its agent has cleaned up.
inline constexpr std::string_view kClusterFinalizer = "breakwater.dev/cluster-cleanup";
// Conditions of a ManagedCluster.
inline constexpr std::string_view kHubAccepted = "HubAcceptedManagedCluster";
inline constexpr std::string_view kClusterJoined = "ManagedClusterJoined";
inline constexpr std::string_view kClusterAvailable = "ManagedClusterConditionAvailable";
// On a template of a replicated Policy: why the hub could not resolve it.
inline constexpr std::string_view kHubTemplatesErrorAnnotation =
    "policy.open-cluster-management.io/hub-templates-error";

// --- Kubernetes
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
// Certificates for clients of the API, and Secrets that hold bootstrap tokens (in kube-system).
inline constexpr std::string_view kClientSigner = "kubernetes.io/kube-apiserver-client";
inline constexpr std::string_view kBootstrapTokenType = "bootstrap.kubernetes.io/token";

// --- ours

// On
// everything we create on a cluster for ourselves (pods, clones), so that leftovers are found.
inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedBy = "breakwater";
// spec.datamover values that our mover takes: Velero's "" and "velero", and its own name.
inline constexpr std::string_view kDataMoverName = "breakwater";
// On a finished DataDownload, VolumeSnapshotBackup or -Restore, whose status has no place for it:
// bytes stored in or fetched from the object store.
inline constexpr std::string_view kBytesMovedAnnotation = "breakwater.dev/bytes-moved";
// On a running Backup: who takes its snapshots off the cluster, as it was decided when it started:
// "DataUpload", "VolumeSnapshotBackup" or "None".
inline constexpr std::string_view kMoveMethodAnnotation = "breakwater.dev/move-method";
// On a Backup of another cluster whose name is taken here, and on Restores of it: its name in the
// bucket.
inline constexpr std::string_view kStoredNameAnnotation = "breakwater.dev/stored-name";
// On a Restore from a ReadOnly location: the ConfigMap that holds its results, log and lists.
inline constexpr std::string_view kRestoreFilesAnnotation = "breakwater.dev/restore-files";
// provider of a BackupStorageLocation in a local directory: config.path / bucket / prefix.
inline constexpr std::string_view kLocalProvider = "breakwater.dev/local";
// provider of one in S3, as Velero calls it.
inline constexpr std::string_view kS3Provider = "aws";
// The Secret with RESTIC_PASSWORD in the engine's namespace (decisions.md).
inline constexpr std::string_view kRepositorySecret = "dm-credential";
inline constexpr std::string_view kRepositoryPasswordKey = "RESTIC_PASSWORD";
// On a VolumeSnapshotClass: how the changed blocks between two snapshots of its driver are found.
// "shared-extents": raw volumes made from them lie on one file system that shares extents.
inline constexpr std::string_view kChangedBlocksAnnotation = "breakwater.dev/changed-blocks";
inline constexpr std::string_view kSharedExtents = "shared-extents";
// On the VolumeSnapshotContent that the mover keeps of a claim to compare the next snapshot with:
// the claim's uid; its "namespace/name", and the snapshot in the repository that has the same data.
inline constexpr std::string_view kBaseOfLabel = "breakwater.dev/base-of-claim";
inline constexpr std::string_view kBaseClaimAnnotation = "breakwater.dev/base-claim";
inline constexpr std::string_view kBaseSnapshotAnnotation = "breakwater.dev/base-snapshot";
// The sandbox's storage driver and node image.
inline constexpr std::string_view kSandboxDriver = "disk.breakwater.dev";
inline constexpr std::string_view kWorkerImage = "breakwater.dev/breakwater";

// Where the agent keeps its hub credential on a managed cluster.
inline constexpr std::string_view kAgentNamespace = "breakwater-agent";
inline constexpr std::string_view kHubKubeconfigSecret = "hub-kubeconfig-secret";
inline constexpr std::string_view kBootstrapKubeconfigSecret = "bootstrap-hub-kubeconfig";
// On that Secret: how the connection to the hub stands, for people.
inline constexpr std::string_view kHubLinkAnnotation = "breakwater.dev/hub-link";
// Group of whoever joins with the bootstrap token that was made for a cluster: prefix and cluster.
inline constexpr std::string_view kBootstrapGroupPrefix = "system:bootstrappers:breakwater:";
// Intent (decisions.md, "Intent and removal"). The hub sets `removal` on a replicated Policy to one
// of the values below; the agent passes it on to the template objects, and when all they created is
// gone it sets `removal-done` on the replica to the same value. Only then the hub deletes it.
inline constexpr std::string_view kRemovalAnnotation = "breakwater.dev/removal";
inline constexpr std::string_view kRemovalDoneAnnotation = "breakwater.dev/removal-done";
inline constexpr std::string_view kRemovalDisabled = "disabled";
inline constexpr std::string_view kRemovalDeleted = "deleted";
inline constexpr std::string_view kRemovalUnplaced = "unplaced";
// The same asked for in the configuration, by uninstall: "true"; only in status.removed.
inline constexpr std::string_view kRemovalUninstalled = "uninstalled";
// On a Secret that the hub copied for a cluster: changes with the content; equals
// spec.credentials.hash of the VirtInstallPolicy that uses it.
inline constexpr std::string_view kContentHashAnnotation = "breakwater.dev/content-hash";
// On a replicated Policy: the Secrets that the hub has copied for it, separated by commas.
inline constexpr std::string_view kSecretCopiesAnnotation = "breakwater.dev/secret-copies";
// On a replicated Policy: the hub Secret whose repository password the cluster has been given. If
// the password is missing there later, it is not made anew.
inline constexpr std::string_view kPasswordOfAnnotation = "breakwater.dev/password-of";
// On a hub Secret: when Breakwater generated the repository password in it.
inline constexpr std::string_view kPasswordGeneratedAnnotation =
    "breakwater.dev/password-generated";
// On what a policy created on a cluster: "<namespace>/<name>" of the policy. Only that is removed.
inline constexpr std::string_view kCreatedByAnnotation = "breakwater.dev/created-by";
// On a ClusterServiceVersion: uid of the Subscription that brought it.
inline constexpr std::string_view kOwnSubscriptionAnnotation =
    "cluster.open-cluster-management.io/ownSubs";
// On a DataProtectionApplication: the spec that the install policy applied last, so that a field
// taken out of dpa_spec goes, and one that somebody else added stays.
inline constexpr std::string_view kAppliedAnnotation = "breakwater.dev/applied";
// status.engine of a VirtInstallPolicy, and the key `engine` of the configuration.
inline constexpr std::string_view kEngineBuiltin = "builtin";
inline constexpr std::string_view kEngineOadp = "oadp";

}  // namespace breakwater::api
