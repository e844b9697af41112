// Text forms of bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace breakwater {

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;

inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(ByteSpan bytes);  // lower case
Result<Bytes> from_hex(std::string_view text);
std::string to_base64(ByteSpan bytes);  // standard alphabet, padded
Result<Bytes> from_base64(std::string_view text);
// Percent-encoding of RFC 3986; '/' stays when keep_slash.
std::string url_encode(std::string_view text, bool keep_slash = false);
// '+' is a space when plus_is_space (query strings). Malformed escapes are kInvalid.
Result<std::string> url_decode(std::string_view text, bool plus_is_space = false);

}  // namespace breakwater
