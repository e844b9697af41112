#include "apiserver/schema.h"

#include "apiserver/pattern.h"

namespace breakwater::apiserver {
namespace {

constexpr int kDeepest = 100;

bool is_type_meta(std::string_view name) {
  return name == "apiVersion" || name == "kind" || name == "metadata";
}

bool known_type(std::string_view type) {
  return type == "object" || type == "array" || type == "string" || type == "integer" ||
         type == "number" || type == "boolean";
}

void check_at(const Json& schema, const std::string& field, int depth,
              std::vector<std::string>& causes) {
  if (depth > kDeepest) {
    causes.push_back(field + ": Invalid value: the schema is nested too deeply");
    return;
  }
  const std::string& type = schema["type"].as_string();
  const bool untyped = schema["x-kubernetes-int-or-string"].as_bool() ||
                       schema["x-kubernetes-preserve-unknown-fields"].as_bool();
  if (type.empty() && !untyped) {
    causes.push_back(field +
                     ".type: Required value: must not be empty for specified object fields");
  } else if (!type.empty() && !known_type(type)) {
    causes.push_back(
        fmt::format("{}.type: Unsupported value: \"{}\": supported values: \"array\", "
                    "\"boolean\", \"integer\", \"number\", \"object\", \"string\"",
                    field, type));
  }
  if (schema.has("pattern")) {
    const auto pattern = Pattern::parse(schema["pattern"].as_string());
    if (!pattern) {
      causes.push_back(
          fmt::format("{}.pattern: Invalid value: \"{}\": must be a valid regular "
                      "expression, but isn't: {}",
                      field, schema["pattern"].as_string(), pattern.error().message()));
    }
  }
  for (const auto& [name, property] : schema["properties"].members()) {
    check_at(property, fmt::format("{}.properties[{}]", field, name), depth + 1, causes);
  }
  if (schema["additionalProperties"].is_object()) {
    check_at(schema["additionalProperties"], field + ".additionalProperties", depth + 1, causes);
  }
  if (type == "array" && !schema["items"].is_object()) {
    causes.push_back(field + ".items: Required value: must be specified");
  } else if (schema["items"].is_object()) {
    check_at(schema["items"], field + ".items", depth + 1, causes);
  }
}

bool wants_default(const Json& schema, const Json* value) {
  if (schema["default"].is_null()) return false;
  return !value || (value->is_null() && !schema["nullable"].as_bool());
}

// Calls `change` with the schema and a copy of each child that has a schema, and writes the child
// back if it returns true. Returns whether anything changed.
template <class Change>
bool change_children(const Json& schema, Json& value, bool root, const Change& change) {
  bool changed = false;
  if (value.is_array()) {
    const Json& items = schema["items"];
    for (size_t i = 0; items.is_object() && i < value.size(); ++i) {
      Json child = value[i];
      if (!change(items, child)) continue;
      value.set_item(i, std::move(child));
      changed = true;
    }
    return changed;
  }
  const Json before = value;
  const Json& properties = schema["properties"];
  const Json& others = schema["additionalProperties"];
  for (const auto& [name, member] : before.members()) {
    if (root && is_type_meta(name)) continue;
    const Json* property = properties.find(name);
    if (!property && others.is_object()) property = &others;
    Json child = member;
    if (!property || !change(*property, child)) continue;
    value.set(name, std::move(child));
    changed = true;
  }
  return changed;
}

bool add_defaults(const Json& schema, Json& value, bool root) {
  bool changed = false;
  if (value.is_object()) {
    for (const auto& [name, property] : schema["properties"].members()) {
      if ((root && is_type_meta(name)) || !wants_default(property, value.find(name))) continue;
      value.set(name, property["default"]);
      changed = true;
    }
  }
  const bool below = change_children(schema, value, root, [](const Json& s, Json& v) {
    if (wants_default(s, &v)) {
      v = s["default"];
      add_defaults(s, v, false);
      return true;
    }
    return add_defaults(s, v, false);
  });
  return changed || below;
}

bool prune(const Json& schema, Json& value, bool root) {
  bool changed = false;
  const bool embedded = root || schema["x-kubernetes-embedded-resource"].as_bool();
  const bool all_known = schema["x-kubernetes-preserve-unknown-fields"].as_bool() ||
                         schema["additionalProperties"].is_object() ||
                         schema["additionalProperties"].as_bool();
  if (value.is_object() && !all_known) {
    const Json before = value;
    for (const auto& member : before.members()) {
      if (schema["properties"].has(member.first) || (embedded && is_type_meta(member.first))) {
        continue;
      }
      value.erase(member.first);
      changed = true;
    }
  }
  const bool below = change_children(schema, value, embedded,
                                     [](const Json& s, Json& v) { return prune(s, v, false); });
  return changed || below;
}

}  // namespace

void check_schema(const Json& schema, const std::string& field, std::vector<std::string>& causes) {
  if (schema["type"].as_string() != "object") {
    causes.push_back(fmt::format("{}.type: Invalid value: \"{}\": must be object at the root",
                                 field, schema["type"].as_string()));
  }
  check_at(schema, field, 0, causes);
}

Json with_defaults(const Json& schema, Json object) {
  add_defaults(schema, object, true);
  return object;
}

Json pruned(const Json& schema, Json object) {
  prune(schema, object, true);
  return object;
}

}  // namespace breakwater::apiserver
