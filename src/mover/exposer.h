// Makes a snapshot of some namespace readable in the engine's namespace, and disposes of it.
//
// Exposure makes a VolumeSnapshotContent of the same handle (the clone), a VolumeSnapshot bound to
// it, and, once that is ready, a claim made from it: size max(request, restoreSize), volumeMode,
// class and access modes of the source.
//
// The VolumeSnapshot of a DataUpload is the engine's, made for this move alone, and is taken over:
// the clone's deletionPolicy is Delete, the original content is set to Retain, and both originals
// are removed; from there on the clone alone holds the snapshot of the storage, and with the clone
// it goes. That of a VolumeSnapshotBackup is its user's: the clone's deletionPolicy is Retain, and
// the originals are not touched. Every step may be repeated after a crash at any point.
//
// Source: velero.md C.3, the recipe of Velero's CSI exposer; volume-snapshot-mover.md 4.
#pragma once

#include <optional>
#include <string>

#include "mover/children.h"
#include "mover/settings.h"

namespace breakwater::mover {

// What is to be exposed.
struct ExposureSource {
  kube::Key snapshot;         // VolumeSnapshot
  std::string content;        // its VolumeSnapshotContent; "" is found through the snapshot
  kube::Key claim;            // what it was taken of; may be gone
  std::string storage_class;  // of the new claim; "" takes the source claim's
  bool take_over = false;
  Duration limit{};  // of waits, from Accepted
};

class Exposer {
 public:
  // Both outlive this.
  Exposer(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment) {}

  // One look: done once the claim exists. Waits longer than the limit are kInvalid, and so are a
  // snapshot that cannot be moved; nothing is undone then (dispose() does).
  Result<Step> expose(const kube::Object& move, const ExposureSource& source);
  // Removes claim and clone, in whatever state they are; if `taken_over` names a VolumeSnapshot,
  // that, its content and the storage's snapshot too.
  Result<Step> dispose(const kube::Object& move, const std::optional<kube::Key>& taken_over);

 private:
  Result<kube::Object> make_clone(const kube::Object& move, const ExposureSource& source);
  Result<kube::Object> find_source_content(const ExposureSource& source);
  Result<> release_originals(const kube::Object& move, const kube::Key& snapshot,
                             const std::string& policy);
  Result<kube::Object> make_claim(const kube::Object& move, const ExposureSource& source,
                                  const kube::Object& content, const kube::Object& snapshot);
  Result<Step> wait_bounded(const kube::Object& move, Duration limit, std::string what);

  const Settings& settings_;
  const Environment& environment_;
};

}  // namespace breakwater::mover
