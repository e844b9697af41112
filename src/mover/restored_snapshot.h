// The CSI snapshot in which a VolumeSnapshotRestore leaves its data.
//
// It is taken like any other, by a VolumeSnapshot of the restored claim. Its content gets
// deletionPolicy Retain and bears the move's uid, so that it outlives the VolumeSnapshot; from then
// on the move owns it. Somebody takes the storage's snapshot over by making a
// VolumeSnapshotContent of his own with the same handle, or by removing ours: then our content goes
// without it. Every step may be repeated.
#pragma once

#include "mover/children.h"
#include "mover/settings.h"

namespace breakwater::mover {

class RestoredSnapshot {
 public:
  // Both outlive this.
  RestoredSnapshot(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment) {}

  // Takes it and writes handle and content into the move's status; done once they are there and the
  // content is kept. kInvalid if the snapshot is not ready `limit` after the data was written.
  Result<Step> take(const kube::Object& move, Duration limit);
  // Removes the VolumeSnapshot; unless `keep`, the content and the storage's snapshot as well.
  Result<Step> release(const kube::Object& move, bool keep);

 private:
  Result<Step> look(const kube::Object& move);
  Result<kube::Object> ensure_snapshot(const kube::Object& move);
  Result<kube::Object> keep_content(const kube::Object& move, const kube::Object& snapshot);
  Result<std::optional<kube::Object>> find_content(const kube::Object& move,
                                                   const std::optional<kube::Object>& snapshot);
  Result<> dispose(const kube::Object& content);
  Result<bool> is_shared(const kube::Object& content);

  const Settings& settings_;
  const Environment& environment_;
};

}  // namespace breakwater::mover
