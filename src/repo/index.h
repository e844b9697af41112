// Where every blob is: what the index files say, in memory, about 55 bytes a blob. Thread-safe.
//
// It also settles who stores a blob that several threads meet at once: claim() is true for one of
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <vector>

#include "repo/pack.h"
#include "repo/types.h"

namespace breakwater::repo {

class Index {
 public:
  // Nothing for a blob that is only claimed.
  std::optional<BlobLocation> find(BlobType type, const Id& id) const;
  // Whether the caller is to store this blob: nobody has it or stores it already.
  bool claim(BlobType type, const Id& id);
  // Makes the blobs of a stored pack known. Where a blob is known already, the first place stays.
  void add_pack(const Id& pack, std::span<const PackedBlob> blobs);
  // Forgets everything, claims too.
  void clear();
  uint64_t size() const;  // blobs, claimed ones included

 private:
  struct Entry {
    Id id;
    uint32_t pack = 0;  // place in packs_, or kClaimed; the highest bit is set for trees
    uint32_t offset = 0, length = 0, uncompressed_length = 0;
  };
  // Entries stand in segments, so that growing never copies them.
  static constexpr size_t kSegment = 4096;

  Entry& entry(size_t i) { return segments_[i / kSegment][i % kSegment]; }
  const Entry& entry(size_t i) const { return segments_[i / kSegment][i % kSegment]; }
  // The slot that holds the blob, or the empty one where it belongs.
  size_t slot_of(BlobType type, const Id& id) const;
  Entry& find_or_add(BlobType type, const Id& id, bool& added);
  void grow();

  mutable std::shared_mutex mutex_;
  std::vector<Id> packs_;
  std::vector<std::unique_ptr<Entry[]>> segments_;
  size_t count_ = 0;
  std::vector<uint32_t> slots_;  // 1 + number of the entry, 0: empty; a power of two
};

}  // namespace breakwater::repo
