// restic's content-defined chunker: where a file is cut depends on its bytes alone, so that what
// two files have in common becomes the same blobs, wherever in them it stands and whoever wrote
// them.
//
// A Rabin fingerprint over GF(2)[x] of the last 64 bytes, modulo the repository's polynomial (in
// its config, of degree 53); a chunk ends after the byte at which the low 20 bits are zero, but not
// before 512 KiB and not after 8 MiB. The fingerprint starts anew with each chunk. Source: restic
// doc/design.rst ("Backups and Deduplication") and its chunker's documentation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/encoding.h"

namespace breakwater::repo {

inline constexpr size_t kChunkMin = 512 << 10;
inline constexpr size_t kChunkMax = 8 << 20;

// What follows from the polynomial: 4 KiB, made once and shared by any number of chunkers.
class ChunkerTables {
 public:
  // `polynomial` is irreducible and of degree 53, as Repository::chunker_polynomial() returns it.
  explicit ChunkerTables(uint64_t polynomial);

 private:
  friend class Chunker;
  std::array<uint64_t, 256> leave_{};   // what a byte contributes when it leaves the window
  std::array<uint64_t, 256> reduce_{};  // what its top eight bits do to a shifted fingerprint
};

// Cuts one stream of bytes. One thread at a time; `tables` outlive it.
class Chunker {
 public:
  explicit Chunker(const ChunkerTables& tables) : tables_(tables) {}

  struct Step {
    size_t taken = 0;  // so many bytes of `data` belong to the current chunk
    bool cut = false;  // and end it; the next byte begins another one
  };
  // Takes as much of `data` as belongs to the current chunk. Without a cut that is all of it.
  Step feed(ByteSpan data);
  // Bytes of the current chunk so far. What is left at the end of the stream is the last chunk.
  size_t pending() const { return length_; }
  // Forgets the current chunk, at the end of a stream or where the caller cut by itself.
  void reset();

 private:
  static constexpr size_t kWindow = 64;
  static constexpr uint64_t kMask = (uint64_t{1} << 20) - 1;

  const ChunkerTables& tables_;
  std::array<uint8_t, kWindow> window_{};
  size_t at_ = 0;  // of the oldest byte in window_
  uint64_t digest_ = 0;
  size_t length_ = 0;
};

}  // namespace breakwater::repo
