#include "base/ids.h"

#include "base/encoding.h"
#include "base/hash.h"

namespace breakwater {

std::string new_uid(Random& random) {
  std::array<std::byte, 16> bytes;
  random.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};  // version 4
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};  // the variant of RFC 4122
  std::string text = to_hex(bytes);
  for (const size_t place : {8, 13, 18, 23}) text.insert(place, 1, '-');
  return text;
}

std::string name_suffix(Random& random, size_t length) {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string text;
  for (size_t i = 0; i < length; ++i) text += kAlphabet[random.below(kAlphabet.size())];
  return text;
}

std::string label_value(std::string_view name) {
  constexpr size_t kLimit = 63;
  constexpr size_t kHashDigits = 6;
  if (name.size() <= kLimit) return std::string(name);
  const std::string hash = to_hex(sha256(as_bytes(name)));
  return std::string(name.substr(0, kLimit - kHashDigits)) + hash.substr(0, kHashDigits);
}

}  // namespace breakwater
