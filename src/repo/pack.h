// Pack files: sealed blobs one after the other, then a sealed header that names them.
//
//   sealed blob … || sealed header || length of the sealed header (4 bytes, little endian)
//
// The header has an entry per blob, in their order: type (0 data, 1 tree, 2 and 3 the same
// compressed), length of the sealed blob (4), length of the plaintext (4, types 2 and 3 only),
// SHA-256 of the plaintext. Source: restic doc/design.rst, "Pack Format".
#pragma once

#include <cstdint>
#include <vector>

#include "base/encoding.h"
#include "base/error.h"
#include "base/hash.h"
#include "repo/crypto.h"
#include "repo/types.h"

namespace breakwater::repo {

struct PackedBlob {
  BlobType type = BlobType::kData;
  Id id;
  uint32_t offset = 0;
  uint32_t length = 0;               // sealed
  uint32_t uncompressed_length = 0;  // 0: not compressed

  friend bool operator==(const PackedBlob&, const PackedBlob&) = default;
};

struct FinishedPack {
  Id id;  // SHA-256 of data
  Bytes data;
  std::vector<PackedBlob> blobs;
};

// The size of the file that holds exactly these blobs.
uint64_t pack_file_size(const std::vector<PackedBlob>& blobs);

// One pack while it grows in memory; its hash is computed along the way. Used by one thread at a
// time.
class PackBuilder {
 public:
  // Space that is set aside at once; a pack may grow beyond it.
  explicit PackBuilder(size_t expected_size) : expected_size_(expected_size) {}

  bool empty() const { return blobs_.empty(); }
  size_t size() const { return data_.size(); }
  // Whether a blob of this sealed size still fits what the format allows: 4 GiB, 16 MiB of header.
  bool has_room(size_t sealed_size) const;
  void add(BlobType type, const Id& id, ByteSpan sealed, uint32_t uncompressed_length);
  // Appends the header and hands everything over; the builder is empty again.
  FinishedPack finish(const Sealer& sealer, Random& random);

 private:
  void append(ByteSpan data);

  size_t expected_size_;
  Bytes data_;
  Sha256 hash_;
  std::vector<PackedBlob> blobs_;
};

// The blobs that the header at the end of a whole pack file names, offsets computed. kCorrupt if
// the header is damaged or the blobs do not fill the file exactly.
Result<std::vector<PackedBlob>> read_pack_header(const Sealer& sealer, ByteSpan file);

}  // namespace breakwater::repo
