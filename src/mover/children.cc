#include "mover/children.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/ids.h"

namespace breakwater::mover {

using kube::Key;
using kube::Kind;
using kube::Object;

namespace {

Key child_key(const Kind& kind, const Object& move) {
  return {kind.namespaced ? move.ns() : "", child_name(move)};
}

}  // namespace

std::string child_name(const Object& move) { return label_value(move.name()); }

Object make_child(const Kind& kind, const Object& move) {
  Object child = Object::make(kind, child_key(kind, move));
  child.set_label(api::kManagedByLabel, api::kManagedBy);
  child.set_label(move.is(api::kDataUpload) ? api::kDataUploadLabel : api::kDataDownloadLabel,
                  child_name(move));
  child.set_annotation(kMoveUidAnnotation, move.uid());
  if (kind.namespaced) child.add_owner(move, true);
  return child;
}

bool is_child(const Object& object, const Object& move) {
  return object.annotation(kMoveUidAnnotation) == move.uid();
}

Result<std::optional<Object>> find_live(kube::Client& client, const Kind& kind, const Key& key) {
  auto found = client.get(kind, key);
  if (found) return std::move(*found);
  if (found.error().is(Code::kNotFound)) return std::nullopt;
  return tl::unexpected(std::move(found).error());
}

Result<std::optional<Object>> find_child(kube::Client& client, const Kind& kind,
                                         const Object& move) {
  return find_live(client, kind, child_key(kind, move));
}

Result<Object> ensure_child(kube::Client& client, const Kind& kind, const Object& move,
                            const Object& wanted) {
  auto present = TRY(find_child(client, kind, move));
  if (!present) {
    auto created = client.create(kind, wanted);
    if (created || !created.error().is(Code::kAlreadyExists)) return created;
    present = TRY(client.get(kind, child_key(kind, move)));
  }
  if (!is_child(*present, move)) {
    return fail(Code::kAlreadyExists, "{} {} is there already and does not belong to {} {}",
                kind.kind, present->key().to_string(), move.kind(), move.key().to_string());
  }
  if (present->is_deleting()) {
    return fail(Code::kAlreadyExists, "{} {} is being deleted", kind.kind,
                present->key().to_string());
  }
  return std::move(*present);
}

Result<Step> remove_child(kube::Client& client, const Kind& kind, const Object& move) {
  const auto child = TRY(find_child(client, kind, move));
  if (!child || !is_child(*child, move)) return Step{};
  if (!child->is_deleting()) {
    kube::DeleteOptions options;
    options.uid = child->uid();
    TRY(kube::remove_if_exists(client, kind, child->key(), options));
    if (!TRY(find_child(client, kind, move))) return Step{};
  }
  return Step::wait(fmt::format("waiting for {} {} to go", kind.kind, child->key().to_string()));
}

Result<Step> remove_claim(kube::Client& client, const Object& move) {
  const auto claim = TRY(find_child(client, api::kPersistentVolumeClaim, move));
  if (!claim || !is_child(*claim, move)) return Step{};
  const std::string& volume = claim->spec()["volumeName"].as_string();
  if (!volume.empty() && !claim->is_deleting()) TRY(set_reclaim_policy(client, volume, "Delete"));
  return remove_child(client, api::kPersistentVolumeClaim, move);
}

Result<> set_reclaim_policy(kube::Client& client, const std::string& volume,
                            const std::string& policy) {
  auto edited = kube::edit(client, api::kPersistentVolume, {"", volume}, false,
                           [&](Object& now) -> Result<bool> {
                             const Json& present = now.spec()["persistentVolumeReclaimPolicy"];
                             if (present.as_string() == policy) return false;
                             now.set({"spec", "persistentVolumeReclaimPolicy"}, policy);
                             return true;
                           });
  if (edited || edited.error().is(Code::kNotFound)) return {};
  return tl::unexpected(std::move(edited).error());
}

}  // namespace breakwater::mover
