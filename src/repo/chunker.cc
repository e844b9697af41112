#include "repo/chunker.h"

#include <algorithm>

#include "repo/polynomial.h"

namespace breakwater::repo {
namespace {

constexpr int kDegree = 53;
constexpr int kTopByte = kDegree - 8;

}  // namespace

ChunkerTables::ChunkerTables(uint64_t polynomial) {
  for (uint64_t byte = 0; byte < 256; ++byte) {
    uint64_t leaving = byte;
    for (int i = 1; i < 64; ++i) leaving = reduce_polynomial(leaving << 8, polynomial);
    leave_[byte] = leaving;
    // Added to a shifted fingerprint it clears the bits beyond the degree and brings in their rest.
    reduce_[byte] = reduce_polynomial(byte << kDegree, polynomial) | (byte << kDegree);
  }
}

void Chunker::reset() {
  window_.fill(0);
  at_ = 0;
  digest_ = 0;
  length_ = 0;
}

Chunker::Step Chunker::feed(ByteSpan data) {
  size_t i = 0;
  // Only the last 64 bytes before the first place where a cut may be matter.
  if (length_ < kChunkMin - kWindow) {
    i = std::min(data.size(), kChunkMin - kWindow - length_);
    length_ += i;
  }
  uint64_t digest = digest_;
  size_t at = at_, length = length_;
  bool cut = false;
  for (; i < data.size() && !cut; ++i) {
    const auto byte = static_cast<uint8_t>(data[i]);
    digest ^= tables_.leave_[window_[at]];
    window_[at] = byte;
    at = (at + 1) % kWindow;
    digest = ((digest << 8) | byte) ^ tables_.reduce_[digest >> kTopByte];
    ++length;
    cut = length >= kChunkMin && ((digest & kMask) == 0 || length >= kChunkMax);
  }
  if (cut) {
    reset();
  } else {
    digest_ = digest;
    at_ = at;
    length_ = length;
  }
  return {i, cut};
}

}  // namespace breakwater::repo
