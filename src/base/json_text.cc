#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <iterator>
#include <numeric>

#include "base/json.h"

namespace breakwater {

namespace {

namespace bj = boost::json;

constexpr size_t kMaxText = size_t{64} << 20;
constexpr size_t kMaxDepth = 256;

// Keeps the last of members with equal names, at the place of the first.
void drop_duplicates(Json::Members& members) {
  std::vector<size_t> order(members.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return members[a].first < members[b].first; });
  std::vector<bool> dropped(members.size());
  for (size_t i = 0; i < order.size();) {
    size_t last = i;
    while (last + 1 < order.size() && members[order[last + 1]].first == members[order[i]].first) {
      dropped[order[++last]] = true;
    }
    if (last != i) members[order[i]].second = std::move(members[order[last]].second);
    i = last + 1;
  }
  size_t kept = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    if (dropped[i]) continue;
    if (kept != i) members[kept] = std::move(members[i]);
    ++kept;
  }
  members.resize(kept);
}

bool has_duplicates(const Json::Members& members) {
  if (members.size() > 16) return true;  // let the sort find out
  for (size_t i = 1; i < members.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (members[i].first == members[j].first) return true;
    }
  }
  return false;
}

// Takes the events of Boost's parser. Finished values and the names of unfinished objects wait on
// two stacks until the parser says how many belong to the container that ends.
class Builder {
 public:
  static constexpr size_t max_object_size = size_t(-1);
  static constexpr size_t max_array_size = size_t(-1);
  static constexpr size_t max_key_size = size_t(-1);
  static constexpr size_t max_string_size = size_t(-1);

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_array_begin(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) { return true; }

  bool on_array_end(size_t n, bj::error_code&) {
    const auto first = values_.end() - static_cast<ptrdiff_t>(n);
    Json::Array items(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.resize(values_.size() - n);
    values_.emplace_back(std::move(items));
    return true;
  }

  bool on_object_end(size_t n, bj::error_code&) {
    const size_t first_value = values_.size() - n;
    const size_t first_name = names_.size() - n;
    Json::Members members;
    members.reserve(n);
    for (size_t i = 0; i < n; ++i) {
      members.emplace_back(std::move(names_[first_name + i]), std::move(values_[first_value + i]));
    }
    names_.resize(first_name);
    values_.resize(first_value);
    if (has_duplicates(members)) drop_duplicates(members);
    values_.emplace_back(std::move(members));
    return true;
  }

  bool on_key_part(bj::string_view part, size_t, bj::error_code&) { return add(part); }
  bool on_key(bj::string_view part, size_t, bj::error_code&) {
    names_.push_back(take(part));
    return true;
  }
  bool on_string_part(bj::string_view part, size_t, bj::error_code&) { return add(part); }
  bool on_string(bj::string_view part, size_t, bj::error_code&) {
    values_.emplace_back(take(part));
    return true;
  }

  bool on_number_part(bj::string_view part, bj::error_code&) { return add(part); }
  bool on_int64(int64_t value, bj::string_view part, bj::error_code&) {
    std::string text = take(part);
    values_.push_back(text == "-0" ? Json::number(std::move(text)) : Json(value));
    return true;
  }
  bool on_uint64(uint64_t, bj::string_view part, bj::error_code&) { return number(part); }
  bool on_double(double, bj::string_view part, bj::error_code&) { return number(part); }

  bool on_bool(bool value, bj::error_code&) {
    values_.emplace_back(value);
    return true;
  }
  bool on_null(bj::error_code&) {
    values_.emplace_back();
    return true;
  }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

  Json result() { return std::move(values_.back()); }

 private:
  bool add(bj::string_view part) {
    partial_.append(part.data(), part.size());
    return true;
  }
  std::string take(bj::string_view part) {
    if (partial_.empty()) return std::string(part.data(), part.size());
    add(part);
    std::string text = std::move(partial_);
    partial_.clear();
    return text;
  }
  bool number(bj::string_view part) {
    values_.push_back(Json::number(take(part)));
    return true;
  }

  std::vector<Json> values_;
  std::vector<std::string> names_;
  std::string partial_;
};

std::string_view describe(const bj::error_code& error) {
  if (error == bj::error::incomplete) return "the text ends too early";
  if (error == bj::error::too_deep) return "it is nested more than 256 levels deep";
  if (error == bj::error::extra_data) return "something follows the value";
  return "syntax error";
}

class Writer {
 public:
  explicit Writer(int indent) : indent_(indent) {}

  void write(const Json& value, int level) {
    switch (value.kind()) {
      case Json::Kind::kNull:
        out_ += "null";
        break;
      case Json::Kind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        break;
      case Json::Kind::kInt:
        fmt::format_to(std::back_inserter(out_), "{}", value.as_int());
        break;
      case Json::Kind::kNumber:
        out_ += value.as_string();
        break;
      case Json::Kind::kString:
        write_string(value.as_string());
        break;
      case Json::Kind::kArray:
        write_array(value.items(), level);
        break;
      case Json::Kind::kObject:
        write_object(value.members(), level);
        break;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_array(const Json::Array& items, int level) {
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ',';
      line(level + 1);
      write(items[i], level + 1);
    }
    if (!items.empty()) line(level);
    out_ += ']';
  }

  void write_object(const Json::Members& members, int level) {
    out_ += '{';
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out_ += ',';
      line(level + 1);
      write_string(members[i].first);
      out_ += indent_ < 0 ? ":" : ": ";
      write(members[i].second, level + 1);
    }
    if (!members.empty()) line(level);
    out_ += '}';
  }

  void line(int level) {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<size_t>(level) * static_cast<size_t>(indent_), ' ');
  }

  void write_string(std::string_view text) {
    out_ += '"';
    size_t written = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      out_.append(text.substr(written, i - written));
      write_escape(c);
      written = i + 1;
    }
    out_.append(text.substr(written));
    out_ += '"';
  }

  void write_escape(unsigned char c) {
    switch (c) {
      case '"':
        out_ += "\\\"";
        break;
      case '\\':
        out_ += "\\\\";
        break;
      case '\b':
        out_ += "\\b";
        break;
      case '\f':
        out_ += "\\f";
        break;
      case '\n':
        out_ += "\\n";
        break;
      case '\r':
        out_ += "\\r";
        break;
      case '\t':
        out_ += "\\t";
        break;
      default:
        fmt::format_to(std::back_inserter(out_), "\\u{:04x}", c);
    }
  }

  int indent_;
  std::string out_;
};

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (text.size() > kMaxText) return fail(Code::kInvalid, "JSON text is larger than 64 MiB");
  bj::parse_options options;
  options.max_depth = kMaxDepth;
  bj::basic_parser<Builder> parser(options);
  bj::error_code error;
  const size_t parsed = parser.write_some(false, text.data(), text.size(), error);
  if (!error && parsed < text.size()) error = bj::error::extra_data;
  if (error) return fail(Code::kInvalid, "JSON at offset {}: {}", parsed, describe(error));
  return parser.handler().result();
}

std::string to_json(const Json& value, int indent) {
  Writer writer(indent);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace breakwater
