#include "apiserver/protobuf_body.h"

#include <cstdint>
#include <optional>
#include <span>

namespace breakwater::apiserver {

namespace {

struct Message;

// One field of a message that we read; others are passed over.
struct Field {
  int number;
  std::string_view name;
  enum class Type { kText, kMessage, kMessages, kTextMap } type = Type::kText;
  const Message* message = nullptr;
};
struct Message {
  std::span<const Field> fields;
};

constexpr Field kTypeMetaFields[] = {{1, "apiVersion"}, {2, "kind"}};
constexpr Message kTypeMeta{kTypeMetaFields};
constexpr Field kObjectMetaFields[] = {{1, "name"},
                                       {2, "generateName"},
                                       {3, "namespace"},
                                       {11, "labels", Field::Type::kTextMap},
                                       {12, "annotations", Field::Type::kTextMap}};
constexpr Message kObjectMeta{kObjectMetaFields};
constexpr Field kSubjectFields[] = {{1, "kind"}, {2, "apiGroup"}, {3, "name"}, {4, "namespace"}};
constexpr Message kSubject{kSubjectFields};
constexpr Field kRoleRefFields[] = {{1, "apiGroup"}, {2, "kind"}, {3, "name"}};
constexpr Message kRoleRef{kRoleRefFields};
constexpr Field kBindingFields[] = {{1, "metadata", Field::Type::kMessage, &kObjectMeta},
                                    {2, "subjects", Field::Type::kMessages, &kSubject},
                                    {3, "roleRef", Field::Type::kMessage, &kRoleRef}};
constexpr Message kBinding{kBindingFields};
constexpr Field kMapEntryFields[] = {{1, "key"}, {2, "value"}};
constexpr Message kMapEntry{kMapEntryFields};

std::optional<uint64_t> take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// A field as it stands on the wire; `bytes` only for length-delimited ones.
struct Wire {
  int number = 0;
  std::string_view bytes;
};

Result<Wire> take_field(std::string_view& rest) {
  const auto key = take_varint(rest);
  if (!key) return fail(Code::kInvalid, "the protobuf body is cut short");
  Wire wire{static_cast<int>(*key >> 3), {}};
  size_t skip = 0;
  switch (*key & 7) {
    case 0:
      if (!take_varint(rest)) return fail(Code::kInvalid, "the protobuf body is cut short");
      return wire;
    case 1: skip = 8; break;
    case 5: skip = 4; break;
    case 2: {
      const auto size = take_varint(rest);
      if (!size || *size > rest.size()) {
        return fail(Code::kInvalid, "the protobuf body is cut short");
      }
      wire.bytes = rest.substr(0, *size);
      skip = *size;
      break;
    }
    default: return fail(Code::kInvalid, "the protobuf body has a field of unknown form");
  }
  if (skip > rest.size()) return fail(Code::kInvalid, "the protobuf body is cut short");
  rest.remove_prefix(skip);
  return wire;
}

Result<Json> read_message(std::string_view bytes, const Message& message);

Result<> read_field(const Field& field, std::string_view bytes, Json& out) {
  switch (field.type) {
    case Field::Type::kText:
      if (!bytes.empty()) out.set(field.name, bytes);
      return {};
    case Field::Type::kMessage:
      out.set(field.name, TRY(read_message(bytes, *field.message)));
      return {};
    case Field::Type::kMessages: {
      Json list = out[field.name];
      list.push_back(TRY(read_message(bytes, *field.message)));
      out.set(field.name, std::move(list));
      return {};
    }
    case Field::Type::kTextMap: {
      const Json entry = TRY(read_message(bytes, kMapEntry));
      out.set({field.name, entry["key"].as_string()}, entry["value"].as_string());
      return {};
    }
  }
  return {};
}

Result<Json> read_message(std::string_view bytes, const Message& message) {
  Json result = Json::object();
  while (!bytes.empty()) {
    const Wire wire = TRY(take_field(bytes));
    for (const Field& field : message.fields) {
      if (field.number == wire.number) TRY(read_field(field, wire.bytes, result));
    }
  }
  return result;
}

}  // namespace

Result<Json> read_protobuf_body(std::string_view body) {
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!body.starts_with(kMagic)) {
    return fail(Code::kInvalid, "the body is not Kubernetes' protobuf");
  }
  body.remove_prefix(kMagic.size());
  Json type;
  std::string_view raw;
  while (!body.empty()) {
    const Wire wire = TRY(take_field(body));
    if (wire.number == 1) type = TRY(read_message(wire.bytes, kTypeMeta));
    if (wire.number == 2) raw = wire.bytes;
  }
  const std::string& kind = type["kind"].as_string();
  if (type["apiVersion"].as_string() != "rbac.authorization.k8s.io/v1" ||
      (kind != "RoleBinding" && kind != "ClusterRoleBinding")) {
    return fail(Code::kUnsupported, "a {} cannot be read from protobuf; send application/json",
                kind);
  }
  Json object = TRY(read_message(raw, kBinding));
  object.set("apiVersion", type["apiVersion"]);
  object.set("kind", kind);
  return object;
}

}  // namespace breakwater::apiserver
