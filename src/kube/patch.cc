#include "kube/patch.h"

namespace breakwater::kube {

std::string_view patch_media_type(PatchType type) {
  switch (type) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategic:
      return "application/strategic-merge-patch+json";
  }
  return {};
}

Result<PatchType> patch_type(std::string_view media_type) {
  const std::string_view bare = media_type.substr(0, media_type.find(';'));
  for (PatchType type : {PatchType::kJson, PatchType::kMerge, PatchType::kStrategic}) {
    if (bare == patch_media_type(type)) return type;
  }
  return fail(Code::kUnsupported, "patches of type \"{}\" are not supported", media_type);
}

Json apply_merge_patch(const Json& target, const Json& patch) {
  if (!patch.is_object()) return patch;
  Json out = target.is_object() ? target : Json::object();
  for (const auto& [name, value] : patch.members()) {
    if (value.is_null()) {
      out.erase(name);
    } else {
      out.set(name, apply_merge_patch(out[name], value));
    }
  }
  return out;
}

Json make_merge_patch(const Json& from, const Json& to) {
  if (!from.is_object() || !to.is_object()) return to;
  Json patch = Json::object();
  for (const auto& [name, value] : from.members()) {
    if (!to.has(name)) patch.set(name, nullptr);
  }
  for (const auto& [name, value] : to.members()) {
    const Json* before = from.find(name);
    if (!before || !(*before == value)) {
      patch.set(name, before ? make_merge_patch(*before, value) : value);
    }
  }
  return patch;
}

}  // namespace breakwater::kube
