// Makes a snapshot of some namespace readable in the engine's namespace, and disposes of it.
//
// The VolumeSnapshot of the DataUpload is the engine's, made for this move alone. Exposure takes
// its snapshot over: a VolumeSnapshotContent of the same handle (the clone, deletionPolicy Delete),
// a VolumeSnapshot bound to it, and, once that is ready, a claim made from it. Then the original
// content is set to Retain, and both originals are removed; from there on the clone alone holds the
// snapshot of the storage, and with the clone it goes. Every step may be repeated after a crash at
// any point.
//
// Source: velero.md C.3, the recipe of Velero's CSI exposer.
#pragma once

#include "mover/children.h"
#include "mover/settings.h"

namespace breakwater::mover {

class Exposer {
 public:
  // Both outlive this.
  Exposer(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment) {}

  // One look: done once the claim exists. Waits longer than the operation timeout are kInvalid, and
  // so are a snapshot or a volume mode that cannot be moved; nothing is undone then (dispose()
  // does).
  Result<Step> expose(const kube::Object& upload);
  // Removes claim, clone, originals and the storage's snapshot, in whatever state they are.
  Result<Step> dispose(const kube::Object& upload);

 private:
  Result<kube::Object> make_clone(const kube::Object& upload);
  Result<kube::Object> find_source_content(const kube::Object& upload);
  Result<> release_originals(const kube::Object& upload, const std::string& policy);
  Result<kube::Object> make_claim(const kube::Object& upload, const kube::Object& content,
                                  const kube::Object& snapshot);
  Result<Step> wait_bounded(const kube::Object& upload, std::string what);

  const Settings& settings_;
  const Environment& environment_;
};

}  // namespace breakwater::mover
