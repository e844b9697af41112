#include "apiserver/protobuf_body.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "base/encoding.h"

namespace breakwater::apiserver {

namespace {

struct Message;

// One field of a message that we read. Another one with a value in it is refused, never lost.
struct Field {
  int number;
  std::string_view name;
  enum class Type {
    kText,
    kTexts,
    kBool,
    kInteger,
    kMessage,
    kMessages,
    kTextMap,
    kBytesMap,  // values in base64, as JSON has bytes
    kIgnored,   // status, which writers do not set
  } type = Type::kText;
  const Message* message = nullptr;
};
struct Message {
  std::span<const Field> fields;
};
using Type = Field::Type;

constexpr Field kTypeMetaFields[] = {{1, "apiVersion"}, {2, "kind"}};
constexpr Message kTypeMeta{kTypeMetaFields};
constexpr Field kMapEntryFields[] = {{1, "key"}, {2, "value"}};
constexpr Message kMapEntry{kMapEntryFields};

constexpr Field kObjectMetaFields[] = {{1, "name"},
                                       {2, "generateName"},
                                       {3, "namespace"},
                                       {5, "uid"},
                                       {6, "resourceVersion"},
                                       {11, "labels", Type::kTextMap},
                                       {12, "annotations", Type::kTextMap},
                                       {14, "finalizers", Type::kTexts}};
constexpr Message kObjectMeta{kObjectMetaFields};
constexpr Field kMetadata{1, "metadata", Type::kMessage, &kObjectMeta};

constexpr Field kNamespaceFields[] = {kMetadata, {3, "status", Type::kIgnored}};
constexpr Message kNamespace{kNamespaceFields};
constexpr Field kMetadataOnlyFields[] = {kMetadata};
constexpr Message kMetadataOnly{kMetadataOnlyFields};

constexpr Field kConfigMapFields[] = {kMetadata,
                                      {2, "data", Type::kTextMap},
                                      {3, "binaryData", Type::kBytesMap},
                                      {4, "immutable", Type::kBool}};
constexpr Message kConfigMap{kConfigMapFields};
constexpr Field kSecretFields[] = {kMetadata,
                                   {2, "data", Type::kBytesMap},
                                   {3, "type"},
                                   {4, "stringData", Type::kTextMap},
                                   {5, "immutable", Type::kBool}};
constexpr Message kSecret{kSecretFields};

constexpr Field kRuleFields[] = {{1, "verbs", Type::kTexts},
                                 {2, "apiGroups", Type::kTexts},
                                 {3, "resources", Type::kTexts},
                                 {4, "resourceNames", Type::kTexts},
                                 {5, "nonResourceURLs", Type::kTexts}};
constexpr Message kRule{kRuleFields};
constexpr Field kRoleFields[] = {kMetadata, {2, "rules", Type::kMessages, &kRule}};
constexpr Message kRole{kRoleFields};
constexpr Field kSubjectFields[] = {{1, "kind"}, {2, "apiGroup"}, {3, "name"}, {4, "namespace"}};
constexpr Message kSubject{kSubjectFields};
constexpr Field kRoleRefFields[] = {{1, "apiGroup"}, {2, "kind"}, {3, "name"}};
constexpr Message kRoleRef{kRoleRefFields};
constexpr Field kBindingFields[] = {kMetadata,
                                    {2, "subjects", Type::kMessages, &kSubject},
                                    {3, "roleRef", Type::kMessage, &kRoleRef}};
constexpr Message kBinding{kBindingFields};

constexpr Field kResourceFields[] = {{1, "namespace"}, {2, "verb"},     {3, "group"},
                                     {4, "version"},   {5, "resource"}, {6, "subresource"},
                                     {7, "name"}};
constexpr Message kResource{kResourceFields};
constexpr Field kPathFields[] = {{1, "path"}, {2, "verb"}};
constexpr Message kPath{kPathFields};
constexpr Field kAccessFields[] = {{1, "resourceAttributes", Type::kMessage, &kResource},
                                   {2, "nonResourceAttributes", Type::kMessage, &kPath}};
constexpr Message kAccess{kAccessFields};
constexpr Field kAccessReviewFields[] = {
    kMetadata, {2, "spec", Type::kMessage, &kAccess}, {3, "status", Type::kIgnored}};
constexpr Message kAccessReview{kAccessReviewFields};
constexpr Field kNamespaceNameFields[] = {{1, "namespace"}};
constexpr Message kNamespaceName{kNamespaceNameFields};
constexpr Field kRulesReviewFields[] = {
    kMetadata, {2, "spec", Type::kMessage, &kNamespaceName}, {3, "status", Type::kIgnored}};
constexpr Message kRulesReview{kRulesReviewFields};

constexpr Field kSelfReviewFields[] = {kMetadata, {2, "status", Type::kIgnored}};
constexpr Message kSelfReview{kSelfReviewFields};

constexpr Field kPreconditionsFields[] = {{1, "uid"}, {2, "resourceVersion"}};
constexpr Message kPreconditions{kPreconditionsFields};
constexpr Field kDeleteOptionsFields[] = {{1, "gracePeriodSeconds", Type::kInteger},
                                          {2, "preconditions", Type::kMessage, &kPreconditions},
                                          {3, "orphanDependents", Type::kBool},
                                          {4, "propagationPolicy"},
                                          {5, "dryRun", Type::kTexts}};
constexpr Message kDeleteOptions{kDeleteOptionsFields};

struct Readable {
  std::string_view group;  // of apiVersion; whatever version
  std::string_view kind;
  const Message* message;
};
constexpr std::string_view kRbac = "rbac.authorization.k8s.io/";
constexpr Readable kReadable[] = {
    {"", "Namespace", &kNamespace},
    {"", "ServiceAccount", &kMetadataOnly},
    {"", "ConfigMap", &kConfigMap},
    {"", "Secret", &kSecret},
    {"", "DeleteOptions", &kDeleteOptions},
    {kRbac, "Role", &kRole},
    {kRbac, "ClusterRole", &kRole},
    {kRbac, "RoleBinding", &kBinding},
    {kRbac, "ClusterRoleBinding", &kBinding},
    {"authorization.k8s.io/", "SelfSubjectAccessReview", &kAccessReview},
    {"authorization.k8s.io/", "SelfSubjectRulesReview", &kRulesReview},
    {"authentication.k8s.io/", "SelfSubjectReview", &kSelfReview},
};

const Message* message_of(std::string_view api_version, std::string_view kind) {
  for (const Readable& readable : kReadable) {
    if (readable.kind != kind) continue;
    // Delete options come as a kind of every group.
    if (kind == "DeleteOptions") return readable.message;
    const bool core = api_version.find('/') == std::string_view::npos;
    if (readable.group.empty() ? core : api_version.starts_with(readable.group)) {
      return readable.message;
    }
  }
  return nullptr;
}

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

// A field as it stands on the wire.
struct Wire {
  int number = 0;
  std::string_view bytes;  // of a length-delimited one
  uint64_t integer = 0;    // of a varint
};

Result<Wire> take_field(std::string_view& rest) {
  const auto key = take_varint(rest);
  if (!key) return fail(Code::kInvalid, "the protobuf body is cut short");
  Wire wire{static_cast<int>(*key >> 3), {}, 0};
  size_t skip = 0;
  switch (*key & 7) {
    case 0: {
      const auto value = take_varint(rest);
      if (!value) return fail(Code::kInvalid, "the protobuf body is cut short");
      wire.integer = *value;
      return wire;
    }
    case 1:
      skip = 8;
      break;
    case 5:
      skip = 4;
      break;
    case 2: {
      const auto size = take_varint(rest);
      if (!size || *size > rest.size()) {
        return fail(Code::kInvalid, "the protobuf body is cut short");
      }
      wire.bytes = rest.substr(0, *size);
      skip = *size;
      break;
    }
    default:
      return fail(Code::kInvalid, "the protobuf body has a field of unknown form");
  }
  if (skip > rest.size()) return fail(Code::kInvalid, "the protobuf body is cut short");
  rest.remove_prefix(skip);
  return wire;
}

Result<Json> read_message(std::string_view bytes, const Message& message);

// The list at `field` with one element more.
void append(const Field& field, Json item, Json& out) {
  Json list = out[field.name];
  list.push_back(std::move(item));
  out.set(field.name, std::move(list));
}

Result<> read_field(const Field& field, const Wire& wire, Json& out) {
  switch (field.type) {
    case Type::kText:
      if (!wire.bytes.empty()) out.set(field.name, wire.bytes);
      return {};
    case Type::kIgnored:
      return {};
    case Type::kTexts:
      append(field, wire.bytes, out);
      return {};
    case Type::kBool:
      out.set(field.name, wire.integer != 0);
      return {};
    case Type::kInteger:
      out.set(field.name, static_cast<int64_t>(wire.integer));
      return {};
    case Type::kMessage:
      out.set(field.name, TRY(read_message(wire.bytes, *field.message)));
      return {};
    case Type::kMessages:
      append(field, TRY(read_message(wire.bytes, *field.message)), out);
      return {};
    case Type::kTextMap:
    case Type::kBytesMap: {
      const Json entry = TRY(read_message(wire.bytes, kMapEntry));
      const std::string& value = entry["value"].as_string();
      out.set({field.name, entry["key"].as_string()},
              field.type == Type::kBytesMap ? to_base64(as_bytes(value)) : value);
      return {};
    }
  }
  return {};
}

Result<Json> read_message(std::string_view bytes, const Message& message) {
  Json result = Json::object();
  while (!bytes.empty()) {
    const Wire wire = TRY(take_field(bytes));
    const auto field =
        std::find_if(message.fields.begin(), message.fields.end(),
                     [&](const Field& known) { return known.number == wire.number; });
    if (field != message.fields.end()) {
      TRY(read_field(*field, wire, result));
    } else if (wire.integer != 0 || !wire.bytes.empty()) {
      return fail(Code::kUnsupported,
                  "field {} of the protobuf body cannot be read; send application/json",
                  wire.number);
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
  std::optional<std::string_view> raw;
  while (!body.empty()) {
    const Wire wire = TRY(take_field(body));
    if (wire.number == 1) type = TRY(read_message(wire.bytes, kTypeMeta));
    if (wire.number == 2) raw = wire.bytes;
  }
  if (!raw) return fail(Code::kInvalid, "the protobuf body is cut short");
  const std::string& kind = type["kind"].as_string();
  const Message* message = message_of(type["apiVersion"].as_string(), kind);
  if (!message) {
    return fail(Code::kUnsupported, "a {} cannot be read from protobuf; send application/json",
                kind);
  }
  Json object = TRY(read_message(*raw, *message));
  object.set("apiVersion", type["apiVersion"]);
  object.set("kind", kind);
  return object;
}

}  // namespace breakwater::apiserver
