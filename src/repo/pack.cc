#include "repo/pack.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace breakwater::repo {
namespace {

constexpr size_t kLengthSize = 4;
constexpr size_t kPlainEntry = 1 + 4 + 32;
constexpr size_t kCompressedEntry = kPlainEntry + 4;
constexpr size_t kMaxHeader = 16u << 20;
constexpr uint64_t kMaxPack = UINT32_MAX;
constexpr uint8_t kTreeBit = 1, kCompressedBit = 2;

void append_le32(uint32_t value, Bytes& out) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<std::byte>((value >> shift) & 0xff));
  }
}

uint32_t read_le32(ByteSpan bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < kLengthSize; ++i) {
    value |= std::to_integer<uint32_t>(bytes[i]) << (8 * i);
  }
  return value;
}

size_t entry_size(const PackedBlob& blob) {
  return blob.uncompressed_length != 0 ? kCompressedEntry : kPlainEntry;
}

void append_entry(const PackedBlob& blob, Bytes& out) {
  const uint8_t type = (blob.type == BlobType::kTree ? kTreeBit : 0) |
                       (blob.uncompressed_length != 0 ? kCompressedBit : 0);
  out.push_back(std::byte{type});
  append_le32(blob.length, out);
  if (blob.uncompressed_length != 0) append_le32(blob.uncompressed_length, out);
  out.insert(out.end(), blob.id.bytes.begin(), blob.id.bytes.end());
}

// Takes one entry from the front of `header`.
Result<PackedBlob> take_entry(ByteSpan& header) {
  const auto type = std::to_integer<uint8_t>(header[0]);
  const bool compressed = (type & kCompressedBit) != 0;
  const size_t size = compressed ? kCompressedEntry : kPlainEntry;
  if (type > (kTreeBit | kCompressedBit)) {
    return fail(Code::kCorrupt, "its header has an entry of unknown type {}", type);
  }
  if (header.size() < size) return fail(Code::kCorrupt, "its header is cut off");
  PackedBlob blob;
  blob.type = (type & kTreeBit) != 0 ? BlobType::kTree : BlobType::kData;
  blob.length = read_le32(header.subspan(1));
  if (compressed) blob.uncompressed_length = read_le32(header.subspan(5));
  if (blob.length < kSealOverhead || (compressed && blob.uncompressed_length == 0)) {
    return fail(Code::kCorrupt, "its header has an impossible length");
  }
  std::ranges::copy(header.subspan(size - blob.id.bytes.size(), blob.id.bytes.size()),
                    blob.id.bytes.begin());
  header = header.subspan(size);
  return blob;
}

}  // namespace

uint64_t pack_file_size(const std::vector<PackedBlob>& blobs) {
  uint64_t size = kSealOverhead + kLengthSize;
  for (const PackedBlob& blob : blobs) size += blob.length + entry_size(blob);
  return size;
}

bool PackBuilder::has_room(size_t sealed_size) const {
  const size_t header = (blobs_.size() + 1) * kCompressedEntry + kSealOverhead + kLengthSize;
  return header <= kMaxHeader && data_.size() + sealed_size + header <= kMaxPack;
}

void PackBuilder::append(ByteSpan data) {
  data_.insert(data_.end(), data.begin(), data.end());
  hash_.update(data);
}

void PackBuilder::add(BlobType type, const Id& id, ByteSpan sealed, uint32_t uncompressed_length) {
  CHECK(has_room(sealed.size()));
  if (data_.empty()) data_.reserve(expected_size_);
  blobs_.push_back({type, id, static_cast<uint32_t>(data_.size()),
                    static_cast<uint32_t>(sealed.size()), uncompressed_length});
  append(sealed);
}

FinishedPack PackBuilder::finish(const Sealer& sealer, Random& random) {
  Bytes header;
  for (const PackedBlob& blob : blobs_) append_entry(blob, header);
  append(sealer.seal(random, header));
  Bytes length;
  append_le32(static_cast<uint32_t>(header.size() + kSealOverhead), length);
  append(length);
  FinishedPack pack;
  pack.id.bytes = std::exchange(hash_, Sha256()).finish();
  pack.data = std::exchange(data_, {});
  pack.blobs = std::exchange(blobs_, {});
  return pack;
}

Result<std::vector<PackedBlob>> read_pack_header(const Sealer& sealer, ByteSpan file) {
  if (file.size() < kLengthSize + kSealOverhead) {
    return fail(Code::kCorrupt, "{} bytes are too few to be a pack", file.size());
  }
  const uint32_t sealed_size = read_le32(file.last(kLengthSize));
  if (sealed_size < kSealOverhead || sealed_size > file.size() - kLengthSize) {
    return fail(Code::kCorrupt, "its header cannot have {} bytes", sealed_size);
  }
  const ByteSpan rest = file.first(file.size() - kLengthSize);
  const Bytes header = TRY(while_doing(sealer.open(rest.last(sealed_size)), "opening its header"));
  std::vector<PackedBlob> blobs;
  uint64_t offset = 0;
  for (ByteSpan entries = header; !entries.empty();) {
    PackedBlob blob = TRY(take_entry(entries));
    blob.offset = static_cast<uint32_t>(offset);
    offset += blob.length;
    blobs.push_back(blob);
  }
  if (offset != rest.size() - sealed_size) {
    return fail(Code::kCorrupt, "its header names {} bytes of blobs, but there are {}", offset,
                rest.size() - sealed_size);
  }
  return blobs;
}

}  // namespace breakwater::repo
