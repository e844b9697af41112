// RFC 6902 over RFC 6901 pointers.
#include <algorithm>
#include <charconv>

#include "kube/patch.h"

namespace breakwater::kube {
namespace {

constexpr size_t kMostOperations = 10000;
// Ceiling for what "copy" may multiply, in bytes of names and texts; as in Kubernetes.
constexpr size_t kMostCopied = 3 << 20;

using Tokens = std::vector<std::string>;

Result<Tokens> parse_pointer(const Json& pointer) {
  if (!pointer.is_string()) return fail(Code::kInvalid, "the path is missing");
  std::string_view text = pointer.as_string();
  Tokens out;
  if (text.empty()) return out;
  if (text.front() != '/') return fail(Code::kInvalid, "path \"{}\" must begin with '/'", text);
  for (char c : text) {
    if (c == '/') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  for (std::string& token : out) {
    for (size_t i = 0; (i = token.find('~', i)) != std::string::npos; ++i) {
      const char next = i + 1 < token.size() ? token[i + 1] : '\0';
      if (next != '0' && next != '1') {
        return fail(Code::kInvalid, "path \"{}\" holds '~' without 0 or 1", text);
      }
      token.replace(i, 2, next == '0' ? "~" : "/");
    }
  }
  return out;
}

// An index below `limit`: digits without leading zeros.
Result<size_t> parse_index(const std::string& token, size_t limit) {
  size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error != std::errc() || end != token.data() + token.size() ||
      (token.size() > 1 && token.front() == '0')) {
    return fail(Code::kInvalid, "\"{}\" is not an index", token);
  }
  if (index >= limit) return fail(Code::kInvalid, "index {} is out of range", index);
  return index;
}

Result<Json> child_of(const Json& node, const std::string& token) {
  if (node.is_array()) return node[TRY(parse_index(token, node.size()))];
  const Json* member = node.is_object() ? node.find(token) : nullptr;
  if (!member) return fail(Code::kInvalid, "there is nothing at \"{}\"", token);
  return *member;
}

Result<Json> value_at(const Json& root, const Tokens& path) {
  Json node = root;
  for (const std::string& token : path) node = TRY(child_of(node, token));
  return node;
}

enum class Edit { kAdd, kReplace, kRemove };

Result<> edit_array(Json& node, const std::string& token, Edit edit, const Json& value) {
  Json::Array items = node.items();
  if (edit == Edit::kAdd) {
    const size_t at = token == "-" ? items.size() : TRY(parse_index(token, items.size() + 1));
    items.insert(items.begin() + static_cast<ptrdiff_t>(at), value);
  } else {
    const size_t at = TRY(parse_index(token, items.size()));
    if (edit == Edit::kReplace) {
      items[at] = value;
    } else {
      items.erase(items.begin() + static_cast<ptrdiff_t>(at));
    }
  }
  node = Json(std::move(items));
  return {};
}

Result<> edit_member(Json& node, const std::string& token, Edit edit, const Json& value) {
  if (node.is_array()) return edit_array(node, token, edit, value);
  if (!node.is_object() || (edit != Edit::kAdd && !node.has(token))) {
    return fail(Code::kInvalid, "there is nothing at \"{}\"", token);
  }
  if (edit == Edit::kRemove) {
    node.erase(token);
  } else {
    node.set(token, value);
  }
  return {};
}

Result<> edit_at(Json& node, const Tokens& path, size_t depth, Edit edit, const Json& value) {
  if (path.empty()) {
    node = edit == Edit::kRemove ? Json() : value;
    return {};
  }
  if (depth + 1 == path.size()) return edit_member(node, path[depth], edit, value);
  Json child = TRY(child_of(node, path[depth]));
  TRY(edit_at(child, path, depth + 1, edit, value));
  return edit_member(node, path[depth], Edit::kReplace, child);
}

// The bytes of names and texts in `value`, or more than `limit` once it is clear that it is more.
size_t weight(const Json& value, size_t limit) {
  size_t sum = 1 + value.as_string().size();
  for (const Json& item : value.items()) {
    if (sum > limit) return sum;
    sum += weight(item, limit - sum);
  }
  for (const auto& [name, member] : value.members()) {
    if (sum > limit) return sum;
    sum += name.size() + weight(member, limit - std::min(sum, limit));
  }
  return sum;
}

bool is_prefix(const Tokens& prefix, const Tokens& path) {
  return prefix.size() < path.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

Result<> apply_transfer(Json& root, const Json& step, const Tokens& to, size_t& copied) {
  const Tokens from = TRY(parse_pointer(step["from"]));
  const Json value = TRY(value_at(root, from));
  if (step["op"].as_string() == "move") {
    if (is_prefix(from, to)) return fail(Code::kInvalid, "a value cannot move into itself");
    TRY(edit_at(root, from, 0, Edit::kRemove, {}));
  } else {
    copied += weight(value, kMostCopied);
    if (copied > kMostCopied) return fail(Code::kInvalid, "the patch copies too much");
  }
  return edit_at(root, to, 0, Edit::kAdd, value);
}

Result<> apply_step(Json& root, const Json& step, size_t& copied) {
  const std::string& op = step["op"].as_string();
  const Tokens path = TRY(parse_pointer(step["path"]));
  if (op == "remove") return edit_at(root, path, 0, Edit::kRemove, {});
  if (op == "move" || op == "copy") return apply_transfer(root, step, path, copied);
  if (op != "add" && op != "replace" && op != "test") {
    return fail(Code::kInvalid, "\"{}\" is no operation of JSON patch", op);
  }
  const Json* value = step.find("value");
  if (!value) return fail(Code::kInvalid, "the value is missing");
  if (op == "add") return edit_at(root, path, 0, Edit::kAdd, *value);
  if (op == "replace") return edit_at(root, path, 0, Edit::kReplace, *value);
  if (TRY(value_at(root, path)) == *value) return {};
  return fail(Code::kInvalid, "the value at \"{}\" is not the expected one",
              step["path"].as_string());
}

}  // namespace

Result<Json> apply_json_patch(const Json& target, const Json& patch) {
  if (!patch.is_array()) return fail(Code::kInvalid, "a JSON patch must be a list of operations");
  if (patch.size() > kMostOperations) {
    return fail(Code::kInvalid, "a JSON patch may have at most {} operations", kMostOperations);
  }
  Json out = target;
  size_t copied = 0;
  for (size_t i = 0; i < patch.size(); ++i) {
    if (auto applied = apply_step(out, patch[i], copied); !applied) {
      return fail(Code::kInvalid, "operation {} ({}) of the JSON patch: {}", i,
                  patch[i]["op"].as_string(), applied.error().message());
    }
  }
  return out;
}

}  // namespace breakwater::kube
