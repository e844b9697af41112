#include "apiserver/openapi.h"

#include <algorithm>
#include <array>
#include <set>

#include "apiserver/openapi_builtin.h"

namespace breakwater::apiserver {

namespace {

constexpr std::string_view kDefinitions = "#/definitions/";

// What a schema says about itself that both versions understand.
constexpr std::array<std::string_view, 21> kPlainKeywords = {"type",
                                                             "format",
                                                             "title",
                                                             "description",
                                                             "default",
                                                             "maximum",
                                                             "minimum",
                                                             "maxLength",
                                                             "minLength",
                                                             "pattern",
                                                             "maxItems",
                                                             "minItems",
                                                             "uniqueItems",
                                                             "enum",
                                                             "required",
                                                             "maxProperties",
                                                             "minProperties",
                                                             "multipleOf",
                                                             "exclusiveMaximum",
                                                             "exclusiveMinimum",
                                                             "x-kubernetes-list-map-keys"};

bool takes_anything(const Json& schema) {
  return schema["x-kubernetes-int-or-string"].as_bool() || schema["nullable"].as_bool();
}

Json group_version_kind(const ServedKind& kind) {
  return Json::array(
      {Json::object({{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}})});
}

Json described(const Json& schema, std::string_view fallback) {
  return schema["description"].is_string() ? schema["description"] : Json(fallback);
}

// What is the same in every object, however its CRD describes it.
void add_object_fields(Json& schema) {
  Json text = Json::object({{"type", "string"}});
  text.set("description", "The group and version of this object's kind.");
  schema.set({"properties", "apiVersion"}, text);
  text.set("description", "The object's kind.");
  schema.set({"properties", "kind"}, text);
  Json metadata = Json::object({{"description", "What every object has."}});
  metadata.set("$ref", std::string(kDefinitions) + full_definition_name("meta.v1.ObjectMeta"));
  schema.set({"properties", "metadata"}, std::move(metadata));
}

// The definition of a kind that is not in the built-in texts.
Json kind_definition(const ServedKind& kind, bool v2) {
  Json schema = v2 ? to_openapi_v2(kind.schema) : kind.schema;
  if (!schema.is_object()) schema = Json::object();
  schema.set("type", "object");
  schema.set("description", described(schema, kind.kind + " of " + kind.key().api_version() + "."));
  if (v2 && schema["properties"].empty()) {
    // Listing any field would forbid all others.
    schema.erase("properties");
  } else {
    add_object_fields(schema);
  }
  schema.set("x-kubernetes-group-version-kind", group_version_kind(kind));
  return schema;
}

// OpenAPI v2 → v3: references move, and a reference with a description is wrapped.
Json to_v3(const Json& value) {
  if (value.is_array()) {
    Json::Array items;
    for (const Json& item : value.items()) items.push_back(to_v3(item));
    return Json(std::move(items));
  }
  if (!value.is_object()) return value;
  Json result = Json::object();
  for (const auto& [name, member] : value.members()) {
    const std::string& text = member.as_string();
    if (name == "$ref" && text.starts_with(kDefinitions)) {
      Json target =
          Json::object({{"$ref", "#/components/schemas/" + text.substr(kDefinitions.size())}});
      if (value.size() == 1) return target;
      result.set("allOf", Json::array({std::move(target)}));
    } else {
      result.set(name, to_v3(member));
    }
  }
  return result;
}

// The names of the definitions that `schema` refers to.
void collect_references(const Json& schema, std::vector<std::string>& out) {
  for (const Json& item : schema.items()) collect_references(item, out);
  for (const auto& [name, member] : schema.members()) {
    if (name == "$ref" && member.is_string()) {
      const std::string& target = member.as_string();
      out.push_back(target.substr(target.rfind('/') + 1));
    } else {
      collect_references(member, out);
    }
  }
}

Json info() { return Json::object({{"title", "Kubernetes"}, {"version", "v1.31.0+breakwater"}}); }

std::string group_version_path(const ServedKind& kind) {
  return kind.group.empty() ? "api/" + kind.version : "apis/" + kind.group + "/" + kind.version;
}

Json operation(const ServedKind& kind) {
  Json get = Json::object({{"responses", Json::object()}});
  get.set("x-kubernetes-group-version-kind", group_version_kind(kind)[0]);
  return Json::object({{"get", std::move(get)}});
}

}  // namespace

Json to_openapi_v2(const Json& schema) {
  if (!schema.is_object()) return Json();
  Json result = Json::object();
  const bool anything = takes_anything(schema);
  const bool open = anything || schema["x-kubernetes-preserve-unknown-fields"].as_bool() ||
                    schema["x-kubernetes-embedded-resource"].as_bool();
  for (const auto& [name, value] : schema.members()) {
    const bool plain =
        std::find(kPlainKeywords.begin(), kPlainKeywords.end(), name) != kPlainKeywords.end();
    if (!plain && !name.starts_with("x-kubernetes-")) continue;
    if (name == "x-kubernetes-validations") continue;
    if (anything && (name == "type" || name == "enum" || name == "default")) continue;
    if (open && name == "required") continue;
    result.set(name, value);
  }
  if (open) return result;
  if (schema.has("items")) result.set("items", to_openapi_v2(schema["items"]));
  if (schema["additionalProperties"].is_object()) {
    result.set("additionalProperties", to_openapi_v2(schema["additionalProperties"]));
  }
  for (const auto& [name, property] : schema["properties"].members()) {
    result.set({"properties", name}, to_openapi_v2(property));
  }
  return result;
}

OpenApi::OpenApi(const Registry& registry) : registry_(registry), builtin_(builtin_definitions()) {}

OpenApi::Text OpenApi::cached(const std::string& name, const std::function<std::string()>& make) {
  const std::lock_guard lock(mutex_);
  const uint64_t generation = registry_.generation();
  if (generation != generation_) {
    texts_.clear();
    generation_ = generation;
  }
  Text& text = texts_[name];
  if (!text) text = std::make_shared<const std::string>(make());
  return text;
}

Json OpenApi::make_v2() const {
  Json definitions = builtin_;
  for (const ServedKindPtr& kind : registry_.all()) {
    const std::string name = definition_name(kind->group, kind->version, kind->kind);
    if (!definitions.has(name)) definitions.set(name, kind_definition(*kind, true));
  }
  return Json::object({{"swagger", "2.0"},
                       {"info", info()},
                       {"paths", Json::object()},
                       {"definitions", std::move(definitions)}});
}

Json OpenApi::make_v3_index() const {
  Json paths = Json::object();
  for (const ServedKindPtr& kind : registry_.all()) {
    const std::string path = group_version_path(*kind);
    // The hash makes clients fetch again when something changed.
    paths.set({path, "serverRelativeURL"},
              "/openapi/v3/" + path + "?hash=" + std::to_string(registry_.generation()));
  }
  return Json::object({{"paths", std::move(paths)}});
}

Json OpenApi::make_v3(const std::string& group_version) const {
  Json paths = Json::object();
  Json schemas = Json::object();
  std::vector<std::string> wanted;
  for (const ServedKindPtr& kind : registry_.all()) {
    if (group_version_path(*kind) != group_version) continue;
    const std::string scope = kind->namespaced ? "/namespaces/{namespace}/" : "/";
    paths.set("/" + group_version + scope + kind->plural, operation(*kind));
    const std::string name = definition_name(kind->group, kind->version, kind->kind);
    if (!builtin_.has(name)) schemas.set(name, to_v3(kind_definition(*kind, false)));
    wanted.push_back(name);
  }
  if (wanted.empty()) return Json();
  collect_references(schemas, wanted);
  std::set<std::string> seen;
  while (!wanted.empty()) {
    const std::string name = wanted.back();
    wanted.pop_back();
    if (!seen.insert(name).second || !builtin_.has(name)) continue;
    schemas.set(name, to_v3(builtin_[name]));
    collect_references(builtin_[name], wanted);
  }
  return Json::object({{"openapi", "3.0.0"},
                       {"info", info()},
                       {"paths", std::move(paths)},
                       {"components", Json::object({{"schemas", std::move(schemas)}})}});
}

OpenApi::Text OpenApi::v2_json() {
  return cached("v2", [this] { return to_json(make_v2()); });
}

OpenApi::Text OpenApi::v2_protobuf() {
  return cached("v2+protobuf", [this] { return encode_openapi_v2(make_v2()); });
}

OpenApi::Text OpenApi::v3_index() {
  return cached("v3", [this] { return to_json(make_v3_index()); });
}

OpenApi::Text OpenApi::v3(const std::string& group_version) {
  // Only names of the index enter the cache, or any client could fill it.
  const std::vector<ServedKindPtr> kinds = registry_.all();
  const bool served = std::any_of(kinds.begin(), kinds.end(), [&](const ServedKindPtr& kind) {
    return group_version_path(*kind) == group_version;
  });
  if (!served) return nullptr;
  return cached("v3/" + group_version, [&] { return to_json(make_v3(group_version)); });
}

}  // namespace breakwater::apiserver
