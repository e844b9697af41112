#include <algorithm>

#include "base/json.h"
#include "kube/selector.h"

namespace breakwater::kube {
namespace {

using Requirement = FieldSelector::Requirement;

// In values a backslash makes a comma, an equals sign or a backslash plain.
std::string escape(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == '\\' || c == ',' || c == '=') out += '\\';
    out += c;
  }
  return out;
}

Result<std::string> unescape(std::string_view value) {
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '=') return fail(Code::kInvalid, "the value holds a bare '='");
    if (value[i] == '\\') {
      if (++i == value.size() ||
          std::string_view("\\,=").find(value[i]) == std::string_view::npos) {
        return fail(Code::kInvalid, "a backslash may only stand before ',', '=' and '\\'");
      }
    }
    out += value[i];
  }
  return out;
}

std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> out;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i + 1 < text.size() && text[i] == '\\') {
      ++i;
    } else if (i == text.size() || text[i] == ',') {
      out.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  return out;
}

Result<Requirement> parse_term(std::string_view term) {
  const size_t end = term.find_first_of("=!");
  if (end == std::string_view::npos || end == 0) {
    return fail(Code::kInvalid, "expected path=value or path!=value");
  }
  Requirement out{std::string(term.substr(0, end)), "", term[end] == '='};
  std::string_view value = term.substr(end + 1);
  if (!out.equal && !value.starts_with('=')) return fail(Code::kInvalid, "expected != after path");
  if (value.starts_with('=')) value.remove_prefix(1);
  out.value = TRY(unescape(value));
  return out;
}

// What stands at `path`, as text; "" when nothing does.
std::string text_at(const Object& object, std::string_view path) {
  const Json* node = &object.json();
  while (!path.empty()) {
    const size_t dot = path.find('.');
    node = &(*node)[path.substr(0, dot)];
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  if (node->is_string()) return node->as_string();
  return node->is_bool() || node->is_number() ? to_json(*node) : std::string();
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector selector;
  if (text.empty()) return selector;
  for (std::string_view term : split_terms(text)) {
    if (term.empty()) continue;
    auto requirement = parse_term(term);
    if (!requirement) {
      return fail(Code::kInvalid, "field selector requirement \"{}\" is malformed: {}", term,
                  requirement.error().message());
    }
    selector.requirements_.push_back(*std::move(requirement));
  }
  return selector;
}

FieldSelector FieldSelector::name(std::string_view name) {
  FieldSelector selector;
  selector.requirements_.push_back({"metadata.name", std::string(name), true});
  return selector;
}

bool FieldSelector::matches(const Object& object) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& r) {
    return (text_at(object, r.path) == r.value) == r.equal;
  });
}

std::string FieldSelector::to_string() const {
  std::string out;
  for (const Requirement& r : requirements_) {
    if (!out.empty()) out += ",";
    out += r.path + (r.equal ? "=" : "!=") + escape(r.value);
  }
  return out;
}

}  // namespace breakwater::kube
