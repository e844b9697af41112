// Which other objects belong to an object: a VM without its disks and secrets is no VM.
//
// The same graph serves backup (looked up in the cluster) and restore (looked up in the archive).
// Related items ignore label selectors. Pure.
#pragma once

#include <vector>

#include "kube/object.h"

namespace breakwater::velero {

enum class Need {
  kData,       // holds data: without it the item is not saved; its absence is an error
  kReference,  // the item refers to it; its absence is a warning
  kOptional,   // taken if it is there
};

struct Related {
  kube::Kind kind;
  kube::Key key;
  Need need = Need::kReference;
};

// VirtualMachine and VirtualMachineInstance: claims (also of DataVolumes, ephemeral disks and
// memory dumps), DataVolumes, ConfigMaps, Secrets and ServiceAccounts of their volumes, cloud-init
// and access credentials, instancetype revisions, the running instance. DataVolume: the claim of
// its name. PersistentVolumeClaim: its volume. Everything else: nothing. Each item once.
std::vector<Related> related_items(const kube::Object& object);

// Keys of the claims that hold a VM's data, in the VM's namespace.
std::vector<kube::Key> data_claims(const kube::Object& vm);

}  // namespace breakwater::velero
