// The content of one open file into another. Private to volume/; stateless, any thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "volume/block_volume.h"

namespace breakwater::volume {

// Copies `size` bytes of `from` into `to`, an empty regular file: by reflink where the file system
// can, else data extents only. The paths are for messages. Nothing is synced.
Result<CopyMethod> copy_content(int from, int to, uint64_t size,
                                const std::filesystem::path& from_path,
                                const std::filesystem::path& to_path);

}  // namespace breakwater::volume
