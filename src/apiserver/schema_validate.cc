#include <fmt/format.h>

#include <cmath>

#include "apiserver/pattern.h"
#include "apiserver/pattern_parser.h"
#include "apiserver/schema.h"
#include "base/time.h"

namespace breakwater::apiserver {
namespace {

constexpr int kDeepest = 100;

std::string_view type_of(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBool:
      return "boolean";
    case Json::Kind::kInt:
      return "integer";
    case Json::Kind::kNumber:
      return "number";
    case Json::Kind::kString:
      return "string";
    case Json::Kind::kArray:
      return "array";
    case Json::Kind::kObject:
      return "object";
  }
  return "";
}

bool is_of_type(const Json& value, std::string_view type) {
  if (type == "number") return value.is_number();
  if (type == "integer" && value.kind() == Json::Kind::kNumber) {
    const double number = value.as_double();
    return number == std::floor(number);
  }
  return type_of(value) == type;
}

class Validator {
 public:
  explicit Validator(std::vector<std::string>& causes) : causes_(causes) {}
  void check(const Json& schema, const Json& value, const std::string& field, int depth);

 private:
  bool check_type(const Json& schema, const Json& value, const std::string& field);
  void check_enum(const Json& schema, const Json& value, const std::string& field);
  void check_string(const Json& schema, const Json& value, const std::string& field);
  void check_number(const Json& schema, const Json& value, const std::string& field);
  void check_array(const Json& schema, const Json& value, const std::string& field, int depth);
  void check_list_keys(const Json& schema, const Json& value, const std::string& field);
  void check_object(const Json& schema, const Json& value, const std::string& field, int depth);
  void check_logic(const Json& schema, const Json& value, const std::string& field, int depth);

  void bad(const std::string& field, std::string_view value, std::string_view what) {
    causes_.push_back(
        fmt::format("{}: Invalid value: {}: {} in body {}", field, value, field, what));
  }
  static size_t matching(const Json& schemas, const Json& value, const std::string& field,
                         int depth);

