#include "repo/json_writer.h"

#include <fmt/format.h>

#include <iterator>

#include "repo/utf8.h"

namespace breakwater::repo {
namespace {

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

void append_escaped_ascii(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
  }
}

void append_string(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const Rune rune = first_rune(text);
    if (!rune.valid) {
      out += "\\ufffd";
    } else if (rune.value < 0x80) {
      append_escaped_ascii(text[0], out);
    } else if (rune.value == 0x2028 || rune.value == 0x2029) {
      out += rune.value == 0x2028 ? "\\u2028" : "\\u2029";
    } else {
      out.append(text.substr(0, rune.size));
    }
    text.remove_prefix(rune.size);
  }
  out += '"';
}

}  // namespace

void JsonWriter::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
}

void JsonWriter::name(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  comma_ = false;
}

void JsonWriter::string(std::string_view value) {
  separate();
  append_string(value, out_);
}

void JsonWriter::number(uint64_t value) {
  separate();
  fmt::format_to(std::back_inserter(out_), "{}", value);
}

void JsonWriter::id(const Id& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  separate();
  char text[66];
  text[0] = text[65] = '"';
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    const auto byte = std::to_integer<uint8_t>(id.bytes[i]);
    text[1 + 2 * i] = kDigits[byte >> 4];
    text[2 + 2 * i] = kDigits[byte & 15];
  }
  out_.append(text, sizeof text);
}

void JsonWriter::time(Time time) { string(format_rfc3339_nano(time)); }

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

void JsonWriter::member(std::string_view key, std::string_view value) {
  name(key);
  string(value);
}

void JsonWriter::member_unless_empty(std::string_view key, std::string_view value) {
  if (!value.empty()) member(key, value);
}

void JsonWriter::member(std::string_view key, uint64_t value) {
  name(key);
  number(value);
}

void JsonWriter::member_unless_zero(std::string_view key, uint64_t value) {
  if (value != 0) member(key, value);
}

}  // namespace breakwater::repo
