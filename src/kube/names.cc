#include "kube/names.h"

#include <algorithm>

namespace breakwater::kube {
namespace {

constexpr size_t kLongestName = 63;
constexpr size_t kLongestSubdomain = 253;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_letter_or_digit(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// Begins and ends with a letter or digit, with '-', '_' and '.' between; not empty.
bool is_name_part(std::string_view text) {
  return !text.empty() && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
         });
}

bool is_dns_word(std::string_view text) {
  return !text.empty() && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

}  // namespace

bool is_dns_label(std::string_view text) {
  return text.size() <= kLongestName && is_dns_word(text);
}

bool is_dns_subdomain(std::string_view text) {
  if (text.size() > kLongestSubdomain) return false;
  while (true) {
    const size_t dot = text.find('.');
    if (!is_dns_word(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

Result<> check_label_name(std::string_view name) {
  std::string_view part = name;
  if (const size_t slash = name.find('/'); slash != std::string_view::npos) {
    if (!is_dns_subdomain(name.substr(0, slash))) {
      return fail(Code::kInvalid, "the prefix of \"{}\" is not a DNS subdomain", name);
    }
    part = name.substr(slash + 1);
  }
  if (part.size() > kLongestName) {
    return fail(Code::kInvalid, "\"{}\" is longer than {} characters", part, kLongestName);
  }
  if (!is_name_part(part)) {
    return fail(Code::kInvalid,
                "\"{}\" is not a name of letters, digits, '-', '_' and '.' that begins and ends "
                "with a letter or digit",
                part);
  }
  return {};
}

Result<> check_label_value(std::string_view value) {
  if (value.size() > kLongestName) {
    return fail(Code::kInvalid, "the value \"{}\" is longer than {} characters", value,
                kLongestName);
  }
  if (!value.empty() && !is_name_part(value)) {
    return fail(Code::kInvalid,
                "the value \"{}\" is not made of letters, digits, '-', '_' and '.' with a letter "
                "or digit at both ends",
                value);
  }
  return {};
}

}  // namespace breakwater::kube
