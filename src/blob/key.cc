#include "blob/key.h"

namespace breakwater::blob {
namespace {

constexpr size_t kMaxKey = 1024;

bool good_segment(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != "..";
}

bool good_segments(std::string_view path) {
  while (true) {
    const size_t slash = path.find('/');
    if (!good_segment(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool good_bytes(std::string_view text) {
  return text.size() <= kMaxKey && text.find('\0') == std::string_view::npos;
}

}  // namespace

Result<> check_key(std::string_view key) {
  if (good_bytes(key) && good_segments(key)) return {};
  return fail(Code::kInvalid,
              "object key \"{}\" must be a relative path without empty, \".\" or \"..\" segments",
              key.substr(0, 100));
}

Result<> check_prefix(std::string_view prefix) {
  const size_t slash = prefix.rfind('/');
  if (good_bytes(prefix) &&
      (slash == std::string_view::npos || good_segments(prefix.substr(0, slash)))) {
    return {};
  }
  return fail(Code::kInvalid, "key prefix \"{}\" has an empty, \".\" or \"..\" segment",
              prefix.substr(0, 100));
}

bool is_temporary_name(std::string_view name) {
  constexpr std::string_view kMark = "-tmp-";
  const size_t mark = name.rfind(kMark);
  if (mark == std::string_view::npos) return false;
  const std::string_view digits = name.substr(mark + kMark.size());
  return !digits.empty() && digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace breakwater::blob
