#include "mover/exposer.h"

#include <algorithm>

#include "api/kinds.h"
#include "base/quantity.h"
#include "mover/data_move.h"

namespace breakwater::mover {

using kube::Key;
using kube::Object;

namespace {

bool is_content_of(const Object& content, const Key& snapshot) {
  const Json& reference = content.spec()["volumeSnapshotRef"];
  return reference["namespace"].as_string() == snapshot.ns &&
         reference["name"].as_string() == snapshot.name;
}

std::string problem_of(const Object& object) {
  const std::string& message = object.status()["error"]["message"].as_string();
  return message.empty() ? "" : ": " + message;
}

// Of a content like `source`, without volumeSnapshotRef.
Json clone_spec(const Object& source, bool take_over) {
  Json spec = Json::object();
  spec.set("deletionPolicy", take_over ? "Delete" : "Retain");
  spec.set("driver", source.spec()["driver"]);
  spec.set({"source", "snapshotHandle"}, source.status()["snapshotHandle"]);
  for (const char* member : {"sourceVolumeMode", "volumeSnapshotClassName"}) {
    if (source.spec().has(member)) spec.set(member, source.spec()[member]);
  }
  return spec;
}

}  // namespace

Result<Step> Exposer::expose(const Object& move, const ExposureSource& source) {
  auto content = TRY(find_child(environment_.client, api::kVolumeSnapshotContent, move));
  if (!content) {
    auto made = make_clone(move, source);
    if (!made && made.error().is(Code::kNotFound)) {
      return wait_bounded(move, source.limit, made.error().message());
    }
    content = TRY(std::move(made));
  }
  Object snapshot = make_child(api::kVolumeSnapshot, move);
  snapshot.set({"metadata", "name"}, content->spec()["volumeSnapshotRef"]["name"]);
  snapshot.set({"spec", "source", "volumeSnapshotContentName"}, content->name());
  const Json& snapshot_class = content->spec()["volumeSnapshotClassName"];
  if (!snapshot_class.is_null()) snapshot.set({"spec", "volumeSnapshotClassName"}, snapshot_class);
  snapshot = TRY(ensure_child_named(environment_.client, api::kVolumeSnapshot, move, snapshot));
  if (!snapshot.status()["readyToUse"].as_bool()) {
    return wait_bounded(move, source.limit,
                        fmt::format("waiting for VolumeSnapshot {} to be ready{}",
                                    snapshot.key().to_string(), problem_of(snapshot)));
  }
  const Object claim = TRY(make_claim(move, source, *content, snapshot));
  if (source.take_over) TRY(release_originals(move, source.snapshot, "Retain"));
  TRY(ensure_child(environment_.client, api::kPersistentVolumeClaim, move, claim));
  return Step{};
}

Result<Step> Exposer::wait_bounded(const Object& move, Duration limit, std::string what) {
  if (since_accepted(environment_, move) <= limit) return Step::wait(std::move(what));
  return fail(Code::kInvalid, "gave up after {} {}", format_duration(limit), what);
}

Result<Object> Exposer::make_clone(const Object& move, const ExposureSource& source) {
  const Object original = TRY(find_source_content(source));
  Object clone = make_child(api::kVolumeSnapshotContent, move);
  for (const auto& [name, value] : original.metadata()["annotations"].members()) {
    if (clone.annotation(name).empty()) clone.set_annotation(name, value.as_string());
  }
  const auto names = child_names(api::kVolumeSnapshotContent, move);
  const auto snapshots = child_names(api::kVolumeSnapshot, move);
  for (size_t i = 0; i < names.size(); ++i) {  // the clone names the snapshot that will be bound
    Json spec = clone_spec(original, source.take_over);
    spec.set("volumeSnapshotRef", Json::object({{"apiVersion", api::kVolumeSnapshot.api_version()},
                                                {"kind", api::kVolumeSnapshot.kind},
                                                {"namespace", namespace_of(move)},
                                                {"name", snapshots.at(i)}}));
    clone.set({"metadata", "name"}, names[i]);
    clone.set({"spec"}, std::move(spec));
    auto made = ensure_child_named(environment_.client, api::kVolumeSnapshotContent, move, clone);
    const bool taken = !made && made.error().is(Code::kAlreadyExists);
    if (!taken || i + 1 == names.size()) return made;
  }
  return fail(Code::kInternal, "a move without names for its children");
}

// kNotFound while the snapshot is not ready, kInvalid if there is none.
Result<Object> Exposer::find_source_content(const ExposureSource& source) {
  const Key key = source.snapshot;
  std::string name = source.content;
  if (name.empty()) {
    const auto snapshot = TRY(find_live(environment_.client, api::kVolumeSnapshot, key));
    if (!snapshot) return fail(Code::kInvalid, "VolumeSnapshot {} does not exist", key.to_string());
    name = snapshot->status()["boundVolumeSnapshotContentName"].as_string();
    if (!snapshot->status()["readyToUse"].as_bool() || name.empty()) {
      return fail(Code::kNotFound, "waiting for VolumeSnapshot {} to be ready{}", key.to_string(),
                  problem_of(*snapshot));
    }
  }
  auto content = TRY(find_live(environment_.client, api::kVolumeSnapshotContent, {"", name}));
  if (!content || !is_content_of(*content, key)) {
    return fail(Code::kInvalid, "VolumeSnapshotContent {} of VolumeSnapshot {} does not exist",
                name, key.to_string());
  }
  const bool ready = content->status()["readyToUse"].as_bool(true);
  if (ready && !content->status()["snapshotHandle"].as_string().empty()) return std::move(*content);
  return fail(Code::kNotFound, "waiting for VolumeSnapshotContent {} to have a snapshotHandle{}",
              name, problem_of(*content));
}

// The originals are looked for by what refers to them: their names may be known to nobody after a
// crash between the two removals.
Result<> Exposer::release_originals(const Object& move, const Key& key, const std::string& policy) {
  std::vector<Object> contents = TRY(environment_.client.list(api::kVolumeSnapshotContent, "", {}));
  std::erase_if(contents, [&](const Object& content) {
    return is_child(content, move) || !is_content_of(content, key);
  });
  for (const Object& content : contents) {
    auto edited = kube::edit(environment_.client, api::kVolumeSnapshotContent, content.key(), false,
                             [&](Object& now) -> Result<bool> {
                               if (now.spec()["deletionPolicy"].as_string() == policy) return false;
                               now.set({"spec", "deletionPolicy"}, policy);
                               return true;
                             });
    if (!edited && !edited.error().is(Code::kNotFound)) {
      return tl::unexpected(std::move(edited).error());
    }
  }
  TRY(kube::remove_if_exists(environment_.client, api::kVolumeSnapshot, key));
  for (const Object& content : contents) {
    kube::DeleteOptions options;
    options.uid = content.uid();
    TRY(kube::remove_if_exists(environment_.client, api::kVolumeSnapshotContent, content.key(),
                               options));
  }
  return {};
}

Result<Object> Exposer::make_claim(const Object& move, const ExposureSource& source,
                                   const Object& content, const Object& snapshot) {
  const auto original =
      TRY(find_live(environment_.client, api::kPersistentVolumeClaim, source.claim));
  const Json& from = original ? original->spec() : Json();
  const std::string& request = from.at({"resources", "requests", "storage"}).as_string();
  const std::string& restore_size = snapshot.status()["restoreSize"].as_string();
  const int64_t size =
      std::max(parse_quantity(request).value_or(0), parse_quantity(restore_size).value_or(0));
  const std::string storage_class =
      source.storage_class.empty() ? from["storageClassName"].as_string() : source.storage_class;
  const Json& modes = from["accessModes"];
  Json spec = Json::object();
  spec.set("accessModes",
           source.take_over || modes.empty() ? Json::array({"ReadWriteOnce"}) : modes);
  spec.set("volumeMode", content.spec()["sourceVolumeMode"].as_string_or(
                             from["volumeMode"].as_string_or("Block")));
  if (!storage_class.empty()) spec.set("storageClassName", storage_class);
  spec.set({"resources", "requests", "storage"}, format_quantity(size));
  spec.set("dataSource", Json::object({{"apiGroup", api::kVolumeSnapshot.group},
                                       {"kind", api::kVolumeSnapshot.kind},
                                       {"name", snapshot.name()}}));
  Object claim = make_child(api::kPersistentVolumeClaim, move);
  claim.set({"spec"}, std::move(spec));
  return claim;
}

Result<Step> Exposer::dispose(const Object& move, const std::optional<Key>& taken_over) {
  kube::Client& client = environment_.client;
  if (taken_over) {
    const auto clone = TRY(find_child(client, api::kVolumeSnapshotContent, move));
    // Without a clone the original content is the one that takes the storage's snapshot along.
    TRY(release_originals(move, *taken_over, clone ? "Retain" : "Delete"));
  }
  const Step claim = TRY(remove_claim(client, move));
  if (!claim.done) return claim;
  const Step snapshot = TRY(remove_child(client, api::kVolumeSnapshot, move));
  if (!snapshot.done) return snapshot;
  return remove_child(client, api::kVolumeSnapshotContent, move);
}

}  // namespace breakwater::mover
