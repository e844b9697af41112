#include "base/encoding.h"
#include "repo/crypto.h"
#include "repo/types.h"

namespace breakwater::repo {
namespace {

constexpr int kNoDigit = -1;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return kNoDigit;
}

}  // namespace

std::string Id::to_string() const { return to_hex(bytes); }

// Lower case only: a name in upper case would be another file. By hand because trees hold millions.
Result<Id> Id::parse(std::string_view hex) {
  Id id;
  bool good = hex.size() == 2 * id.bytes.size();
  for (size_t i = 0; good && i < id.bytes.size(); ++i) {
    const int high = hex_digit(hex[2 * i]);
    const int low = hex_digit(hex[2 * i + 1]);
    good = high != kNoDigit && low != kNoDigit;
    id.bytes[i] = static_cast<std::byte>((high << 4) | low);
  }
  if (good) return id;
  return fail(Code::kInvalid, "\"{}\" is not an id of 64 lower-case hex digits", hex.substr(0, 80));
}

uint32_t BlobLocation::plain_length() const {
  if (uncompressed_length != 0) return uncompressed_length;
  return length < kSealOverhead ? 0 : length - static_cast<uint32_t>(kSealOverhead);
}

}  // namespace breakwater::repo
