#include "kube/object.h"

#include <algorithm>

namespace breakwater::kube {
namespace {

std::string_view group_of(std::string_view api_version) {
  const size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

}  // namespace

Object Object::make(const Kind& kind, const Key& key) {
  Json metadata = Json::object({{"name", key.name}});
  if (!key.ns.empty()) metadata.set("namespace", key.ns);
  return Object(Json::object({{"apiVersion", kind.api_version()},
                              {"kind", std::string(kind.kind)},
                              {"metadata", std::move(metadata)}}));
}

bool Object::is(const Kind& other) const {
  return kind() == other.kind && group_of(api_version()) == other.group;
}

bool Object::has_finalizer(std::string_view name) const {
  const auto& items = metadata()["finalizers"].items();
  return std::any_of(items.begin(), items.end(),
                     [&](const Json& item) { return item.as_string() == name; });
}

Time Object::created() const {
  return parse_rfc3339(metadata()["creationTimestamp"].as_string()).value_or(Time());
}

void Object::set_label(std::string_view name, std::string_view value) {
  set({"metadata", "labels", name}, value);
}

void Object::set_annotation(std::string_view name, std::string_view value) {
  set({"metadata", "annotations", name}, value);
}

void Object::add_finalizer(std::string_view name) {
  if (has_finalizer(name)) return;
  Json list = metadata()["finalizers"];
  list.push_back(name);
  set({"metadata", "finalizers"}, std::move(list));
}

void Object::remove_finalizer(std::string_view name) {
  if (!has_finalizer(name)) return;
  Json::Array left = metadata()["finalizers"].items();
  std::erase_if(left, [&](const Json& item) { return item.as_string() == name; });
  if (left.empty()) {
    erase({"metadata", "finalizers"});
  } else {
    set({"metadata", "finalizers"}, std::move(left));
  }
}

void Object::add_owner(const Object& owner, bool controller, bool block_deletion) {
  Json reference = Json::object({{"apiVersion", owner.api_version()},
                                 {"kind", owner.kind()},
                                 {"name", owner.name()},
                                 {"uid", owner.uid()}});
  if (controller) reference.set("controller", true);
  if (block_deletion) reference.set("blockOwnerDeletion", true);
  Json list = metadata()["ownerReferences"];
  const auto& items = list.items();
  const auto present = std::find_if(items.begin(), items.end(), [&](const Json& item) {
    return item["uid"].as_string() == owner.uid();
  });
  if (present == items.end()) {
    list.push_back(std::move(reference));
  } else {
    list.set_item(static_cast<size_t>(present - items.begin()), std::move(reference));
  }
  set({"metadata", "ownerReferences"}, std::move(list));
}

const std::string& Object::controller_uid() const {
  const Json& owners = metadata()["ownerReferences"];
  for (const Json& owner : owners.items()) {
    if (owner["controller"].as_bool()) return owner["uid"].as_string();
  }
  return owners[owners.size()].as_string();
}

const Json& find_condition(const Object& object, std::string_view type) {
  const Json& conditions = object.status()["conditions"];
  for (const Json& condition : conditions.items()) {
    if (condition["type"].as_string() == type) return condition;
  }
  return conditions[conditions.size()];
}

bool set_condition(Object& object, std::string_view type, std::string_view status,
                   std::string_view reason, std::string_view message, Time now) {
  const Json before = find_condition(object, type);
  Json after = before;
  after.set("type", type);
  after.set("status", status);
  after.set("reason", reason);
  after.set("message", message);
  if (before["status"].as_string() != status || !before.has("lastTransitionTime")) {
    after.set("lastTransitionTime", format_rfc3339(now));
  }
  if (after == before) return false;
  Json list = object.status()["conditions"];
  size_t index = 0;
  while (index < list.size() && list[index]["type"].as_string() != type) ++index;
  if (index < list.size()) {
    list.set_item(index, std::move(after));
  } else {
    list.push_back(std::move(after));
  }
  object.set({"status", "conditions"}, std::move(list));
  return true;
}

}  // namespace breakwater::kube
