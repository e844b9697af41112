// A Kubernetes object: its JSON, with short names for what every object has.
//
// An Object is a value; copies share the tree (base/json.h), so holding thousands of them costs
// their JSON once. What we do not know in an object survives every edit.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "kube/kind.h"

namespace breakwater::kube {

class Object {
 public:
  Object() = default;
  explicit Object(Json json) : json_(std::move(json)) {}
  // {"apiVersion", "kind", "metadata": {"name", "namespace"}}; no namespace when `key.ns` is empty.
  static Object make(const Kind& kind, const Key& key);

  const Json& json() const { return json_; }
  Json& json() { return json_; }
  const Json& operator[](std::string_view member) const { return json_[member]; }
  const Json& metadata() const { return json_["metadata"]; }
  const Json& spec() const { return json_["spec"]; }
  const Json& status() const { return json_["status"]; }

  const std::string& api_version() const { return json_["apiVersion"].as_string(); }
  const std::string& kind() const { return json_["kind"].as_string(); }
  bool is(const Kind& kind) const;  // same group and kind, any version
  const std::string& name() const { return metadata()["name"].as_string(); }
  const std::string& ns() const { return metadata()["namespace"].as_string(); }
  Key key() const { return {ns(), name()}; }
  const std::string& uid() const { return metadata()["uid"].as_string(); }
  const std::string& resource_version() const { return metadata()["resourceVersion"].as_string(); }
  // "" when absent.
  const std::string& label(std::string_view name) const {
    return metadata()["labels"][name].as_string();
  }
  const std::string& annotation(std::string_view name) const {
    return metadata()["annotations"][name].as_string();
  }
  bool has_label(std::string_view name) const { return metadata()["labels"].has(name); }
  bool has_finalizer(std::string_view name) const;
  bool is_deleting() const { return !metadata()["deletionTimestamp"].is_null(); }
  // metadata.creationTimestamp; the epoch if absent or malformed.
  Time created() const;
  const std::string& phase() const { return status()["phase"].as_string(); }

  void set(Json::Path path, Json value) { json_.set(path, std::move(value)); }
  void erase(Json::Path path) { json_.erase(path); }
  void set_label(std::string_view name, std::string_view value);
  void set_annotation(std::string_view name, std::string_view value);
  void add_finalizer(std::string_view name);     // no effect if present
  void remove_finalizer(std::string_view name);  // no effect if absent
  // Makes `owner` an owner; the garbage collector removes this object after its last owner. Both
  // are in one namespace, or the owner is cluster-scoped.
  void add_owner(const Object& owner, bool controller, bool block_deletion = false);
  // The uid of the owner with controller: true, or "".
  const std::string& controller_uid() const;

  friend bool operator==(const Object&, const Object&) = default;

 private:
  Json json_;
};

struct ObjectList {
  std::vector<Object> items;
  std::string resource_version;  // of the collection; where a watch may start
  std::string continue_token;    // not empty: there is more
};

// A condition of status.conditions by type, or null.
const Json& find_condition(const Object& object, std::string_view type);
// Adds or replaces the condition; lastTransitionTime changes only if `status` does. Returns whether
// anything changed.
bool set_condition(Object& object, std::string_view type, std::string_view status,
                   std::string_view reason, std::string_view message, Time now);

}  // namespace breakwater::kube
