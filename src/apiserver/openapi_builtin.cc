#include "apiserver/openapi_builtin.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace breakwater::apiserver {

namespace {

struct Family {
  std::string_view alias;   // in the notation
  std::string_view group;   // in the API
  std::string_view prefix;  // of full names
};

constexpr std::array kFamilies = {
    Family{"core", "", "io.k8s.api.core."},
    Family{"apps", "apps", "io.k8s.api.apps."},
    Family{"batch", "batch", "io.k8s.api.batch."},
    Family{"rbac", "rbac.authorization.k8s.io", "io.k8s.api.rbac."},
    Family{"storage", "storage.k8s.io", "io.k8s.api.storage."},
    Family{"coordination", "coordination.k8s.io", "io.k8s.api.coordination."},
    Family{"certificates", "certificates.k8s.io", "io.k8s.api.certificates."},
    Family{"events", "events.k8s.io", "io.k8s.api.events."},
    Family{"policy", "policy", "io.k8s.api.policy."},
    Family{"scheduling", "scheduling.k8s.io", "io.k8s.api.scheduling."},
    Family{"meta", "meta.k8s.io", "io.k8s.apimachinery.pkg.apis.meta."},
    Family{"apiext", "apiextensions.k8s.io",
           "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions."},
};

const Family& family_of(std::string_view short_name) {
  const std::string_view alias = short_name.substr(0, short_name.find('.'));
  for (const Family& family : kFamilies) {
    if (family.alias == alias) return family;
  }
  std::fprintf(stderr, "unknown family in %.*s\n", static_cast<int>(short_name.size()),
               short_name.data());
  std::abort();
}

std::string_view next_word(std::string_view& line) {
  const size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

Json reference(std::string name) {
  return Json::object({{"$ref", "#/definitions/" + std::move(name)}});
}

Json plain_type(std::string_view type, std::string_view format = {}) {
  Json schema = Json::object({{"type", type}});
  if (!format.empty()) schema.set("format", format);
  return schema;
}

Json type_schema(std::string_view type);

Json list_schema(std::string_view type) {
  const size_t close = type.rfind(']');
  CHECK(close != std::string_view::npos);
  Json schema = plain_type("array");
  schema.set("items", type_schema(type.substr(1, close - 1)));
  std::string_view merge = type.substr(close + 1);
  if (!merge.starts_with('~')) return schema;
  merge.remove_prefix(1);
  schema.set("x-kubernetes-patch-strategy", merge == "retain" ? "merge,retainKeys" : "merge");
  // Volumes alone keep only the keys of the patch; they merge by name.
  if (merge == "retain") merge = "name";
  if (!merge.empty()) schema.set("x-kubernetes-patch-merge-key", merge);
  return schema;
}

Json type_schema(std::string_view type) {
  CHECK(!type.empty());
  switch (type.front()) {
    case 's':
      return plain_type("string");
    case 'i':
      return plain_type("integer", "int32");
    case 'l':
      return plain_type("integer", "int64");
    case 'n':
      return plain_type("number", "double");
    case 'b':
      return plain_type("boolean");
    case 't':
      return plain_type("string", "date-time");
    case 'y':
      return plain_type("string", "byte");
    case 'q':
      return reference("io.k8s.apimachinery.pkg.api.resource.Quantity");
    case 'x':
      return reference("io.k8s.apimachinery.pkg.util.intstr.IntOrString");
    case 'o':
      return plain_type("object");
    case 'a':
      return Json::object();
    case '@':
      return reference(full_definition_name(type.substr(1)));
    case '[':
      return list_schema(type);
    case '{': {
      Json schema = plain_type("object");
      schema.set("additionalProperties", type_schema(type.substr(1, type.size() - 2)));
      return schema;
    }
  }
  std::fprintf(stderr, "unknown type %.*s\n", static_cast<int>(type.size()), type.data());
  std::abort();
}

Json with_description(Json schema, std::string_view description) {
  if (!description.empty()) schema.set("description", description);
  return schema;
}

Json new_definition(bool is_kind, std::string_view short_name, std::string_view description) {
  Json schema = with_description(Json::object(), description);
  schema.set("type", "object");
  if (!is_kind) return schema;
  const Family& family = family_of(short_name);
  std::string_view rest = short_name.substr(family.alias.size() + 1);
  const std::string_view version = rest.substr(0, rest.find('.'));
  const std::string_view kind = rest.substr(version.size() + 1);
  schema.set({"properties", "apiVersion"},
             with_description(plain_type("string"), "The group and version of its kind."));
  schema.set({"properties", "kind"}, with_description(plain_type("string"), "The object's kind."));
  schema.set({"properties", "metadata"},
             with_description(type_schema("@meta.v1.ObjectMeta"), "What every object has."));
  schema.set(
      "x-kubernetes-group-version-kind",
      Json::array({Json::object({{"group", family.group}, {"version", version}, {"kind", kind}})}));
  return schema;
}

// Adds the definitions of one text to `out`.
void read_notation(std::string_view text, Json::Members& out) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    std::string_view word = next_word(line);
    if (word == "=" || word == "=*") {
      const std::string_view name = next_word(line);
      out.emplace_back(full_definition_name(name), new_definition(word == "=*", name, line));
      continue;
    }
    CHECK(!out.empty());
    Json& definition = out.back().second;
    const std::string_view type = next_word(line);
    if (word.ends_with('!')) {
      word.remove_suffix(1);
      Json required = definition["required"];
      required.push_back(word);
      definition.set("required", std::move(required));
    }
    definition.set({"properties", word}, with_description(type_schema(type), line));
  }
}

}  // namespace

std::string full_definition_name(std::string_view short_name) {
  const Family& family = family_of(short_name);
  return std::string(family.prefix) + std::string(short_name.substr(family.alias.size() + 1));
}

std::string definition_name(std::string_view group, std::string_view version,
                            std::string_view kind) {
  std::string tail = std::string(version) + "." + std::string(kind);
  for (const Family& family : kFamilies) {
    if (family.group == group) return std::string(family.prefix) + tail;
  }
  std::string name;
  while (!group.empty()) {
    const size_t dot = group.rfind('.');
    name += group.substr(dot == std::string_view::npos ? 0 : dot + 1);
    name += '.';
    group = dot == std::string_view::npos ? std::string_view() : group.substr(0, dot);
  }
  return name + tail;
}

Json builtin_definitions() {
  Json::Members definitions;
  definitions.emplace_back(
      "io.k8s.apimachinery.pkg.api.resource.Quantity",
      with_description(plain_type("string"), "An amount with a unit: 500m, 1Gi, 10G."));
  definitions.emplace_back(
      "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
      with_description(plain_type("string", "int-or-string"), "An integer or a string."));
  read_notation(resource_schemas().text, definitions);
  read_notation(core_schemas().text, definitions);
  return Json(std::move(definitions));
}

}  // namespace breakwater::apiserver
