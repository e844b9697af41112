// Decimal numbers in what servers answer.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace breakwater::blob {

// Digits and nothing else, or nothing.
inline std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace breakwater::blob
