// What the snapshot-controller and the CSI snapshotter do on a real cluster.
//
// Controller "snapshot" looks at VolumeSnapshots. One with source.persistentVolumeClaimName gets
// the VolumeSnapshotContent `snapcontent-<its uid>`; one with source.volumeSnapshotContentName is
// bound to that content if its volumeSnapshotRef names the snapshot. Status follows the content. A
// snapshot that is being deleted waits for claims that are being made from it, then takes its
// content along if that has deletionPolicy Delete.
//
// Controller "snapshot-content" looks at VolumeSnapshotContents of our driver: it copies the
// volume's file to the handle `snapshot-<uid of the VolumeSnapshot>` (or finds the file of a given
// snapshotHandle) and says readyToUse, restoreSize and creationTime. A content that is being
// deleted waits for its snapshot; with deletionPolicy Delete the file goes, with Retain it stays.
//
// A copy is one point in time only if nobody writes the volume meanwhile, or if the file system has
// reflinks (volume/README.md).
#pragma once

#include "sandbox/storage_context.h"

namespace breakwater::sandbox {

inline constexpr std::string_view kSnapshotController = "snapshot";
inline constexpr std::string_view kSnapshotContentController = "snapshot-content";
inline constexpr std::string_view kSnapshotFinalizer =
    "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection";
inline constexpr std::string_view kContentFinalizer =
    "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection";

// `context` outlives the controllers.
kube::ControllerSpec make_snapshot_controller(StorageContext& context);
kube::ControllerSpec make_snapshot_content_controller(StorageContext& context);

// The content that belongs to a VolumeSnapshot, by its spec.
std::string content_name(const kube::Object& snapshot);

}  // namespace breakwater::sandbox
