#include "repo/index.h"

#include <cstring>
#include <mutex>

namespace breakwater::repo {
namespace {

constexpr uint32_t kTreeBit = 1u << 31;
constexpr uint32_t kClaimed = kTreeBit - 1;
constexpr size_t kFirstSlots = 1024;

uint32_t type_bit(BlobType type) { return type == BlobType::kTree ? kTreeBit : 0; }

// Ids are hashes already.
uint64_t hash_of(BlobType type, const Id& id) {
  uint64_t hash;
  std::memcpy(&hash, id.bytes.data(), sizeof hash);
  return type == BlobType::kTree ? ~hash : hash;
}

}  // namespace

size_t Index::slot_of(BlobType type, const Id& id) const {
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash_of(type, id) & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot] == 0) return slot;
    const Entry& found = entry(slots_[slot] - 1);
    if (found.id == id && (found.pack & kTreeBit) == type_bit(type)) return slot;
  }
}

void Index::grow() {
  slots_.assign(slots_.empty() ? kFirstSlots : slots_.size() * 2, 0);
  for (size_t i = 0; i < count_; ++i) {
    const BlobType type = (entry(i).pack & kTreeBit) != 0 ? BlobType::kTree : BlobType::kData;
    slots_[slot_of(type, entry(i).id)] = static_cast<uint32_t>(i + 1);
  }
}

Index::Entry& Index::find_or_add(BlobType type, const Id& id, bool& added) {
  if (count_ * 4 >= slots_.size() * 3) grow();
  const size_t slot = slot_of(type, id);
  added = slots_[slot] == 0;
  if (!added) return entry(slots_[slot] - 1);
  if (count_ % kSegment == 0) segments_.push_back(std::make_unique<Entry[]>(kSegment));
  slots_[slot] = static_cast<uint32_t>(++count_);
  Entry& fresh = entry(count_ - 1);
  fresh.id = id;
  fresh.pack = kClaimed | type_bit(type);
  return fresh;
}

std::optional<BlobLocation> Index::find(BlobType type, const Id& id) const {
  const std::shared_lock lock(mutex_);
  if (slots_.empty()) return std::nullopt;
  const uint32_t number = slots_[slot_of(type, id)];
  if (number == 0) return std::nullopt;
  const Entry& found = entry(number - 1);
  const uint32_t pack = found.pack & ~kTreeBit;
  if (pack == kClaimed) return std::nullopt;
  return BlobLocation{packs_[pack], found.offset, found.length, found.uncompressed_length};
}

bool Index::claim(BlobType type, const Id& id) {
  {  // most blobs of an incremental backup are there already: look without excluding others
    const std::shared_lock lock(mutex_);
    if (!slots_.empty() && slots_[slot_of(type, id)] != 0) return false;
  }
  const std::unique_lock lock(mutex_);
  bool added = false;
  find_or_add(type, id, added);
  return added;
}

void Index::add_pack(const Id& pack, std::span<const PackedBlob> blobs) {
  const std::unique_lock lock(mutex_);
  const auto number = static_cast<uint32_t>(packs_.size());
  packs_.push_back(pack);
  for (const PackedBlob& blob : blobs) {
    bool added = false;
    Entry& place = find_or_add(blob.type, blob.id, added);
    if ((place.pack & ~kTreeBit) != kClaimed) continue;
    place.pack = number | type_bit(blob.type);
    place.offset = blob.offset;
    place.length = blob.length;
    place.uncompressed_length = blob.uncompressed_length;
  }
}

void Index::clear() {
  const std::unique_lock lock(mutex_);
  packs_.clear();
  segments_.clear();
  slots_.clear();
  count_ = 0;
}

uint64_t Index::size() const {
  const std::shared_lock lock(mutex_);
  return count_;
}

}  // namespace breakwater::repo
