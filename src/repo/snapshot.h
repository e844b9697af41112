// Snapshot records as restic stores them. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "repo/types.h"

namespace breakwater::repo {

// JSON with restic's members in restic's order. Snapshot::id is not part of it.
std::string encode_snapshot(const Snapshot& snapshot);

// kCorrupt for what is no snapshot or names no tree. Unknown members are ignored, as restic does.
Result<Snapshot> decode_snapshot(std::string_view text);

}  // namespace breakwater::repo
