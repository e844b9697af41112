#include "mover/children.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/ids.h"

namespace breakwater::mover {

using kube::Key;
using kube::Kind;
using kube::Object;

namespace {

constexpr size_t kMostName = 253;

std::string_view label_of(const Object& move) {
  if (move.is(api::kDataUpload)) return api::kDataUploadLabel;
  if (move.is(api::kDataDownload)) return api::kDataDownloadLabel;
  return move.is(api::kVolumeSnapshotBackup) ? api::kVsbLabel : api::kVsrLabel;
}

bool is_velero(const Object& move) {
  return move.is(api::kDataUpload) || move.is(api::kDataDownload);
}

// Without a suffix that tells moves of one name apart.
struct Name {
  std::string stem;
  std::string_view end;
};

Name name_of(const Kind& kind, const Object& move) {
  if (kind == api::kPod) return {move.name(), "-pod"};
  if (kind == api::kSecret) return {move.name(), "-secret"};
  if (move.is(api::kVolumeSnapshotRestore)) {
    return {move.name(), kind == api::kVolumeSnapshot ? "-snapshot" : "-pvc"};
  }
  const std::string& content = move.spec()["volumeSnapshotContent"]["name"].as_string();
  if (kind == api::kVolumeSnapshotContent) return {content + "-clone", ""};
  if (kind == api::kVolumeSnapshot) return {content + "-clone", "-volumesnapshot"};
  return {content, "-pvc"};
}

}  // namespace

const std::string& namespace_of(const Object& move) {
  return is_velero(move) ? move.ns() : move.spec()["protectedNamespace"].as_string();
}

std::vector<std::string> child_names(const Kind& kind, const Object& move) {
  if (is_velero(move)) return {label_value(move.name())};
  const Name name = name_of(kind, move);
  std::vector<std::string> names;
  for (const std::string& suffix : {std::string(), "-" + move.uid().substr(0, 8)}) {
    const std::string whole = name.stem + suffix + std::string(name.end);
    const bool too_long = kind == api::kPod || whole.size() > kMostName;
    names.push_back(too_long ? label_value(whole) : whole);
  }
  return names;
}

Object make_child(const Kind& kind, const Object& move) {
  const std::string& ns = namespace_of(move);
  Object child = Object::make(kind, {kind.namespaced ? ns : "", child_names(kind, move).front()});
  child.set_label(api::kManagedByLabel, api::kManagedBy);
  child.set_label(label_of(move), label_value(move.name()));
  child.set_annotation(kMoveUidAnnotation, move.uid());
  child.set_annotation(kMoveAnnotation, move.key().to_string());
  if (kind.namespaced && ns == move.ns()) child.add_owner(move, true);
  return child;
}

kube::Mapper map_to_move(const Kind& kind) {
  const std::string label(label_of(Object::make(kind, {})));
  return [label](const Object& object) -> std::vector<Key> {
    const std::string& move = object.annotation(kMoveAnnotation);
    const size_t slash = move.find('/');
    if (!object.has_label(label) || slash == std::string::npos) return {};
    return {{move.substr(0, slash), move.substr(slash + 1)}};
  };
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
  if (kind.namespaced && namespace_of(move).empty()) return std::nullopt;
  for (const std::string& name : child_names(kind, move)) {
    auto found = TRY(find_live(client, kind, {kind.namespaced ? namespace_of(move) : "", name}));
    if (found && is_child(*found, move)) return found;
  }
  return std::nullopt;
}

namespace {

// Under the first of `names` that is not somebody else's.
Result<Object> ensure_under(const std::vector<std::string>& names, kube::Client& client,
                            const Kind& kind, const Object& move, const Object& wanted) {
  const auto present = TRY(find_child(client, kind, move));
  if (present && !present->is_deleting()) return *present;
  if (present) {
    return fail(Code::kAlreadyExists, "{} {} is being deleted", kind.kind,
                present->key().to_string());
  }
  for (const std::string& name : names) {
    Object named = wanted;
    named.set({"metadata", "name"}, name);
    auto created = client.create(kind, named);
    if (created || !created.error().is(Code::kAlreadyExists)) return created;
    const auto taken = TRY(find_live(client, kind, named.key()));
    if (taken && is_child(*taken, move)) return *taken;  // an earlier attempt got through after all
  }
  return fail(Code::kAlreadyExists, "{} {} is there already and does not belong to {} {}",
              kind.kind, wanted.key().to_string(), move.kind(), move.key().to_string());
}

}  // namespace

Result<Object> ensure_child(kube::Client& client, const Kind& kind, const Object& move,
                            const Object& wanted) {
  return ensure_under(child_names(kind, move), client, kind, move, wanted);
}

Result<Object> ensure_child_named(kube::Client& client, const Kind& kind, const Object& move,
                                  const Object& wanted) {
  return ensure_under({wanted.name()}, client, kind, move, wanted);
}

Result<Step> remove_child(kube::Client& client, const Kind& kind, const Object& move) {
  const auto child = TRY(find_child(client, kind, move));
  if (!child) return Step{};
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
  if (!claim) return Step{};
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
