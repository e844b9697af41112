// Block devices and disk images (raw files): read and written at offsets, with their holes.
//
// Thread-safe: several threads may read or write different ranges at once. Sizes are in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "base/error.h"
#include "volume/extent.h"

namespace breakwater::volume {

class BlockReader {
 public:
  virtual ~BlockReader() = default;
  virtual uint64_t size() const = 0;
  // Fills `out` from `offset`; the range lies within size().
  virtual Result<> read(uint64_t offset, std::span<std::byte> out) = 0;
  // Where there may be data; everything outside reads as zeros. Without such knowledge (a device
  // that does not tell): the whole volume.
  virtual Result<Extents> data_extents() = 0;
  virtual std::string describe() const = 0;  // "file /v/disk.img"
};

class BlockWriter {
 public:
  virtual ~BlockWriter() = default;
  virtual uint64_t size() const = 0;
  virtual Result<> write(uint64_t offset, std::span<const std::byte> data) = 0;
  // Makes the range read as zeros, releasing its space where possible.
  virtual Result<> write_zeros(uint64_t offset, uint64_t length) = 0;
  // What is there now, to write only what differs.
  virtual Result<> read(uint64_t offset, std::span<std::byte> out) = 0;
  // Everything written is durable once this returns.
  virtual Result<> sync() = 0;
  virtual std::string describe() const = 0;
};

// A regular file or a block device. kNotFound, kForbidden, kInvalid (a directory) name the path.
Result<std::unique_ptr<BlockReader>> open_block_reader(const std::filesystem::path& path);
// A regular file is created sparse, or resized, to `size`; a device must have at least `size` bytes
// (kInvalid names both sizes) and its rest is left alone.
Result<std::unique_ptr<BlockWriter>> open_block_writer(const std::filesystem::path& path,
                                                       uint64_t size);

// How a file was copied.
enum class CopyMethod { kReflink, kSparse };
// Copies a raw file: by reflink where the file system can (FICLONE), else data extents only. The
// copy is durable and appears whole or not at all. kAlreadyExists if `to` is there.
Result<CopyMethod> clone_file(const std::filesystem::path& from, const std::filesystem::path& to);

// Whether `data` is all zeros.
bool is_zero(std::span<const std::byte> data);

}  // namespace breakwater::volume
