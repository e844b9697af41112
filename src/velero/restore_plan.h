// What a Restore will create, worked out from its spec and the archive before anything is written.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "backupstore/archive.h"
#include "kube/object.h"
#include "velero/findings.h"

namespace breakwater::velero {

// How a claim gets its data back.
struct DataSource {
  enum class Kind {
    kNone,            // restored empty (it had no data, or the Restore asks for none)
    kMoved,           // a DataDownload of snapshot_id
    kSnapshot,        // the CSI snapshot that stayed in the cluster
    kSnapshotBackup,  // a VolumeSnapshotRestore of repository, and a snapshot of what it restored
  };
  Kind kind = Kind::kNone;
  std::string snapshot_id, datamover;  // kMoved
  int64_t size = 0;                    // kMoved: logical size, 0 if unknown
  std::string handle, driver;          // kSnapshot
  // kSnapshotBackup: what the VolumeSnapshotBackup of this name says.
  std::string vsb, repository, storage_class, volume_mode, snapshot_class, claim_size;
  int64_t min_size = 0;  // what a claim made from the snapshot must ask for, 0 if unknown
};

struct RestoreItem {
  backupstore::ItemKey source;
  kube::Object saved;  // as it is in the archive
  kube::Key target;    // namespaceMapping applied
  DataSource data;     // claims only
};

struct RestorePlan {
  std::vector<RestoreItem> items;  // in the order of creation; namespaces are not among them
  Findings findings;               // what is selected but cannot be restored, and why
};

// Selects by the Restore's spec, follows related items inside the archive, and finds the data of
// each claim. Left out, because controllers make them anew or they describe machinery: volumes and
// their snapshots, Velero's objects, Events, launcher pods, instances owned by a VM, finished pods,
// root-certificate ConfigMaps, service account tokens. A claim whose data is not in the backup is
// not restored, nor are the VMs that use it: each is an error finding. `backup` is the Backup
// object.
RestorePlan plan_restore(const kube::Object& restore, const kube::Object& backup,
                         const backupstore::Archive& archive);

// `ns` after spec.namespaceMapping.
std::string target_namespace(const kube::Object& restore, const std::string& ns);

// Where a kind stands in the order of creation; lower first. Ties are broken by name.
int restore_priority(std::string_view group_resource);

}  // namespace breakwater::velero
