#include <algorithm>
#include <optional>

#include "kube/patch.h"
#include "kube/strategic_keys.h"

namespace breakwater::kube {
namespace {

constexpr std::string_view kPatchDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeletePrefix = "$deleteFromPrimitiveList/";
constexpr std::string_view kOrderPrefix = "$setElementOrder/";

bool contains(const Json::Array& list, const Json& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Result<std::string> directive_of(const Json& patch) {
  const Json* directive = patch.find(kPatchDirective);
  if (!directive) return "merge";
  const std::string& text = directive->as_string();
  if (text != "merge" && text != "replace" && text != "delete") {
    return fail(Code::kInvalid, "$patch must be merge, replace or delete");
  }
  return text;
}

// Merges one patch for objects of one kind. What tells list items apart is an "identity": the merge
// key's value, or the item itself in lists of plain values.
class Merger {
 public:
  explicit Merger(std::string_view kind) : kind_(kind) {}

  Result<Json> merge_object(const Json& target, const Json& patch) const {
    const std::string directive = TRY(directive_of(patch));
    Json changes = patch;
    changes.erase(kPatchDirective);
    if (directive == "delete") return Json::object();
    if (directive == "replace") return merge_object(Json::object(), changes);

    Json out = TRY(retain_keys(target.is_object() ? target : Json::object(), changes));
    for (const auto& [name, value] : changes.members()) {
      if (name.front() == '$') continue;
      if (value.is_null()) {
        out.erase(name);
      } else {
        out.set(name, TRY(while_doing(merge_value(name, out[name], value, changes), "patching {}",
                                      name)));
      }
    }
    TRY(apply_list_directives(out, changes));
    return out;
  }

 private:
  // $retainKeys: what the patch does not list is dropped from the target (unions, as volumes are).
  static Result<Json> retain_keys(Json target, const Json& patch) {
    const Json* keep = patch.find(kRetainKeys);
    if (!keep) return target;
    if (!keep->is_array()) return fail(Code::kInvalid, "$retainKeys must be a list");
    for (const auto& [name, value] : patch.members()) {
      if (name.front() != '$' && !value.is_null() && !contains(keep->items(), Json(name))) {
        return fail(Code::kInvalid, "$retainKeys does not name {}, which the patch sets", name);
      }
    }
    Json out = Json::object();
    for (const auto& [name, value] : target.members()) {
      if (contains(keep->items(), Json(name))) out.set(name, value);
    }
    return out;
  }

  // Deletions and orders for lists that the patch does not change otherwise.
  Result<> apply_list_directives(Json& out, const Json& patch) const {
    for (const auto& [name, value] : patch.members()) {
      const bool deletes = name.starts_with(kDeletePrefix);
      const bool orders = name.starts_with(kOrderPrefix);
      if (name.front() != '$' || name == kRetainKeys) continue;
      if (!deletes && !orders) return fail(Code::kInvalid, "unknown directive {}", name);
      if (!value.is_array()) return fail(Code::kInvalid, "{} must be a list", name);
      const std::string field = name.substr(name.find('/') + 1);
      if (patch[field].is_array() || !out[field].is_array()) continue;
      out.set(field, TRY(merge_list(field, out[field], Json::array(), patch)));
    }
    return {};
  }

  Result<Json> merge_value(const std::string& name, const Json& target, const Json& value,
                           const Json& changes) const {
    if (value.is_object()) {
      return merge_object(target.is_object() ? target : Json::object(), value);
    }
    if (!value.is_array()) return value;
    if (strategic_merge_key(kind_, name).empty() && !merges_as_set(name)) return value;
    return merge_list(name, target.is_array() ? target : Json::array(), value, changes);
  }

  Json identity(const std::string& field, const Json& item) const {
    const std::string_view key = strategic_merge_key(kind_, field);
    return key.empty() ? item : item[key];
  }

  // `owner` is the patch object that holds the list and its directives.
  Result<Json> merge_list(const std::string& field, const Json& target, const Json& patch,
                          const Json& owner) const {
    Json::Array merged = target.items();
    Json::Array mentioned;  // identities in the patch's order
    if (const Json& gone = owner[std::string(kDeletePrefix) + field]; gone.is_array()) {
      std::erase_if(merged, [&](const Json& item) { return contains(gone.items(), item); });
    }
    for (const Json& item : patch.items()) {
      if (item.is_object() && item[kPatchDirective].as_string() == "replace" && item.size() == 1) {
        return replacement(field, patch);
      }
      TRY(merge_item(field, item, merged, mentioned));
    }
    const Json& order = owner[std::string(kOrderPrefix) + field];
    if (!order.is_array()) return arrange(field, std::move(merged), mentioned, target);
    Json::Array wanted;
    for (const Json& item : order.items()) wanted.push_back(identity(field, item));
    for (const Json& item : mentioned) {
      if (!contains(wanted, item)) {
        return fail(Code::kInvalid, "$setElementOrder/{} does not name every item of the patch",
                    field);
      }
    }
    return arrange(field, std::move(merged), wanted, target);
  }

  Result<Json> replacement(const std::string& field, const Json& patch) const {
    Json out = Json::array();
    for (const Json& item : patch.items()) {
      if (item.is_object() && item.has(kPatchDirective)) continue;
      out.push_back(strategic_merge_key(kind_, field).empty()
                        ? item
                        : TRY(merge_object(Json::object(), item)));
    }
    return out;
  }

  Result<> merge_item(const std::string& field, const Json& item, Json::Array& merged,
                      Json::Array& mentioned) const {
    const std::string_view key = strategic_merge_key(kind_, field);
    if (!key.empty() && !item.is_object()) {
      return fail(Code::kInvalid, "items of {} must be objects", field);
    }
    const Json id = identity(field, item);
    if (!key.empty() && id.is_null()) {
      return fail(Code::kInvalid, "an item of {} lacks its merge key {}", field, key);
    }
    const auto same = [&](const Json& other) { return identity(field, other) == id; };
    const auto at = std::find_if(merged.begin(), merged.end(), same);
    if (key.empty()) {
      if (at == merged.end()) merged.push_back(item);
    } else {
      const std::string directive = TRY(directive_of(item));
      if (directive == "delete") {
        std::erase_if(merged, same);
        return {};
      }
      Json value = TRY(merge_object(at == merged.end() ? Json::object() : *at, item));
      if (at == merged.end()) {
        merged.push_back(std::move(value));
      } else {
        *at = std::move(value);
      }
    }
    if (!contains(mentioned, id)) mentioned.push_back(id);
    return {};
  }

  // Items that the patch names stand in the patch's order, the others in the order they had. Where
  // the two mix, the old order decides, and a new item comes before those it has no order with:
  // what kubectl users see when they patch a container in.
  Json arrange(const std::string& field, Json::Array merged, const Json::Array& order,
               const Json& before) const {
    Json::Array old_order;
    for (const Json& item : before.items()) old_order.push_back(identity(field, item));
    const auto position = [](const Json::Array& list, const Json& id) {
      return std::find(list.begin(), list.end(), id) - list.begin();
    };
    Json::Array named, others;
    for (Json& item : merged) {
      (contains(order, identity(field, item)) ? named : others).push_back(std::move(item));
    }
    std::stable_sort(named.begin(), named.end(), [&](const Json& a, const Json& b) {
      return position(order, identity(field, a)) < position(order, identity(field, b));
    });
    Json::Array out;
    auto next = others.begin();
    for (Json& item : named) {
      const Json id = identity(field, item);
      if (contains(old_order, id)) {
        while (next != others.end() &&
               position(old_order, identity(field, *next)) < position(old_order, id)) {
          out.push_back(std::move(*next++));
        }
      }
      out.push_back(std::move(item));
    }
    for (; next != others.end(); ++next) out.push_back(std::move(*next));
    return Json(std::move(out));
  }

  const std::string_view kind_;
};

}  // namespace

Result<Json> apply_strategic_patch(std::string_view kind, const Json& target, const Json& patch) {
  if (!patch.is_object()) return fail(Code::kInvalid, "a strategic merge patch must be an object");
  return Merger(kind).merge_object(target, patch);
}

}  // namespace breakwater::kube
