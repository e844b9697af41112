#include "kube/controller.h"

namespace breakwater::kube {

Outcome Outcome::again_after(Duration delay) {
  Outcome outcome;
  outcome.again_ = std::max(delay, Duration::zero());
  return outcome;
}

std::vector<Key> map_to_self(const Object& object) { return {object.key()}; }

Mapper map_to_owner(const Kind& owner) {
  return [owner](const Object& object) -> std::vector<Key> {
    for (const Json& reference : object.metadata()["ownerReferences"].items()) {
      if (reference["controller"].as_bool() && Object(reference).is(owner)) {
        return {{owner.namespaced ? object.ns() : "", reference["name"].as_string()}};
      }
    }
    return {};
  };
}

Mapper map_to_label(std::string label) {
  return [label = std::move(label)](const Object& object) -> std::vector<Key> {
    const std::string& name = object.label(label);
    if (name.empty()) return {};
    return {{object.ns(), name}};
  };
}

}  // namespace breakwater::kube
