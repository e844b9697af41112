// DataDownload: a snapshot of the repository into the volume of a claim that waits for it.
//
// The target claim (spec.targetVolume) is made by the restore, with a selector that no volume
// matches yet. A claim of the same class, size and mode is made in the engine's namespace, the
// worker fills its volume, and the volume is rebound to the target (rebinder.h). Completed means:
// the target is Bound.
#pragma once

#include <memory>

#include "mover/data_move.h"

namespace breakwater::mover {

std::unique_ptr<Direction> make_download_direction(const Settings& settings,
                                                   const Environment& environment);

}  // namespace breakwater::mover
