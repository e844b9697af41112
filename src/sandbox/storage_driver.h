// The sandbox's CSI driver, disk.breakwater.dev, and its provisioner: volumes are raw sparse files,
// or, of volumeMode Filesystem, directories.
//
// Controller "provisioner" serves claims that the binder has annotated for this driver: it makes
// the file (empty, or a copy of the snapshot that spec.dataSource names) and then the
// PersistentVolume `pvc-<uid of the claim>`, whose spec.csi.volumeAttributes.path is the absolute
// path of the file or directory. The claim's volumeMode decides, as with any driver.
//
// Controller "volume" looks at PersistentVolumes: status.phase (Available, Bound, Released), and
// the end: a Released volume with reclaim policy Delete is deleted; the finalizer of Kubernetes'
// external-provisioner keeps the object until the file is gone. Retain keeps both, and after the
// deletion of a retained object its file stays for whoever needs it.
#pragma once

#include <vector>

#include "sandbox/storage_context.h"

namespace breakwater::sandbox {

inline constexpr std::string_view kProvisionerController = "provisioner";
inline constexpr std::string_view kVolumeController = "volume";
inline constexpr std::string_view kVolumeFinalizer =
    "external-provisioner.volume.kubernetes.io/finalizer";
inline constexpr std::string_view kProvisionedByAnnotation = "pv.kubernetes.io/provisioned-by";

// `context` outlives the controllers.
kube::ControllerSpec make_provisioner_controller(StorageContext& context);
kube::ControllerSpec make_volume_controller(StorageContext& context);
// These two, the binder and the snapshot controllers.
std::vector<kube::ControllerSpec> make_storage_controllers(StorageContext& context);

// Before the controllers run: removes files whose creation a crash interrupted.
Result<> sweep_storage(StorageContext& context);

}  // namespace breakwater::sandbox