  std::vector<std::string>& causes_;
};

void Validator::check(const Json& schema, const Json& value, const std::string& field, int depth) {
  if (depth > kDeepest) {
    bad(field, "\"\"", "is nested too deeply");
    return;
  }
  if (value.is_null() && schema["nullable"].as_bool()) return;
  if (!check_type(schema, value, field)) return;
  check_enum(schema, value, field);
  if (value.is_string()) check_string(schema, value, field);
  if (value.is_number()) check_number(schema, value, field);
  if (value.is_array()) check_array(schema, value, field, depth);
  if (value.is_object()) check_object(schema, value, field, depth);
  check_logic(schema, value, field, depth);
}

bool Validator::check_type(const Json& schema, const Json& value, const std::string& field) {
  std::string type = schema["type"].as_string();
  const bool int_or_string = schema["x-kubernetes-int-or-string"].as_bool();
  if (int_or_string && (value.is_string() || is_of_type(value, "integer"))) return true;
  if (int_or_string) type = "integer,string";
  if (type.empty() || (!int_or_string && is_of_type(value, type))) return true;
  bad(field, fmt::format("\"{}\"", type_of(value)),
      fmt::format("must be of type {}: \"{}\"", type, type_of(value)));
  return false;
}

void Validator::check_enum(const Json& schema, const Json& value, const std::string& field) {
  if (!schema["enum"].is_array()) return;
  std::vector<std::string> supported;
  for (const Json& item : schema["enum"].items()) {
    if (item == value) return;
    supported.push_back(to_json(item));
  }
  causes_.push_back(fmt::format("{}: Unsupported value: {}: supported values: {}", field,
                                to_json(value), fmt::join(supported, ", ")));
}

void Validator::check_string(const Json& schema, const Json& value, const std::string& field) {
  const std::string& text = value.as_string();
  const std::string shown = to_json(value);
  const auto length = static_cast<int64_t>(code_points(text).size());
  if (schema.has("maxLength") && length > schema["maxLength"].as_int()) {
    causes_.push_back(fmt::format("{}: Too long: may not be longer than {}", field,
                                  schema["maxLength"].as_int()));
  }
  if (length < schema["minLength"].as_int()) {
    bad(field, shown,
        fmt::format("should be at least {} chars long", schema["minLength"].as_int()));
  }
  if (schema.has("pattern")) {
    const auto pattern = Pattern::parse(schema["pattern"].as_string());
    if (!pattern || !pattern->search(text)) {
      bad(field, shown, fmt::format("should match '{}'", schema["pattern"].as_string()));
    }
  }
  if (schema["format"].as_string() == "date-time" && !parse_rfc3339(text)) {
    bad(field, shown, fmt::format("must be of type date-time: {}", shown));
  }
}

void Validator::check_number(const Json& schema, const Json& value, const std::string& field) {
  const double number = value.as_double();
  const std::string shown = to_json(value);
  if (schema["minimum"].is_number()) {
    const bool exclusive = schema["exclusiveMinimum"].as_bool();
    const double least = schema["minimum"].as_double();
    if (number < least || (exclusive && number == least)) {
      bad(field, shown,
          fmt::format("should be greater than {}{}", exclusive ? "" : "or equal to ",
                      to_json(schema["minimum"])));
    }
  }
  if (schema["maximum"].is_number()) {
    const bool exclusive = schema["exclusiveMaximum"].as_bool();
    const double most = schema["maximum"].as_double();
    if (number > most || (exclusive && number == most)) {
      bad(field, shown,
          fmt::format("should be less than {}{}", exclusive ? "" : "or equal to ",
                      to_json(schema["maximum"])));
    }
  }
  const double factor = schema["multipleOf"].as_double();
  if (factor > 0 && std::fabs(std::remainder(number, factor)) > factor * 1e-9) {
    bad(field, shown, fmt::format("should be a multiple of {}", to_json(schema["multipleOf"])));
  }
}

void Validator::check_array(const Json& schema, const Json& value, const std::string& field,
                            int depth) {
  const auto size = static_cast<int64_t>(value.size());
  if (schema.has("maxItems") && size > schema["maxItems"].as_int()) {
    causes_.push_back(fmt::format("{}: Too many: {}: must have at most {} items", field, size,
                                  schema["maxItems"].as_int()));
  }
  if (size < schema["minItems"].as_int()) {
    bad(field, std::to_string(size),
        fmt::format("should have at least {} items", schema["minItems"].as_int()));
  }
  check_list_keys(schema, value, field);
  if (!schema["items"].is_object()) return;
  for (size_t i = 0; i < value.size(); ++i) {
    check(schema["items"], value[i], fmt::format("{}[{}]", field, i), depth + 1);
  }
}

// Lists that are sets or maps hold no element, or key, twice.
void Validator::check_list_keys(const Json& schema, const Json& value, const std::string& field) {
  const std::string& type = schema["x-kubernetes-list-type"].as_string();
  if (type != "set" && type != "map") return;
  std::vector<Json> seen;
  for (size_t i = 0; i < value.size(); ++i) {
    Json key = value[i];
    if (type == "map") {
      key = Json::object();
      for (const Json& name : schema["x-kubernetes-list-map-keys"].items()) {
        key.set(name.as_string(), value[i][name.as_string()]);
      }
    }
    for (const Json& other : seen) {
      if (!(other == key)) continue;
      causes_.push_back(fmt::format("{}[{}]: Duplicate value: {}", field, i, to_json(key)));
      break;
    }
    seen.push_back(std::move(key));
  }
}

void Validator::check_object(const Json& schema, const Json& value, const std::string& field,
                             int depth) {
  const std::string prefix = field.empty() ? "" : field + ".";
  for (const Json& name : schema["required"].items()) {
    if (!value.has(name.as_string())) {
      causes_.push_back(fmt::format("{}{}: Required value", prefix, name.as_string()));
    }
  }
  const auto size = static_cast<int64_t>(value.size());
  if (schema.has("maxProperties") && size > schema["maxProperties"].as_int()) {
    causes_.push_back(fmt::format("{}: Too many: {}: must have at most {} items", field, size,
                                  schema["maxProperties"].as_int()));
  }
  if (size < schema["minProperties"].as_int()) {
    bad(field, std::to_string(size),
        fmt::format("should have at least {} properties", schema["minProperties"].as_int()));
  }
  const bool root = depth == 0;
  for (const auto& [name, member] : value.members()) {
    if (root && name == "metadata") continue;
    const Json* property = schema["properties"].find(name);
    if (!property && schema["additionalProperties"].is_object()) {
      property = &schema["additionalProperties"];
    }
    if (property) check(*property, member, prefix + name, depth + 1);
  }
}

size_t Validator::matching(const Json& schemas, const Json& value, const std::string& field,
                           int depth) {
  size_t count = 0;
  for (const Json& schema : schemas.items()) {
    std::vector<std::string> causes;
    Validator(causes).check(schema, value, field, depth + 1);
    if (causes.empty()) ++count;
  }
  return count;
}

void Validator::check_logic(const Json& schema, const Json& value, const std::string& field,
                            int depth) {
  const auto wrong = [&](std::string_view what) {
    causes_.push_back(fmt::format("{}: Invalid value: \"\": \"{}\" must {}", field, field, what));
  };
  for (const Json& part : schema["allOf"].items()) check(part, value, field, depth + 1);
  const Json& any = schema["anyOf"];
  if (!any.empty() && matching(any, value, field, depth) == 0) {
    wrong("validate at least one schema (anyOf)");
  }
  const Json& one = schema["oneOf"];
  if (!one.empty() && matching(one, value, field, depth) != 1) {
    wrong("validate one and only one schema (oneOf)");
  }
  const Json& never = schema["not"];
  if (never.is_object() && matching(Json::array({never}), value, field, depth) != 0) {
    wrong("not validate the schema (not)");
  }
}

}  // namespace

std::vector<std::string> schema_errors(const Json& schema, const Json& object) {
  std::vector<std::string> causes;
  Validator(causes).check(schema, object, "", 0);
  return causes;
}

}  // namespace breakwater::apiserver
