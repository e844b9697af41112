// Gives a volume that was filled under one claim to another one.
//
// A restore writes into a volume that was provisioned for a claim in the engine's namespace. The
// volume is then kept (Retain), that claim removed, and the volume's claimRef pointed at the target
// claim, which has no uid in it; the cluster's own binder does the rest. Every step may be
// repeated, and give_back() undoes an unfinished one without leaving a volume behind.
#pragma once

#include "mover/children.h"
#include "mover/move_state.h"
#include "mover/settings.h"

namespace breakwater::mover {

// spec.targetVolume of a DataDownload.
kube::Key target_claim(const kube::Object& download);

class Rebinder {
 public:
  // Both outlive this.
  Rebinder(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment) {}

  // Done once the target is Bound to the volume and the volume has its reclaim policy back.
  // kInvalid if that cannot be, or is not within the operation timeout.
  Result<Step> rebind(const kube::Object& download);
  // Lets the volume go the way of its class's Delete policy, unless the target has it already.
  Result<> give_back(const kube::Object& download);

 private:
  Result<Step> note_volume(const kube::Object& download);
  Result<Step> hand_over(const kube::Object& download, const kube::Object& target,
                         const kube::Object& volume);
  Result<> point_at(const kube::Object& volume, const kube::Object& target);

  const Settings& settings_;
  const Environment& environment_;
};

}  // namespace breakwater::mover
