#include "apiserver/json_path.h"

#include <charconv>

namespace breakwater::apiserver {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool is_quoted(std::string_view text) {
  return text.size() >= 2 && (text.front() == '\'' || text.front() == '"') &&
         text.back() == text.front();
}

// Where the bracket that opens at `open` closes, minding quotes; npos if it does not.
size_t closing_bracket(std::string_view text, size_t open) {
  char quote = 0;
  for (size_t i = open + 1; i < text.size(); ++i) {
    if (quote) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '\'' || text[i] == '"') {
      quote = text[i];
    } else if (text[i] == ']') {
      return i;
    }
  }
  return std::string_view::npos;
}

// Reads a member name from `at` on; a backslash takes the next character as it is.
std::string read_name(std::string_view text, size_t& at) {
  std::string name;
  while (at < text.size() && text[at] != '.' && text[at] != '[') {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    name += text[at++];
  }
  return name;
}

Result<Json> read_literal(std::string_view text) {
  if (is_quoted(text)) return Json(text.substr(1, text.size() - 2));
  if (text == "true" || text == "false") return Json(text == "true");
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc() && end == text.data() + text.size()) return Json(number);
  return fail(Code::kInvalid, "\"{}\" is not a value that a filter can compare with", text);
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') {
    text = trimmed(text.substr(1, text.size() - 2));
  }
  if (!text.empty() && text.front() == '$') text.remove_prefix(1);
  JsonPath path;
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '[') {
      const size_t close = closing_bracket(text, at);
      if (close == std::string_view::npos) {
        return fail(Code::kInvalid, "the bracket in \"{}\" is not closed", text);
      }
      path.steps_.push_back(TRY(parse_bracket(trimmed(text.substr(at + 1, close - at - 1)))));
      at = close + 1;
      continue;
    }
    if (text[at] == '.') ++at;
    if (at < text.size() && text[at] == '[') continue;
    Step step;
    step.name = read_name(text, at);
    if (step.name.empty()) {
      if (at == text.size()) break;
      return fail(Code::kInvalid, "\"{}\" has an empty member name", text);
    }
    if (step.name == "*") step.kind = Step::Kind::kAll;
    path.steps_.push_back(std::move(step));
  }
  return path;
}

Result<JsonPath::Step> JsonPath::parse_bracket(std::string_view inside) {
  Step step;
  if (inside == "*") {
    step.kind = Step::Kind::kAll;
    return step;
  }
  if (is_quoted(inside)) {
    step.name = inside.substr(1, inside.size() - 2);
    return step;
  }
  if (inside.starts_with("?(") && inside.ends_with(")")) {
    return parse_filter(trimmed(inside.substr(2, inside.size() - 3)));
  }
  step.kind = Step::Kind::kIndex;
  const auto [end, problem] =
      std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
  if (problem != std::errc() || end != inside.data() + inside.size()) {
    return fail(Code::kInvalid, "\"[{}]\" is neither an index, a name nor a filter", inside);
  }
  return step;
}

Result<JsonPath::Step> JsonPath::parse_filter(std::string_view inside) {
  Step step;
  step.kind = Step::Kind::kFilter;
  std::string_view left = inside;
  size_t op = inside.find("==");
  if (op == std::string_view::npos) {
    op = inside.find("!=");
    step.filter_equal = false;
  }
  if (op != std::string_view::npos) {
    left = trimmed(inside.substr(0, op));
    step.filter_value = TRY(read_literal(trimmed(inside.substr(op + 2))));
  }
  if (!left.starts_with("@.")) {
    return fail(Code::kInvalid, "the filter \"{}\" does not start with @.", inside);
  }
  size_t at = 1;
  while (at < left.size()) {
    ++at;  // the dot
    step.filter_path.push_back(read_name(left, at));
    if (step.filter_path.back().empty() || (at < left.size() && left[at] != '.')) {
      return fail(Code::kInvalid, "the filter \"{}\" is not a simple path", inside);
    }
  }
  return step;
}

void JsonPath::take_step(const Step& step, const Json& node, std::vector<Json>& out) {
  switch (step.kind) {
    case Step::Kind::kMember:
      if (const Json* member = node.find(step.name)) out.push_back(*member);
      return;
    case Step::Kind::kIndex: {
      const int64_t size = static_cast<int64_t>(node.items().size());
      const int64_t index = step.index < 0 ? step.index + size : step.index;
      if (index >= 0 && index < size) out.push_back(node[static_cast<size_t>(index)]);
      return;
    }
    case Step::Kind::kAll:
      for (const Json& item : node.items()) out.push_back(item);
      for (const auto& [name, member] : node.members()) out.push_back(member);
      return;
    case Step::Kind::kFilter:
      for (const Json& item : node.items()) {
        const Json& value = item.at(std::span<const std::string>(step.filter_path));
        const bool selected = step.filter_value.is_null()
                                  ? !value.is_null()
                                  : (value == step.filter_value) == step.filter_equal;
        if (selected) out.push_back(item);
      }
      return;
  }
}

std::vector<Json> JsonPath::find(const Json& root) const {
  std::vector<Json> nodes{root};
  for (const Step& step : steps_) {
    std::vector<Json> next;
    for (const Json& node : nodes) take_step(step, node, next);
    nodes = std::move(next);
  }
  return nodes;
}

}  // namespace breakwater::apiserver
