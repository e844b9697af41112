#include "repo/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace breakwater::repo {
namespace {

// Separators, format characters, surrogates and private use: what Go's IsPrint refuses beyond
// ASCII.
constexpr std::pair<uint32_t, uint32_t> kNotPrintable[] = {
    {0x80, 0xa0},        {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},      {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},
    {0x1680, 0x1680},    {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},
    {0x205f, 0x206f},    {0x3000, 0x3000},   {0xd800, 0xf8ff},   {0xfeff, 0xfeff},
    {0xfff0, 0xfffb},    {0xfffe, 0xffff},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
    {0x13430, 0x1345f},  {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe00ff},
    {0xe01f0, 0x10ffff},
};

bool is_printable(uint32_t rune) {
  if (rune < 0x80) return rune >= 0x20 && rune != 0x7f;
  return std::ranges::none_of(kNotPrintable, [rune](const auto& range) {
    return rune >= range.first && rune <= range.second;
  });
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

void append_quoted(const Rune& rune, std::string_view text, std::string& out) {
  constexpr std::string_view kNamed = "\a\b\f\n\r\t\v\"\\";
  constexpr std::string_view kLetters = "abfnrtv\"\\";
  const auto append = std::back_inserter(out);
  const size_t named = rune.valid && rune.value < 0x80 ? kNamed.find(text[0]) : kNamed.npos;
  if (!rune.valid) {
    fmt::format_to(append, "\\x{:02x}", static_cast<unsigned char>(text[0]));
  } else if (named != kNamed.npos) {
    out += '\\';
    out += kLetters[named];
  } else if (is_printable(rune.value)) {
    out.append(text.substr(0, rune.size));
  } else if (rune.value < 0x80) {
    fmt::format_to(append, "\\x{:02x}", rune.value);
  } else if (rune.value < 0x10000) {
    fmt::format_to(append, "\\u{:04x}", rune.value);
  } else {
    fmt::format_to(append, "\\U{:08x}", rune.value);
  }
}

// Takes `count` digits of base 8 or 16 from the front of `text`.
Result<uint32_t> take_digits(std::string_view& text, size_t count, uint32_t base) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    const char c = text.empty() ? '?' : text[0];
    uint32_t digit = base;
    if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A') + 10;
    if (digit >= base) return fail(Code::kCorrupt, "a quoted name has a wrong escape");
    value = value * base + digit;
    text.remove_prefix(1);
  }
  return value;
}

Result<> append_code_point(std::string_view& text, size_t digits, std::string& out) {
  const uint32_t rune = TRY(take_digits(text, digits, 16));
  if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) {
    return fail(Code::kCorrupt, "a quoted name has an escape that is no character");
  }
  append_utf8(rune, out);
  return {};
}

// `text` starts after the backslash.
Result<> append_unquoted(std::string_view& text, std::string& out) {
  constexpr std::string_view kLetters = "abfnrtv\"\\";
  constexpr std::string_view kNamed = "\a\b\f\n\r\t\v\"\\";
  const char c = text.empty() ? '?' : text[0];
  if (const size_t named = kLetters.find(c); named != kLetters.npos) {
    out += kNamed[named];
    text.remove_prefix(1);
    return {};
  }
  if (c >= '0' && c <= '7') {
    out += static_cast<char>(TRY(take_digits(text, 3, 8)));
    return {};
  }
  if (c != 'x' && c != 'u' && c != 'U')
    return fail(Code::kCorrupt, "a quoted name has a wrong escape");
  text.remove_prefix(1);
  if (c == 'u') return append_code_point(text, 4, out);
  if (c == 'U') return append_code_point(text, 8, out);
  out += static_cast<char>(TRY(take_digits(text, 2, 16)));
  return {};
}

}  // namespace

Rune first_rune(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {lead, 1, false};
  uint32_t value = lead & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return {lead, 1, false};
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value < 0xe000;
  if (value < kSmallest[size] || value > 0x10ffff || surrogate) return {lead, 1, false};
  return {value, size, true};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Rune rune = first_rune(text);
    if (!rune.valid) return false;
    text.remove_prefix(rune.size);
  }
  return true;
}

void append_utf8(uint32_t rune, std::string& out) {
  const auto tail = [&](uint32_t shift) {
    out += static_cast<char>(0x80 | ((rune >> shift) & 0x3f));
  };
  if (rune < 0x80) {
    out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    out += static_cast<char>(0xc0 | (rune >> 6));
    tail(0);
  } else if (rune < 0x10000) {
    out += static_cast<char>(0xe0 | (rune >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (rune >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string quote_name(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  while (!name.empty()) {
    const Rune rune = first_rune(name);
    append_quoted(rune, name, out);
    name.remove_prefix(rune.size);
  }
  return out;
}

Result<std::string> unquote_name(std::string_view quoted) {
  std::string out;
  out.reserve(quoted.size());
  while (!quoted.empty()) {
    const size_t plain = std::min(quoted.find('\\'), quoted.size());
    out.append(quoted.substr(0, plain));
    quoted.remove_prefix(plain);
    if (quoted.empty()) break;
    quoted.remove_prefix(1);
    TRY(append_unquoted(quoted, out));
  }
  return out;
}

}  // namespace breakwater::repo
