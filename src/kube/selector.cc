#include "kube/selector.h"

#include <algorithm>

#include "kube/names.h"

namespace breakwater::kube {
namespace {

using Requirement = LabelSelector::Requirement;
using Operator = LabelSelector::Operator;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Parts between commas that stand outside parentheses.
std::vector<std::string_view> split_requirements(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth <= 0)) {
      out.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')') {
      --depth;
    }
  }
  return out;
}

// Checks names and brings the values into order, so that equal requirements compare equal.
Result<Requirement> checked(Requirement requirement) {
  TRY(check_label_name(requirement.key));
  for (const std::string& value : requirement.values) TRY(check_label_value(value));
  std::sort(requirement.values.begin(), requirement.values.end());
  auto& values = requirement.values;
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return requirement;
}

// "(a, b)" after `in` or `notin`. "()" holds one empty value, as in Kubernetes.
Result<std::vector<std::string>> parse_values(std::string_view text) {
  text = trim(text);
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') {
    return fail(Code::kInvalid, "values must stand in parentheses");
  }
  text = text.substr(1, text.size() - 2);
  if (text.find_first_of("()") != std::string_view::npos) {
    return fail(Code::kInvalid, "values may not hold parentheses");
  }
  std::vector<std::string> out;
  for (std::string_view value : split_requirements(text)) out.emplace_back(value);
  return out;
}

Result<Requirement> parse_set_requirement(std::string_view key, std::string_view rest) {
  const size_t end = rest.find_first_of(" \t(");
  const std::string_view word = rest.substr(0, end);
  if (word != "in" && word != "notin") {
    return fail(Code::kInvalid, "expected one of in, notin, =, ==, !=");
  }
  const std::string_view values = end == std::string_view::npos ? "" : rest.substr(end);
  return checked({std::string(key), word == "in" ? Operator::kIn : Operator::kNotIn,
                  TRY(parse_values(values))});
}

Result<Requirement> parse_requirement(std::string_view text) {
  if (text.empty()) return fail(Code::kInvalid, "a requirement is empty");
  if (text.front() == '!') {
    return checked({std::string(trim(text.substr(1))), Operator::kDoesNotExist, {}});
  }
  const size_t key_end = text.find_first_of(" \t=!(<>");
  const std::string_view key = text.substr(0, key_end);
  const std::string_view rest = key_end == std::string_view::npos ? "" : trim(text.substr(key_end));
  if (rest.empty()) return checked({std::string(key), Operator::kExists, {}});
  if (rest.front() == '<' || rest.front() == '>') {
    return fail(Code::kInvalid, "comparisons with < and > are not supported");
  }
  if (rest.starts_with("!=")) {
    return checked({std::string(key), Operator::kNotIn, {std::string(trim(rest.substr(2)))}});
  }
  if (rest.front() == '=') {
    const std::string_view value = rest.substr(rest.starts_with("==") ? 2 : 1);
    return checked({std::string(key), Operator::kIn, {std::string(trim(value))}});
  }
  return parse_set_requirement(key, rest);
}

Result<Requirement> expression_from_json(const Json& expression) {
  Requirement requirement{expression["key"].as_string(), Operator::kExists, {}};
  const std::string& op = expression["operator"].as_string();
  for (const Json& value : expression["values"].items()) {
    if (!value.is_string()) return fail(Code::kInvalid, "values must be strings");
    requirement.values.push_back(value.as_string());
  }
  const bool has_values = !requirement.values.empty();
  if (op == "In" || op == "NotIn") {
    requirement.op = op == "In" ? Operator::kIn : Operator::kNotIn;
    if (!has_values) return fail(Code::kInvalid, "operator {} needs values", op);
  } else if (op == "Exists" || op == "DoesNotExist") {
    requirement.op = op == "Exists" ? Operator::kExists : Operator::kDoesNotExist;
    if (has_values) return fail(Code::kInvalid, "operator {} takes no values", op);
  } else {
    return fail(Code::kInvalid, "operator must be In, NotIn, Exists or DoesNotExist, not \"{}\"",
                op);
  }
  return checked(std::move(requirement));
}

bool holds(const Requirement& requirement, const Json& labels) {
  const Json* label = labels.find(requirement.key);
  const auto& values = requirement.values;
  const bool in = label && std::binary_search(values.begin(), values.end(), label->as_string());
  switch (requirement.op) {
    case Operator::kIn:
      return in;
    case Operator::kNotIn:
      return !in;
    case Operator::kExists:
      return label != nullptr;
    case Operator::kDoesNotExist:
      return label == nullptr;
  }
  return false;
}

std::string print(const Requirement& requirement) {
  const auto& [key, op, values] = requirement;
  if (op == Operator::kExists) return key;
  if (op == Operator::kDoesNotExist) return "!" + key;
  const bool in = op == Operator::kIn;
  if (values.size() == 1) return key + (in ? "=" : "!=") + values.front();
  std::string out = key + (in ? " in (" : " notin (");
  for (size_t i = 0; i < values.size(); ++i) out += (i ? "," : "") + values[i];
  return out + ")";
}

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector selector;
  if (trim(text).empty()) return selector;
  for (std::string_view part : split_requirements(text)) {
    auto requirement = parse_requirement(part);
    if (!requirement) {
      return fail(Code::kInvalid, "label selector requirement \"{}\" is malformed: {}", part,
                  requirement.error().message());
    }
    selector.requirements_.push_back(*std::move(requirement));
  }
  return selector;
}

Result<LabelSelector> LabelSelector::from_json(const Json& json) {
  LabelSelector selector;
  if (json.is_null()) return selector;
  if (!json.is_object()) return fail(Code::kInvalid, "a label selector must be an object");
  for (const auto& [key, value] : json["matchLabels"].members()) {
    auto requirement =
        value.is_string() ? checked({key, Operator::kIn, {value.as_string()}})
                          : Result<Requirement>(fail(Code::kInvalid, "the value must be a string"));
    if (!requirement) {
      return fail(Code::kInvalid, "matchLabels[{}]: {}", key, requirement.error().message());
    }
    selector.requirements_.push_back(*std::move(requirement));
  }
  const Json& expressions = json["matchExpressions"];
  for (size_t i = 0; i < expressions.size(); ++i) {
    auto requirement = expression_from_json(expressions[i]);
    if (!requirement) {
      return fail(Code::kInvalid, "matchExpressions[{}]: {}", i, requirement.error().message());
    }
    selector.requirements_.push_back(*std::move(requirement));
  }
  return selector;
}

LabelSelector LabelSelector::equals(std::string_view key, std::string_view value) {
  LabelSelector selector;
  selector.requirements_.push_back({std::string(key), Operator::kIn, {std::string(value)}});
  return selector;
}

LabelSelector& LabelSelector::add(Requirement requirement) {
  std::sort(requirement.values.begin(), requirement.values.end());
  requirements_.push_back(std::move(requirement));
  return *this;
}

bool LabelSelector::matches(const Json& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const Requirement& requirement) { return holds(requirement, labels); });
}

std::string LabelSelector::to_string() const {
  std::string out;
  for (const Requirement& requirement : requirements_) {
    if (!out.empty()) out += ",";
    out += print(requirement);
  }
  return out;
}

}  // namespace breakwater::kube
