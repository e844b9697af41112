// zstd. A Compressor keeps its contexts and is used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/encoding.h"
#include "base/error.h"
#include "repo/types.h"

namespace breakwater::repo {

// 0 for kOff. auto is 3, fastest 1, better 7, max 19.
int zstd_level(Compression compression);

class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;

  // Bytes that compress() may need for `size` bytes.
  static size_t bound(size_t size);
  // One frame with its content size and no checksum, at the front of `out`, which has bound()
  // bytes. Returns its size.
  size_t compress(ByteSpan plain, std::span<std::byte> out, int level);

  // Fills `out` exactly; kCorrupt if `frames` is damaged or holds more or less.
  Result<> decompress_into(ByteSpan frames, std::span<std::byte> out);
  // When the size is not known. kCorrupt when damaged or larger than `limit`.
  Result<Bytes> decompress(ByteSpan frames, uint64_t limit);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace breakwater::repo
