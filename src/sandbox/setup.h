// What a new sandbox is furnished with (private to sandbox/).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apiserver/certificates.h"
#include "base/json.h"
#include "kube/client.h"

namespace breakwater::sandbox {

inline constexpr const char* kStorageClass = "sandbox-block";
inline constexpr const char* kSnapshotClass = "sandbox-snapshots";

// The CustomResourceDefinitions of deploy/crds, compiled in from those very files. Those of
// deploy/olm/crds only with `olm`: where Subscriptions are served, the install policy leaves
// the engine to OADP.
Result<std::vector<Json>> embedded_crds(bool olm = false);

// The certificates of `directory`/pki, made when they are missing.
struct Certificates {
  apiserver::KeyPair ca, server, admin;
};
Result<Certificates> load_certificates(const std::filesystem::path& directory, Time now);

// StorageClass, VolumeSnapshotClass and ClusterClaim id.k8s.io; what is there already stays. The
// VolumeSnapshotClass says so if volumes share extents (volume::shares_extents of their directory).
Result<> furnish(kube::Client& client, bool shared_extents = false);
// ManagedClusterSets default and global.
Result<> furnish_hub(kube::Client& client);

}  // namespace breakwater::sandbox
