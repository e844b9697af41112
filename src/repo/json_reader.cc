#include "repo/json_reader.h"

#include <algorithm>
#include <charconv>

#include "repo/utf8.h"

namespace breakwater::repo {
namespace {

constexpr size_t kMaxNesting = 200;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

void JsonReader::fail_here(std::string_view message) {
  if (error_.empty()) error_ = fmt::format("{} at offset {}", message, at_);
}

Result<> JsonReader::finish(std::string_view what) {
  if (peek() != '\0') fail_here("something follows the value");
  if (!failed() && !comma_) fail_here("there is no value");
  if (failed()) return fail(Code::kCorrupt, "{} is not valid: {}", what, error_);
  return {};
}

char JsonReader::peek() {
  if (failed()) return '\0';
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

void JsonReader::expect(char bracket) {
  if (peek() != bracket) {
    fail_here(bracket == '{' ? "expected an object" : "expected an array");
    return;
  }
  ++at_;
  comma_ = false;
}

// Steps over the comma before the next member or element, or over the closing bracket.
bool JsonReader::next_in(char close) {
  const char next = peek();
  if (next == close) {
    ++at_;
    comma_ = true;
    return false;
  }
  if (comma_) {
    if (next == ',') {
      ++at_;
    } else {
      fail_here("expected a comma");
    }
  }
  return !failed();
}

bool JsonReader::next_member(std::string_view& name) {
  if (failed() || !next_in('}')) return false;
  name = quoted(scratch_);
  if (peek() == ':') {
    ++at_;
  } else {
    fail_here("expected a colon");
  }
  comma_ = false;
  return !failed();
}

bool JsonReader::next_element() {
  if (failed() || !next_in(']')) return false;
  comma_ = false;
  return peek() != '\0';
}

uint32_t JsonReader::read_hex4() {
  uint32_t value = 0;
  const std::string_view digits = text_.substr(at_, 4);
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 4 || problem != std::errc() || end != digits.data() + 4) {
    fail_here("wrong \\u escape");
    return 0;
  }
  at_ += 4;
  return value;
}

// at_ stands after the backslash.
void JsonReader::read_escape(std::string& out) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  if (const size_t i = kLetters.find(c); c != '\0' && i != kLetters.npos) {
    out += kMeanings[i];
    return;
  }
  if (c != 'u') return fail_here("wrong escape");
  uint32_t rune = read_hex4();
  const bool high = rune >= 0xd800 && rune < 0xdc00;
  if (high && text_.substr(at_, 2) == "\\u") {
    const size_t before = at_;
    at_ += 2;
    const uint32_t low = read_hex4();
    if (low >= 0xdc00 && low < 0xe000) {
      rune = 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00);
    } else {
      at_ = before;
    }
  }
  append_utf8(rune >= 0xd800 && rune < 0xe000 ? 0xfffd : rune, out);
}

// Without escapes the view is into the text, otherwise into `scratch`.
std::string_view JsonReader::quoted(std::string& scratch) {
  if (peek() != '"') {
    fail_here("expected a string");
    return {};
  }
  const size_t begin = ++at_;
  at_ = std::min(text_.find_first_of("\"\\", at_), text_.size());
  if (at_ < text_.size() && text_[at_] == '"') return text_.substr(begin, at_++ - begin);
  scratch.assign(text_.substr(begin, at_ - begin));
  while (!failed() && at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '"') return scratch;
    if (c == '\\') {
      read_escape(scratch);
    } else {
      scratch += c;
    }
  }
  fail_here("a string does not end");
  return {};
}

std::string_view JsonReader::literal() {
  if (peek() == '\0') return {};
  const size_t begin = at_;
  while (at_ < text_.size() &&
         std::string_view(",]} \n\r\t").find(text_[at_]) == std::string_view::npos) {
    ++at_;
  }
  comma_ = true;
  return text_.substr(begin, at_ - begin);
}

bool JsonReader::take_null() {
  if (peek() != 'n') return false;
  if (literal() != "null") fail_here("expected null");
  return true;
}

std::string JsonReader::string() {
  if (take_null()) return {};
  std::string value(quoted(scratch_));
  comma_ = true;
  return value;
}

uint64_t JsonReader::number() {
  if (take_null()) return 0;
  const std::string_view digits = literal();
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || problem != std::errc() || end != digits.data() + digits.size()) {
    fail_here("expected a whole number");
    return 0;
  }
  return value;
}

uint32_t JsonReader::number32() {
  const uint64_t value = number();
  if (value > UINT32_MAX) fail_here("the number is too large");
  return failed() ? 0 : static_cast<uint32_t>(value);
}

bool JsonReader::boolean() {
  if (take_null()) return false;
  const std::string_view value = literal();
  if (value != "true" && value != "false") fail_here("expected true or false");
  return value == "true";
}

Id JsonReader::id() {
  const std::string_view hex = quoted(scratch_);
  comma_ = true;
  if (failed()) return {};
  const Result<Id> id = Id::parse(hex);
  if (!id) fail_here("expected an id of 64 hex digits");
  return id.value_or(Id{});
}

Time JsonReader::time() {
  if (take_null()) return {};
  const std::string_view text = quoted(scratch_);
  comma_ = true;
  if (failed()) return {};
  // Time counts nanoseconds in 64 bits: from 1677 to 2262.
  const std::string_view year = text.substr(0, 4);
  if (year < "1678") return Time::min();
  if (year > "2261") return Time::max();
  const Result<Time> time = parse_rfc3339(text);
  if (!time) fail_here("expected an RFC 3339 time");
  return time.value_or(Time{});
}

void JsonReader::skip_string() {
  ++at_;
  while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
  if (at_ >= text_.size()) fail_here("a string does not end");
  at_ = std::min(at_ + 1, text_.size());
}

std::string_view JsonReader::skip() {
  std::string open;  // the closing brackets to come, innermost last
  peek();
  const size_t begin = at_;
  do {
    const char c = peek();
    if (c == '"') {
      skip_string();
    } else if (c == '{' || c == '[') {
      open += c == '{' ? '}' : ']';
      ++at_;
    } else if (!open.empty() && c == open.back()) {
      open.pop_back();
      ++at_;
    } else if (!open.empty() && (c == ',' || c == ':')) {
      ++at_;
    } else if (literal().empty()) {
      fail_here("expected a value");
    }
    if (open.size() > kMaxNesting) fail_here("nested too deeply");
  } while (!failed() && !open.empty());
  comma_ = true;
  return failed() ? std::string_view() : text_.substr(begin, at_ - begin);
}

}  // namespace breakwater::repo
