#include "repo/tree.h"

#include <algorithm>

#include "base/encoding.h"
#include "repo/json_reader.h"
#include "repo/json_writer.h"
#include "repo/utf8.h"

namespace breakwater::repo {
namespace {

constexpr size_t kNodeEstimate = 400;
constexpr size_t kIdText = 67;  // 64 digits, two quotes, a comma

bool is_path_component(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
         name.find('\0') == name.npos;
}

void write_other(const Node& node, std::string_view name, JsonWriter& json) {
  for (const auto& [other, value] : node.other) {
    if (other != name) continue;
    json.name(other);
    json.raw(value);
  }
}

void write_content(const Node& node, JsonWriter& json) {
  const auto stored =
      std::ranges::find(node.other, "content", &std::pair<std::string, std::string>::first);
  json.name("content");
  if (stored != node.other.end()) return json.raw(stored->second);
  if (node.type != "file") return json.null();
  json.begin_array();
  for (const Id& id : node.content) json.id(id);
  json.end_array();
}

// Members between linktarget and content, and after subtree, that we only carry along.
constexpr std::string_view kCarried[] = {"extended_attributes", "generic_attributes", "content"};

void write_link_target(const Node& node, JsonWriter& json) {
  json.member_unless_empty("linktarget", node.linktarget);
  if (!is_utf8(node.linktarget)) {
    json.member("linktarget_raw", to_base64(as_bytes(node.linktarget)));
  }
}

void write_node(const Node& node, JsonWriter& json) {
  json.begin_object();
  json.member("name", quote_name(node.name));
  json.member("type", node.type);
  json.member_unless_zero("mode", node.mode);
  for (const auto& [name, time] : {std::pair("mtime", node.mtime), std::pair("atime", node.atime),
                                   std::pair("ctime", node.ctime)}) {
    json.name(name);
    json.time(time);
  }
  json.member("uid", node.uid);
  json.member("gid", node.gid);
  json.member_unless_empty("user", node.user);
  json.member_unless_empty("group", node.group);
  json.member_unless_zero("inode", node.inode);
  json.member_unless_zero("device_id", node.device_id);
  json.member_unless_zero("size", node.size);
  json.member_unless_zero("links", node.links);
  write_link_target(node, json);
  write_other(node, "extended_attributes", json);
  write_other(node, "generic_attributes", json);
  json.member_unless_zero("device", node.device);
  write_content(node, json);
  if (node.subtree) {
    json.name("subtree");
    json.id(*node.subtree);
  }
  for (const auto& [name, value] : node.other) {
    if (std::ranges::find(kCarried, name) == std::end(kCarried)) write_other(node, name, json);
  }
  json.end_object();
}

size_t estimate(const Tree& tree) {
  size_t bytes = 16;
  for (const Node& node : tree) {
    bytes +=
        kNodeEstimate + node.name.size() + node.linktarget.size() + node.content.size() * kIdText;
  }
  return bytes;
}

void read_content(JsonReader& json, Node& node, bool& seen) {
  if (json.take_null()) return;
  seen = true;
  json.begin_array();
  while (json.next_element()) node.content.push_back(json.id());
}

void read_link_target_raw(JsonReader& json, Node& node) {
  const Result<Bytes> raw = from_base64(json.string());
  if (raw) {
    node.linktarget = as_text(*raw);
  } else {
    json.fail_here("expected base64");
  }
}

void read_name(JsonReader& json, Node& node) {
  Result<std::string> name = unquote_name(json.string());
  if (name) {
    node.name = std::move(*name);
  } else {
    json.fail_here(name.error().message());
  }
}

// Whether `name` was one of the members with a plain value.
bool read_plain_member(std::string_view name, JsonReader& json, Node& node) {
  if (name == "type")
    node.type = json.string();
  else if (name == "mode")
    node.mode = json.number32();
  else if (name == "mtime")
    node.mtime = json.time();
  else if (name == "atime")
    node.atime = json.time();
  else if (name == "ctime")
    node.ctime = json.time();
  else if (name == "uid")
    node.uid = json.number32();
  else if (name == "gid")
    node.gid = json.number32();
  else if (name == "user")
    node.user = json.string();
  else if (name == "group")
    node.group = json.string();
  else if (name == "inode")
    node.inode = json.number();
  else if (name == "device_id")
    node.device_id = json.number();
  else if (name == "size")
    node.size = json.number();
  else if (name == "links")
    node.links = json.number();
  else if (name == "linktarget")
    node.linktarget = json.string();
  else if (name == "device")
    node.device = json.number();
  else
    return false;
  return true;
}

Node read_node(JsonReader& json) {
  Node node;
  node.mode = 0;
  bool content = false;
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (read_plain_member(name, json, node)) continue;
    if (name == "name") {
      read_name(json, node);
    } else if (name == "content") {
      read_content(json, node, content);
    } else if (name == "linktarget_raw") {
      read_link_target_raw(json, node);
    } else if (name == "subtree") {
      if (!json.take_null()) node.subtree = json.id();
    } else {
      std::string kept(name);
      node.other.emplace_back(std::move(kept), json.skip());
    }
  }
  if (node.type == "file" && !content) node.other.emplace_back("content", "null");
  return node;
}

}  // namespace

Result<std::string> encode_tree(const Tree& tree) {
  JsonWriter json;
  json.reserve(estimate(tree));
  json.begin_object();
  json.name("nodes");
  json.begin_array();
  const Node* previous = nullptr;
  for (const Node& node : tree) {
    if (!is_path_component(node.name)) {
      return fail(Code::kInvalid, "\"{}\" cannot be a name in a tree", quote_name(node.name));
    }
    if (previous && previous->name >= node.name) {
      return fail(Code::kInvalid, "tree entries \"{}\" and \"{}\" are not in order",
                  quote_name(previous->name), quote_name(node.name));
    }
    write_node(node, json);
    previous = &node;
  }
  json.end_array();
  json.end_object();
  return json.take() + '\n';
}

Result<Tree> decode_tree(std::string_view text) {
  Tree tree;
  JsonReader json(text);
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name != "nodes") {
      json.skip();
      continue;
    }
    if (json.take_null()) continue;
    json.begin_array();
    while (json.next_element()) tree.push_back(read_node(json));
  }
  TRY(json.finish("tree"));
  return tree;
}

}  // namespace breakwater::repo
