#include "base/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace breakwater {

namespace {

struct Scale {
  int binary = 0;   // the power of two
  int decimal = 0;  // the power of ten
};

struct Suffix {
  std::string_view text;
  Scale scale;
};
constexpr std::array<Suffix, 16> kSuffixes = {{{"", {}},
                                               {"Ki", {10, 0}},
                                               {"Mi", {20, 0}},
                                               {"Gi", {30, 0}},
                                               {"Ti", {40, 0}},
                                               {"Pi", {50, 0}},
                                               {"Ei", {60, 0}},
                                               {"n", {0, -9}},
                                               {"u", {0, -6}},
                                               {"m", {0, -3}},
                                               {"k", {0, 3}},
                                               {"M", {0, 6}},
                                               {"G", {0, 9}},
                                               {"T", {0, 12}},
                                               {"P", {0, 15}},
                                               {"E", {0, 18}}}};

constexpr std::array<std::string_view, 7> kUnits = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

bool parse_suffix(std::string_view text, Scale& scale) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text != text) continue;
    scale = suffix.scale;
    return true;
  }
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return false;
  text.remove_prefix(1);
  if (text[0] == '+') {  // from_chars knows no plus sign
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), scale.decimal);
  return problem == std::errc() && end == text.data() + text.size() &&
         std::abs(scale.decimal) <= 1000;
}

// digits * 10^decimal * 2^binary, rounded up; -1 if it does not fit.
int64_t evaluate(std::string digits, Scale scale) {
  constexpr int kFractionDigits = 18;
  constexpr int64_t kFractionUnit = 1'000'000'000'000'000'000;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return 0;
  const int whole_digits = static_cast<int>(digits.size()) + scale.decimal;
  if (whole_digits > 19) return -1;
  if (whole_digits < -kFractionDigits) return 1;
  if (scale.decimal > 0) digits.append(static_cast<size_t>(scale.decimal), '0');
  if (whole_digits < 0) digits.insert(0, static_cast<size_t>(-whole_digits), '0');
  const auto split = static_cast<size_t>(std::max(whole_digits, 0));
  __int128 whole = 0;
  __int128 fraction = 0;
  bool more = false;
  for (size_t i = 0; i < split + kFractionDigits; ++i) {
    const int digit = i < digits.size() ? digits[i] - '0' : 0;
    __int128& part = i < split ? whole : fraction;
    part = part * 10 + digit;
  }
  for (size_t i = split + kFractionDigits; i < digits.size(); ++i) more |= digits[i] != '0';
  const __int128 product = fraction << scale.binary;
  const bool inexact = more || product % kFractionUnit != 0;
  const __int128 value =
      (whole << scale.binary) + product / kFractionUnit + static_cast<int>(inexact);
  return value > INT64_MAX ? -1 : static_cast<int64_t>(value);
}

}  // namespace

Result<int64_t> parse_quantity(std::string_view text) {
  const auto malformed = [text] {
    return fail(Code::kInvalid, "\"{}\" is no quantity such as 1Gi, 500M or 250m", text);
  };
  std::string_view rest = text;
  if (rest.starts_with('-')) return fail(Code::kInvalid, "quantity \"{}\" is negative", text);
  if (rest.starts_with('+')) rest.remove_prefix(1);
  const std::string_view number = rest.substr(0, rest.find_first_not_of("0123456789."));
  const size_t point = std::min(number.find('.'), number.size());
  std::string digits(number.substr(0, point));
  Scale scale;
  if (!parse_suffix(rest.substr(number.size()), scale)) return malformed();
  if (point < number.size()) {
    const std::string_view fraction = number.substr(point + 1);
    if (fraction.find('.') != std::string_view::npos || fraction.size() > 1000) return malformed();
    digits += fraction;
    scale.decimal -= static_cast<int>(fraction.size());
  }
  if (digits.empty() || digits.size() > 1000) return malformed();
  const int64_t value = evaluate(std::move(digits), scale);
  if (value < 0) return fail(Code::kInvalid, "quantity \"{}\" is larger than 2^63-1", text);
  return value;
}

std::string format_quantity(int64_t bytes) {
  size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{}{}", bytes, kUnits[unit]);
}

std::string format_bytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (value < 99.95) return fmt::format("{:.1f} {}B", value, kUnits[unit]);
  return fmt::format("{:.0f} {}B", value, kUnits[unit]);
}

}  // namespace breakwater
