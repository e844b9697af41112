#include "repo/extended_attributes.h"

#include "base/encoding.h"
#include "repo/json_reader.h"
#include "repo/json_writer.h"

namespace breakwater::repo {
namespace {

constexpr std::string_view kMember = "extended_attributes";

ExtendedAttribute read_attribute(JsonReader& json) {
  ExtendedAttribute attribute;
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "name") {
      attribute.name = json.string();
    } else if (name == "value") {
      const Result<Bytes> value = from_base64(json.string());
      if (value) {
        attribute.value = as_text(*value);
      } else {
        json.fail_here("expected base64");
      }
    } else {
      json.skip();
    }
  }
  const bool good = !attribute.name.empty() && attribute.name.find('\0') == std::string::npos;
  if (!good) json.fail_here("expected the name of an attribute");
  return attribute;
}

}  // namespace

void set_extended_attributes(Node& node, const std::vector<ExtendedAttribute>& attributes) {
  std::erase_if(node.other, [](const auto& member) { return member.first == kMember; });
  if (attributes.empty()) return;
  JsonWriter json;
  json.begin_array();
  for (const ExtendedAttribute& attribute : attributes) {
    json.begin_object();
    json.member("name", attribute.name);
    json.member("value", to_base64(as_bytes(attribute.value)));
    json.end_object();
  }
  json.end_array();
  node.other.emplace_back(kMember, json.take());
}

Result<std::vector<ExtendedAttribute>> extended_attributes(const Node& node) {
  std::vector<ExtendedAttribute> attributes;
  for (const auto& [member, text] : node.other) {
    if (member != kMember) continue;
    JsonReader json(text);
    if (!json.take_null()) {
      json.begin_array();
      while (json.next_element()) attributes.push_back(read_attribute(json));
    }
    TRY(json.finish("list of extended attributes"));
  }
  return attributes;
}

}  // namespace breakwater::repo
