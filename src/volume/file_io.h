// Whole reads and writes at offsets of a file descriptor. Private to volume/; thread-safe, because
// the descriptor's own position is never used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/error.h"
#include "volume/extent.h"

namespace breakwater::volume {

// Fills `out` from `offset`; kInvalid when the file ends before. `path` is for messages.
Result<> read_fully(int fd, uint64_t offset, std::span<std::byte> out,
                    const std::filesystem::path& path);
Result<> write_fully(int fd, uint64_t offset, std::span<const std::byte> data,
                     const std::filesystem::path& path);
// Writes zeros, 1 MiB at a time.
Result<> fill_with_zeros(int fd, uint64_t offset, uint64_t length,
                         const std::filesystem::path& path);

// Where a regular file of `size` bytes has data (SEEK_DATA, SEEK_HOLE; data that is not yet on disk
// counts). The whole file on file systems that do not know.
Result<Extents> file_data_extents(int fd, uint64_t size, const std::filesystem::path& path);

}  // namespace breakwater::volume
