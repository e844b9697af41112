#include "base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

namespace breakwater {

namespace {

constexpr size_t kMaxDepth = 256;

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view unsigned_part(std::string_view text) {
  return text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
}

// An integer as kubectl reads it: decimal, or octal after a leading zero ("defaultMode: 0644").
bool parse_integer(std::string_view text, Json& value) {
  const std::string_view digits = unsigned_part(text);
  if (!all_digits(digits)) return false;
  const bool octal = digits.size() > 1 && digits[0] == '0';
  const std::string signed_digits = (text[0] == '-' ? "-" : "") + std::string(digits);
  int64_t number = 0;
  const char* end = signed_digits.data() + signed_digits.size();
  const auto result = std::from_chars(signed_digits.data(), end, number, octal ? 8 : 10);
  if (result.ptr != end) return false;
  value = result.ec == std::errc() ? Json(number) : Json::number(signed_digits);
  return true;
}

// A float of the core schema. JSON wants digits on both sides of the point and no plus sign.
bool parse_float(std::string_view text, Json& value) {
  std::string_view rest = unsigned_part(text);
  const std::string_view whole = rest.substr(0, rest.find_first_not_of("0123456789"));
  rest.remove_prefix(whole.size());
  std::string_view fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = rest.substr(0, rest.find_first_not_of("0123456789"));
    rest.remove_prefix(fraction.size());
  }
  if (whole.empty() && fraction.empty()) return false;
  if (whole.size() > 1 && whole[0] == '0') return false;
  std::string number = text[0] == '-' ? "-" : "";
  number += whole.empty() ? "0" : whole;
  if (!fraction.empty()) (number += '.') += fraction;
  if (!rest.empty()) {
    if ((rest[0] != 'e' && rest[0] != 'E') || !all_digits(unsigned_part(rest.substr(1)))) {
      return false;
    }
    number += rest;
  }
  if (fraction.empty() && rest.empty()) return parse_integer(number, value);
  value = Json::number(std::move(number));
  return true;
}

Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  Json value;
  if (parse_integer(text, value) || parse_float(text, value)) return value;
  return text;
}

// Builds one document from the parser's events. Problems are thrown as the parser throws its own.
class YamlBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    // The parser makes empty documents of a character that nothing can begin with, for ever.
    if (mark.pos == started_) throw YAML::ParserException(mark, "unexpected character");
    started_ = mark.pos;
    open_.clear();
    anchors_.clear();
    document_ = Json();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, Json(), "");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw YAML::ParserException(mark, "an alias inside its own anchor");
    }
    add(mark, YAML::NullAnchor, found->second, found->second.as_string());
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const bool typed = tag == "?" || tag == "tag:yaml.org,2002:int" ||
                       tag == "tag:yaml.org,2002:float" || tag == "tag:yaml.org,2002:bool" ||
                       tag == "tag:yaml.org,2002:null";
    add(mark, anchor, typed ? plain_scalar(text) : Json(text), text, tag == "?");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, false);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor, true);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  Json take() { return std::move(document_); }

 private:
  struct Open {
    YAML::Mark mark;
    YAML::anchor_t anchor;
    bool is_map;
    Json::Array items;
    Json::Members members;
    std::vector<Json> merged;  // values of "<<"
    std::string name;
    bool has_name = false;
    bool merge_next = false;
  };

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, bool is_map) {
    if (open_.size() >= kMaxDepth) {
      throw YAML::ParserException(mark, "nested more than 256 levels deep");
    }
    if (!open_.empty() && open_.back().is_map && !open_.back().has_name) {
      throw YAML::ParserException(mark, "a key must be a scalar");
    }
    Open opened;
    opened.mark = mark;
    opened.anchor = anchor;
    opened.is_map = is_map;
    open_.push_back(std::move(opened));
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    for (const Json& source : done.merged) merge(done, source);
    Json value = done.is_map ? Json(std::move(done.members)) : Json(std::move(done.items));
    add(done.mark, done.anchor, std::move(value), "");
  }

  static void merge(Open& target, const Json& source) {
    for (const Json& each : source.items()) merge(target, each);
    for (const Json::Member& member : source.members()) {
      if (!has_member(target, member.first)) target.members.push_back(member);
    }
  }

  static bool has_member(const Open& place, std::string_view name) {
    return std::any_of(place.members.begin(), place.members.end(),
                       [&](const Json::Member& member) { return member.first == name; });
  }

  // `text` is the scalar as written, for use as a key.
  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Json value, const std::string& text,
           bool plain = false) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = value;
    if (open_.empty()) {
      document_ = std::move(value);
      return;
    }
    Open& place = open_.back();
    if (!place.is_map) {
      place.items.push_back(std::move(value));
    } else if (!place.has_name) {
      start_member(place, mark, text, plain);
    } else {
      place.has_name = false;
      if (place.merge_next) {
        place.merged.push_back(std::move(value));
      } else {
        place.members.emplace_back(std::move(place.name), std::move(value));
      }
    }
  }

  static void start_member(Open& place, const YAML::Mark& mark, const std::string& text,
                           bool plain) {
    place.merge_next = plain && text == "<<";
    if (!place.merge_next && has_member(place, text)) {
      throw YAML::ParserException(mark, "the key \"" + text + "\" stands twice in one mapping");
    }
    place.name = text;
    place.has_name = true;
  }

  std::vector<Open> open_;
  std::map<YAML::anchor_t, Json> anchors_;
  Json document_;
  int started_ = -1;  // where this document began
};

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
  });
}

