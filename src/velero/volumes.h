// The volumes of a Backup: which claims have data to save, their snapshots, and their DataUploads.
//
// All names are derived, so every function may be repeated; nothing is remembered between runs but
// the objects themselves.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backupstore/archive.h"
#include "velero/context.h"
#include "velero/findings.h"

namespace breakwater::velero {

// On a VolumeSnapshot that exists only until its data is moved: "<namespace>/<name>" of the Backup.
inline constexpr std::string_view kTransientSnapshot = "breakwater.dev/moved-by-backup";

// A claim whose data the Backup saves by a CSI snapshot.
struct Volume {
  kube::Key pvc;
  std::string pvc_uid, pv, storage_class, driver;
  std::string snapshot_class;  // the VolumeSnapshotClass to use
  Json to_json() const;
  static Volume from_json(const Json& json);
};

// A claim whose data the Backup does not save, and why.
struct SkippedVolume {
  kube::Key pvc;
  std::string pv, reason;
};

struct VolumePlan {
  std::vector<Volume> volumes;
  std::vector<SkippedVolume> skipped;
};

// Looks at every PersistentVolumeClaim of `items` and the volume it is bound to. A bound claim
// whose data cannot be saved (no CSI volume, no usable VolumeSnapshotClass) is an error finding; a
// claim that was never bound has no data and is a warning. With spec.snapshotVolumes false all are
// skipped.
Result<VolumePlan> plan_volumes(const kube::Object& backup, const backupstore::Archive& items,
                                kube::Client& client, Findings& findings);

// The VolumeSnapshotClass for one claim, by the rules of Velero: the claim's annotation, the
// Backup's annotation for the driver, the class of that driver with the label
// velero.io/csi-volumesnapshot-class, the default class, the only class. kNotFound, naming the
// driver, if none applies. Several defaults: the first by name, and a warning.
Result<std::string> choose_snapshot_class(const kube::Object& backup, const kube::Object& pvc,
                                          const std::string& driver,
                                          const std::vector<kube::Object>& classes,
                                          Findings& findings);

// How far one volume is.
struct VolumeProgress {
  enum class State {
    kPending,  // the snapshot is being cut
    kReady,    // the snapshot is ready to use
    kMoving,   // its DataUpload or VolumeSnapshotBackup exists; a DataUpload disposes of it
    kFailed,
  };
  State state = State::kPending;
  std::string error;      // kFailed
  kube::Object snapshot;  // null JSON if there is none (any more)
};

// Creates the VolumeSnapshots of all volumes that have neither a snapshot nor a move yet, at once,
// and tells how far each is, in the order of `volumes`. A snapshot that is not ready `timeout`
// after its creation has failed. Errors of the API that may pass are returned.
Result<std::vector<VolumeProgress>> advance_snapshots(const Context& context,
                                                      const kube::Object& backup,
                                                      const std::vector<Volume>& volumes,
                                                      Duration timeout);

// Creates the DataUpload or VolumeSnapshotBackup of a volume whose `snapshot` is ready.
Result<> create_move(const Context& context, const kube::Object& backup, const Volume& volume,
                     const kube::Object& snapshot);
// Makes the snapshot outlive its VolumeSnapshot and namespace: deletionPolicy Retain on its
// content.
Result<> retain_snapshot(const Context& context, const kube::Object& snapshot);
// Deletes this Backup's transient VolumeSnapshots, those aside that a DataUpload took over or an
// unfinished VolumeSnapshotBackup uses. Nothing to do where snapshots stay in the cluster.
Result<> remove_unused_snapshots(const Context& context, const kube::Object& backup);
// Deletes VolumeSnapshots that were cut to be moved for a Backup of this name which is gone (or is
// another one by now) before a DataUpload could take them over. Snapshots that are to stay in the
// cluster are never touched: the absence of a Backup is no wish to lose data.
Result<> remove_orphaned_snapshots(const Context& context, const kube::Key& backup);

// The labels by which everything made for a Backup is found: velero.io/backup-name and -uid.
void set_backup_labels(kube::Object& object, const kube::Object& backup);
kube::LabelSelector of_backup(const kube::Object& backup);

}  // namespace breakwater::velero
