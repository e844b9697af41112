#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "apiserver/openapi.h"

namespace breakwater::apiserver {

namespace {

// Writes protobuf's wire format.
class Message {
 public:
  void text(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    out_ += value;
  }
  void message(int field, const Message& value) { text(field, value.out_); }
  void integer(int field, int64_t value) {
    key(field, 0);
    varint(static_cast<uint64_t>(value));
  }
  void number(int field, double value) {
    key(field, 1);
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(bits >> shift);
  }
  std::string take() { return std::move(out_); }

 private:
  void key(int field, int wire_type) { varint(static_cast<uint64_t>(field) << 3 | wire_type); }
  void varint(uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    out_ += static_cast<char>(value);
  }
  std::string out_;
};

// Any: field 2 is YAML, of which JSON is a part.
Message any(const Json& value) {
  Message message;
  message.text(2, to_json(value));
  return message;
}

Message named(std::string_view name, const Message& value) {
  Message message;
  message.text(1, name);
  message.message(2, value);
  return message;
}

using Numbered = std::pair<std::string_view, int>;
constexpr std::array kTexts = {Numbered{"$ref", 1}, Numbered{"format", 2}, Numbered{"title", 3},
                               Numbered{"description", 4}, Numbered{"pattern", 13}};
constexpr std::array kDoubles = {Numbered{"multipleOf", 6}, Numbered{"maximum", 7},
                                 Numbered{"minimum", 9}};
constexpr std::array kIntegers = {Numbered{"maxLength", 11},     Numbered{"minLength", 12},
                                  Numbered{"maxItems", 14},      Numbered{"minItems", 15},
                                  Numbered{"maxProperties", 17}, Numbered{"minProperties", 18}};
constexpr std::array kBooleans = {Numbered{"exclusiveMaximum", 8}, Numbered{"exclusiveMinimum", 10},
                                  Numbered{"uniqueItems", 16}};

Message schema_message(const Json& schema);

// A message whose field 1 repeats (name, schema) pairs.
Message named_schemas(const Json& schemas) {
  Message message;
  for (const auto& [name, schema] : schemas.members()) {
    message.message(1, named(name, schema_message(schema)));
  }
  return message;
}

Message in_field_one(const Message& value) {
  Message message;
  message.message(1, value);
  return message;
}

void write_scalars(const Json& schema, Message& out) {
  for (const auto& [name, field] : kTexts) {
    if (schema[name].is_string()) out.text(field, schema[name].as_string());
  }
  for (const auto& [name, field] : kDoubles) {
    if (schema[name].is_number()) out.number(field, schema[name].as_double());
  }
  for (const auto& [name, field] : kIntegers) {
    if (schema[name].is_int()) out.integer(field, schema[name].as_int());
  }
  for (const auto& [name, field] : kBooleans) {
    if (schema[name].as_bool()) out.integer(field, 1);
  }
}

Message schema_message(const Json& schema) {
  Message message;
  write_scalars(schema, message);
  if (schema.has("default")) message.message(5, any(schema["default"]));
  for (const Json& name : schema["required"].items()) message.text(19, name.as_string());
  for (const Json& value : schema["enum"].items()) message.message(20, any(value));
  if (schema["additionalProperties"].is_object()) {
    message.message(21, in_field_one(schema_message(schema["additionalProperties"])));
  }
  if (schema["type"].is_string()) {
    Message type;
    type.text(1, schema["type"].as_string());
    message.message(22, type);
  }
  if (schema["items"].is_object()) {
    message.message(23, in_field_one(schema_message(schema["items"])));
  }
  if (schema["properties"].is_object()) message.message(25, named_schemas(schema["properties"]));
  for (const auto& [name, value] : schema.members()) {
    if (name.starts_with("x-")) message.message(31, named(name, any(value)));
  }
  return message;
}

}  // namespace

std::string encode_openapi_v2(const Json& document) {
  Message info;
  info.text(1, document["info"]["title"].as_string());
  info.text(2, document["info"]["version"].as_string());
  Message message;
  message.text(1, document["swagger"].as_string());
  message.message(2, info);
  message.message(8, Message());
  message.message(9, named_schemas(document["definitions"]));
  return message.take();
}

}  // namespace breakwater::apiserver
