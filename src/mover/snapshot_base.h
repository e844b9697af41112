// The previous snapshot of a claim, kept so that the next one can be compared with it.
//
// Where a driver says so (annotation breakwater.dev/changed-blocks: shared-extents on the
// VolumeSnapshotClass), the storage's snapshot of a DataUpload of a Block volume is not removed
// with the move: a VolumeSnapshotContent of its handle stays, the base, named
// `breakwater-base-<uid of the claim>`. It notes the snapshot of the repository that was made from
// exactly this handle. The next DataUpload of the claim exposes it as a second, read-only volume,
// and its worker asks the file system what differs (volume/shared_extents.h) and reads only that.
//
// There is at most one base for each claim. It goes when the next one takes its place, and, with
// the storage's snapshot, when its claim is gone or another one, or the class no longer says so
// (make_base_controller). Whatever does not fit or is not ready within a minute means a full read,
// never a failure. The class must bind volumes immediately.
//
// What is exposed of a base are children of the move (children.h), by the name of its other
// children and "-base". Every step may be repeated after a crash at any point.
#pragma once

#include <optional>
#include <string>

#include "kube/controller.h"
#include "mover/children.h"
#include "mover/settings.h"

namespace breakwater::mover {

class SnapshotBases {
 public:
  // Both outlive this.
  SnapshotBases(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment) {}

  // One look, once the move's own snapshot is exposed: done when the base is too, or there is none
  // to use. `parent` is the only snapshot of the repository that may be compared with ("" for any).
  Result<Step> expose(const kube::Object& move, const kube::Key& claim, const std::string& parent);

  struct Exposed {
    std::string claim;     // PersistentVolumeClaim in the move's namespace
    std::string snapshot;  // id in the repository
  };
  // What expose() has made ready; nothing if there is nothing to compare with.
  Result<std::optional<Exposed>> find_exposed(const kube::Object& move);

  // Removes what expose() made.
  Result<Step> dispose(const kube::Object& move);
  // Makes the snapshot that the move still has exposed the claim's base; `snapshot` was made from
  // it. Call it before the exposure is disposed of, and after dispose().
  Result<Step> keep(const kube::Object& move, const kube::Key& claim, const std::string& snapshot);

 private:
  Result<std::optional<kube::Object>> find_base(const kube::Object& move, const kube::Key& claim,
                                                const std::string& parent);
  Result<std::optional<kube::Object>> make_content(const kube::Object& move, const kube::Key& claim,
                                                   const std::string& parent);
  Result<bool> is_late(const kube::Object& content) const;
  kube::Object make_claim(const kube::Object& move, const kube::Object& own,
                          const kube::Object& snapshot) const;
  Result<Step> replace_base(const kube::Object& base, const kube::Object& content);

  const Settings& settings_;
  const Environment& environment_;
};

// Removes bases whose claim is gone: those of this engine's namespace.
kube::ControllerSpec make_base_controller(const Settings& settings, const Environment& environment);

}  // namespace breakwater::mover
