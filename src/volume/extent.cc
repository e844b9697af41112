#include "volume/extent.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace breakwater::volume {
namespace {

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Takes one decimal number from the front of `text`.
bool take_number(std::string_view& text, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

Result<Extent> parse_line(std::string_view line, int number) {
  Extent extent;
  std::string_view rest = line;
  const bool has_offset = take_number(rest, extent.offset);
  const bool separated = !rest.empty() && (rest.front() == ' ' || rest.front() == '\t');
  rest = trim(rest);
  if (!has_offset || !separated || !take_number(rest, extent.length) || !rest.empty()) {
    return fail(Code::kInvalid, "line {} of the list of extents is '{}', not 'offset length'",
                number, line.substr(0, 80));
  }
  if (extent.length > UINT64_MAX - extent.offset) {
    return fail(Code::kInvalid, "line {} of the list of extents ends beyond 2^64", number);
  }
  return extent;
}

}  // namespace

Extents normalize(Extents extents) {
  std::erase_if(extents, [](const Extent& extent) { return extent.length == 0; });
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.offset < b.offset; });
  Extents merged;
  for (const Extent& extent : extents) {
    if (!merged.empty() && extent.offset <= merged.back().end()) {
      merged.back().length = std::max(merged.back().end(), extent.end()) - merged.back().offset;
    } else {
      merged.push_back(extent);
    }
  }
  return merged;
}

Extents align(const Extents& extents, uint64_t block, uint64_t size) {
  Extents widened;
  for (const Extent& extent : extents) {
    if (extent.offset >= size) continue;
    const uint64_t begin = extent.offset - extent.offset % block;
    const uint64_t last = std::min(extent.end(), size);
    // Not rounded up by adding: that could overflow at the end of the address space.
    const uint64_t missing = (block - last % block) % block;
    const uint64_t end = missing > size - last ? size : last + missing;
    widened.push_back({begin, end - begin});
  }
  return normalize(std::move(widened));
}

Extents unite(const Extents& a, const Extents& b) {
  Extents both = a;
  both.insert(both.end(), b.begin(), b.end());
  return normalize(std::move(both));
}

Extents intersect(const Extents& a, const Extents& b) {
  Extents common;
  for (auto left = a.begin(), right = b.begin(); left != a.end() && right != b.end();) {
    const uint64_t begin = std::max(left->offset, right->offset);
    const uint64_t end = std::min(left->end(), right->end());
    if (begin < end) common.push_back({begin, end - begin});
    left->end() < right->end() ? ++left : ++right;
  }
  return common;
}

uint64_t total_length(const Extents& extents) {
  uint64_t total = 0;
  for (const Extent& extent : extents) total += extent.length;
  return total;
}

bool overlaps(const Extents& extents, uint64_t offset, uint64_t length) {
  // The first extent that ends behind `offset`; they ascend, so no earlier one matters.
  const auto found =
      std::upper_bound(extents.begin(), extents.end(), offset,
                       [](uint64_t at, const Extent& extent) { return at < extent.end(); });
  return found != extents.end() && length > 0 && found->offset < offset + length;
}

Result<Extents> parse_extents(std::string_view text) {
  Extents extents;
  for (int number = 1; !text.empty(); ++number) {
    const size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    line = trim(line.substr(0, line.find('#')));
    if (!line.empty()) extents.push_back(TRY(parse_line(line, number)));
  }
  return normalize(std::move(extents));
}

std::string format_extents(const Extents& extents) {
  std::string text;
  for (const Extent& extent : extents) {
    fmt::format_to(std::back_inserter(text), "{} {}\n", extent.offset, extent.length);
  }
  return text;
}

}  // namespace breakwater::volume
