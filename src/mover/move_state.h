// What the mover remembers about one move between two looks at it: a JSON object in the status of a
// VolumeSnapshotBackup or -Restore (moverState), and in an annotation of a DataUpload or
// DataDownload, because Velero's status has no place for it.
#pragma once

#include <string>

#include "base/json.h"
#include "base/time.h"
#include "kube/object.h"

namespace breakwater::mover {

inline constexpr std::string_view kStateAnnotation = "breakwater.dev/data-mover-state";

struct MoveState {
  std::string pod;   // uid of the worker pod we know of
  std::string lost;  // uid of the last one that died and has been counted
  int restarts = 0;  // how many died by themselves
  int losses = 0;    // how many went with their node, or were evicted or deleted
  Time retry_at{};   // no new pod before
  Time done_at{};    // when the worker's result was recorded; the epoch before
  Time cancel_at{};  // when canceling began
  Json spec;         // as it was accepted, where users may change it

  // Of a restore, once its data is written: the volume that gets a new claim.
  std::string volume;          // PersistentVolume
  std::string reclaim_policy;  // what it had, and gets back
  std::string claim;           // uid of the claim it was made for

  bool done() const { return done_at != Time{}; }
};

// What the annotation says; defaults where it is absent or malformed.
MoveState state_of(const kube::Object& move);
void set_state(kube::Object& move, const MoveState& state);
// What nobody needs any more goes from a status; an annotation stays.
void forget_state(kube::Object& move);
// The object with the spec that it was accepted with. Where its children are and what they are
// called follows from that, whatever became of it since.
kube::Object as_accepted(kube::Object move);

}  // namespace breakwater::mover
