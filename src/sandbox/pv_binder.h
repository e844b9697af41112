// What Kubernetes' volume controllers do for claims: binding, the default class, protection.
//
// Controller "pv-binder" looks at PersistentVolumeClaims:
// - a claim without spec.storageClassName gets the default class;
// - a claim that some PersistentVolume names in its claimRef is bound to that one; else one with
//   spec.volumeName to that volume; else to the smallest available volume that fits its class,
//   mode, size, access modes and selector; else, if it has no selector, the provisioner is asked by
//   the annotation volume.kubernetes.io/storage-provisioner;
// - a bound claim whose volume is gone is Lost;
// - a claim keeps the finalizer kubernetes.io/pvc-protection while a pod that has not ended uses
// it.
//
// Every write is checked against the object as it is now, so a stale cache delays but never harms.
#pragma once

#include "sandbox/storage_context.h"

namespace breakwater::sandbox {

inline constexpr std::string_view kBinderController = "pv-binder";
inline constexpr std::string_view kPvcProtection = "kubernetes.io/pvc-protection";

// `context` outlives the controller.
kube::ControllerSpec make_binder_controller(StorageContext& context);

}  // namespace breakwater::sandbox
