// DataUpload: one CSI snapshot into the repository of its namespace.
//
// When it is Completed, status.snapshotID names the snapshot in the repository
// (repository_place.h), progress.totalBytes is the volume's size, incrementalBytes and
// dataMoverResult.bytesMoved what was stored, dataMoverResult.bytesRead what was read of the
// volume. The CSI snapshot is gone then.
#pragma once

#include <memory>

#include "mover/data_move.h"

namespace breakwater::mover {

std::unique_ptr<Direction> make_upload_direction(const Settings& settings,
                                                 const Environment& environment);

}  // namespace breakwater::mover
