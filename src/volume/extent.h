// Ranges of a volume.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace breakwater::volume {

// `length` bytes from `offset`; both in bytes.
struct Extent {
  uint64_t offset = 0;
  uint64_t length = 0;

  uint64_t end() const { return offset + length; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

// Ascending, not overlapping, not touching, none empty.
using Extents = std::vector<Extent>;

// Sorts, merges what overlaps or touches, drops empty ones.
Extents normalize(Extents extents);
// The same ranges widened to multiples of `block` and cut at `size`.
Extents align(const Extents& extents, uint64_t block, uint64_t size);
// What is in `a` or in `b`; in both.
Extents unite(const Extents& a, const Extents& b);
Extents intersect(const Extents& a, const Extents& b);
uint64_t total_length(const Extents& extents);
// Whether any byte of [offset, offset + length) is in `extents`.
bool overlaps(const Extents& extents, uint64_t offset, uint64_t length);

// A list of changed extents as text: one "offset length" a line, decimal, '#' starts a comment.
Result<Extents> parse_extents(std::string_view text);
std::string format_extents(const Extents& extents);

}  // namespace breakwater::volume