// Words and shapes that some YAML reader takes for a boolean, null, number or time.
bool looks_typed(const std::string& text) {
  if (!plain_scalar(text).is_string()) return true;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  for (const char* word : {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}) {
    if (lower == word) return true;
  }
  const char first = unsigned_part(text).empty() ? ' ' : unsigned_part(text)[0];
  return (first >= '0' && first <= '9') || first == '.';
}

bool needs_quotes(const std::string& text) {
  if (text.empty() || looks_typed(text) || has_control_characters(text)) return true;
  if (text.find('\n') != std::string::npos) return true;
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return true;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`=<").find(text.front()) != std::string_view::npos) {
    return text.front() != '-' || text.size() == 1 || text[1] == ' ' || text.starts_with("--");
  }
  return text.find(": ") != std::string::npos || text.find(" #") != std::string::npos;
}

// Whether `text` can be written as a literal block without losing a character.
bool fits_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || has_control_characters(text)) return false;
  if (text.front() == ' ' || text.front() == '\n' || text.ends_with("\n\n")) return false;
  return text.find(" \n") == std::string_view::npos && text.back() != ' ';
}

class YamlWriter {
 public:
  // Writes what follows "key:" or "-", with the line end. Children are indented by `indent`.
  void write_value(const Json& value, int indent, bool after_dash) {
    if (value.is_object() && !value.empty()) {
      if (!after_dash) out_ += '\n';
      write_members(value.members(), indent, after_dash);
    } else if (value.is_array() && !value.empty()) {
      if (!after_dash) out_ += '\n';
      write_items(value.items(), indent, after_dash);
    } else if (value.is_string() && fits_block(value.as_string())) {
      write_block(value.as_string(), indent);
    } else {
      if (!after_dash) out_ += ' ';
      out_ += value.is_string() && !needs_quotes(value.as_string()) ? value.as_string()
                                                                    : to_json(value);
      out_ += '\n';
    }
  }

  void write_members(const Json::Members& members, int indent, bool first_is_indented) {
    for (const auto& [name, value] : members) {
      if (!first_is_indented) pad(indent);
      first_is_indented = false;
      out_ += needs_quotes(name) ? to_json(name) : name;
      out_ += ':';
      // A sequence in a mapping stands under its key, as kubectl prints it.
      write_value(value, value.is_array() ? indent : indent + 2, false);
    }
  }

  void write_items(const Json::Array& items, int indent, bool first_is_indented) {
    for (const Json& item : items) {
      if (!first_is_indented) pad(indent);
      first_is_indented = false;
      out_ += "- ";
      write_value(item, indent + 2, true);
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void pad(int indent) { out_.append(static_cast<size_t>(indent), ' '); }

  void write_block(std::string_view text, int indent) {
    if (out_.ends_with(':')) out_ += ' ';
    out_ += text.back() == '\n' ? "|\n" : "|-\n";
    if (text.back() == '\n') text.remove_suffix(1);
    while (true) {
      const size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      if (!line.empty()) pad(std::max(indent, 2));
      out_ += line;
      out_ += '\n';
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  std::string out_;
};

}  // namespace

Result<std::vector<Json>> parse_yaml(std::string_view text) {
  std::vector<Json> documents;
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    YamlBuilder builder;
    while (parser.HandleNextDocument(builder)) {
      Json document = builder.take();
      if (!document.is_null()) documents.push_back(std::move(document));
    }
  } catch (const YAML::Exception& problem) {
    return fail(Code::kInvalid, "YAML at line {}, column {}: {}", problem.mark.line + 1,
                problem.mark.column + 1, problem.msg);
  }
  return documents;
}

std::string to_yaml(const Json& value) {
  YamlWriter writer;
  writer.write_value(value, 0, true);
  return writer.take();
}

}  // namespace breakwater
