#include "mover/storage_classes.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"

namespace breakwater::mover {

using kube::Object;

namespace {

// The first for which one of `preferences`, in their order, holds; the only one otherwise.
const Object* choose(const std::vector<Object>& among,
                     std::initializer_list<std::function<bool(const Object&)>> preferences) {
  for (const auto& preferred : preferences) {
    const auto found = std::ranges::find_if(among, preferred);
    if (found != among.end()) return &*found;
  }
  return among.size() == 1 ? &among.front() : nullptr;
}

bool is_default(const Object& object) {
  return object.annotation(api::kDefaultStorageClassAnnotation) == "true" ||
         object.annotation(api::kDefaultSnapshotClassAnnotation) == "true";
}

}  // namespace

Result<Object> choose_storage_class(kube::Reader& reader, const std::string& named) {
  const auto classes = TRY(reader.list(api::kStorageClass, ""));
  const Object* chosen =
      choose(classes, {[&](const Object& one) { return one.name() == named; }, is_default});
  if (chosen != nullptr) return *chosen;
  return fail(Code::kNotFound, "waiting for StorageClass {}, or a default one", named);
}

Result<std::string> storage_class_of_driver(kube::Reader& reader, const std::string& driver) {
  auto classes = TRY(reader.list(api::kStorageClass, ""));
  std::erase_if(classes,
                [&](const Object& one) { return one["provisioner"].as_string() != driver; });
  if (classes.empty()) return fail(Code::kNotFound, "waiting for a StorageClass of {}", driver);
  const Object* chosen = choose(classes, {is_default});
  return chosen == nullptr ? classes.front().name() : chosen->name();
}

Result<Object> choose_snapshot_class(kube::Reader& reader, const std::string& driver,
                                     const std::string& named) {
  auto classes = TRY(reader.list(api::kVolumeSnapshotClass, ""));
  std::erase_if(classes, [&](const Object& one) { return one["driver"].as_string() != driver; });
  const Object* chosen = choose(
      classes, {[&](const Object& one) { return one.name() == named; },
                [](const Object& one) { return one.label(api::kSnapshotClassLabel) == "true"; },
                is_default});
  if (chosen != nullptr) return *chosen;
  return fail(Code::kNotFound, "waiting for a VolumeSnapshotClass of {}, a default one", driver);
}

}  // namespace breakwater::mover
