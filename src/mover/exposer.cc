#include "mover/exposer.h"

#include <algorithm>

#include "api/kinds.h"
#include "base/quantity.h"
#include "mover/data_move.h"

namespace breakwater::mover {

using kube::Key;
using kube::Object;

namespace {

Key source_snapshot(const Object& upload) {
  return {upload.spec()["sourceNamespace"].as_string(),
          upload.spec()["csiSnapshot"]["volumeSnapshot"].as_string()};
}

Key source_claim(const Object& upload) {
  return {upload.spec()["sourceNamespace"].as_string(), upload.spec()["sourcePVC"].as_string()};
}

bool is_content_of(const Object& content, const Key& snapshot) {
  const Json& reference = content.spec()["volumeSnapshotRef"];
  return reference["namespace"].as_string() == snapshot.ns &&
         reference["name"].as_string() == snapshot.name;
}

std::string problem_of(const Object& snapshot) {
  const std::string& message = snapshot.status()["error"]["message"].as_string();
  return message.empty() ? "" : ": " + message;
}

Result<> refuse_filesystem(const std::string& mode, const Object& upload) {
  if (mode != "Filesystem") return {};
  return fail(Code::kUnsupported,
              "PersistentVolumeClaim {} has volumeMode Filesystem; only Block is moved yet",
              source_claim(upload).to_string());
}

}  // namespace

Result<Step> Exposer::expose(const Object& upload) {
  auto content = TRY(find_child(environment_.client, api::kVolumeSnapshotContent, upload));
  if (!content || !is_child(*content, upload)) {
    auto made = make_clone(upload);
    if (!made && made.error().is(Code::kNotFound)) {
      return wait_bounded(upload, made.error().message());
    }
    content = TRY(std::move(made));
  }
  Object snapshot = make_child(api::kVolumeSnapshot, upload);
  snapshot.set({"spec", "source", "volumeSnapshotContentName"}, content->name());
  const Json& snapshot_class = content->spec()["volumeSnapshotClassName"];
  if (!snapshot_class.is_null()) snapshot.set({"spec", "volumeSnapshotClassName"}, snapshot_class);
  snapshot = TRY(ensure_child(environment_.client, api::kVolumeSnapshot, upload, snapshot));
  if (!snapshot.status()["readyToUse"].as_bool()) {
    return wait_bounded(upload, fmt::format("waiting for VolumeSnapshot {} to be ready{}",
                                            snapshot.key().to_string(), problem_of(snapshot)));
  }
  const Object claim = TRY(make_claim(upload, *content, snapshot));
  TRY(release_originals(upload, "Retain"));
  TRY(ensure_child(environment_.client, api::kPersistentVolumeClaim, upload, claim));
  return Step{};
}

Result<Step> Exposer::wait_bounded(const Object& upload, std::string what) {
  const Duration limit = operation_timeout(settings_, upload);
  if (since_accepted(environment_, upload) <= limit) return Step::wait(std::move(what));
  return fail(Code::kInvalid, "gave up after {} {}", format_duration(limit), what);
}

Result<Object> Exposer::make_clone(const Object& upload) {
  const Object source = TRY(find_source_content(upload));
  TRY(refuse_filesystem(source.spec()["sourceVolumeMode"].as_string(), upload));
  const auto claim =
      TRY(find_live(environment_.client, api::kPersistentVolumeClaim, source_claim(upload)));
  if (claim) TRY(refuse_filesystem(claim->spec()["volumeMode"].as_string(), upload));
  Object clone = make_child(api::kVolumeSnapshotContent, upload);
  for (const auto& [name, value] : source.metadata()["annotations"].members()) {
    clone.set_annotation(name, value.as_string());
  }
  Json spec = Json::object();
  spec.set("deletionPolicy", "Delete");
  spec.set("driver", source.spec()["driver"]);
  spec.set({"source", "snapshotHandle"}, source.status()["snapshotHandle"]);
  for (const char* member : {"sourceVolumeMode", "volumeSnapshotClassName"}) {
    if (source.spec().has(member)) spec.set(member, source.spec()[member]);
  }
  spec.set("volumeSnapshotRef", Json::object({{"apiVersion", api::kVolumeSnapshot.api_version()},
                                              {"kind", api::kVolumeSnapshot.kind},
                                              {"namespace", upload.ns()},
                                              {"name", child_name(upload)}}));
  clone.set({"spec"}, std::move(spec));
  return ensure_child(environment_.client, api::kVolumeSnapshotContent, upload, clone);
}

// kNotFound while the snapshot is not ready, kInvalid if there is none.
Result<Object> Exposer::find_source_content(const Object& upload) {
  const Key key = source_snapshot(upload);
  const auto snapshot = TRY(find_live(environment_.client, api::kVolumeSnapshot, key));
  if (!snapshot) return fail(Code::kInvalid, "VolumeSnapshot {} does not exist", key.to_string());
  const std::string& content = snapshot->status()["boundVolumeSnapshotContentName"].as_string();
  if (!snapshot->status()["readyToUse"].as_bool() || content.empty()) {
    return fail(Code::kNotFound, "waiting for VolumeSnapshot {} to be ready{}", key.to_string(),
                problem_of(*snapshot));
  }
  auto source = TRY(find_live(environment_.client, api::kVolumeSnapshotContent, {"", content}));
  if (!source || !is_content_of(*source, key)) {
    return fail(Code::kInvalid, "VolumeSnapshotContent {} of VolumeSnapshot {} does not exist",
                content, key.to_string());
  }
  if (!source->status()["snapshotHandle"].as_string().empty()) return std::move(*source);
  return fail(Code::kNotFound, "waiting for VolumeSnapshotContent {} to have a snapshotHandle",
              content);
}

// The originals are looked for by what refers to them: their names may be known to nobody after a
// crash between the two removals.
Result<> Exposer::release_originals(const Object& upload, const std::string& policy) {
  const Key key = source_snapshot(upload);
  std::vector<Object> contents = TRY(environment_.client.list(api::kVolumeSnapshotContent, "", {}));
  std::erase_if(contents, [&](const Object& content) {
    return is_child(content, upload) || !is_content_of(content, key);
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

Result<Object> Exposer::make_claim(const Object& upload, const Object& content,
                                   const Object& snapshot) {
  const auto source =
      TRY(find_live(environment_.client, api::kPersistentVolumeClaim, source_claim(upload)));
  int64_t asked = 0;
  if (source) {
    const Json& request = source->json().at({"spec", "resources", "requests", "storage"});
    asked = parse_quantity(request.as_string()).value_or(0);
  }
  const int64_t needed = parse_quantity(snapshot.status()["restoreSize"].as_string()).value_or(0);
  std::string storage_class = upload.spec()["csiSnapshot"]["storageClass"].as_string();
  if (storage_class.empty() && source) {
    storage_class = source->spec()["storageClassName"].as_string();
  }
  Object claim = make_child(api::kPersistentVolumeClaim, upload);
  Json spec = Json::object();
  spec.set("accessModes", Json::array({"ReadWriteOnce"}));
  spec.set("volumeMode", content.spec()["sourceVolumeMode"].as_string_or("Block"));
  if (!storage_class.empty()) spec.set("storageClassName", storage_class);
  spec.set({"resources", "requests", "storage"}, format_quantity(std::max(asked, needed)));
  spec.set("dataSource", Json::object({{"apiGroup", api::kVolumeSnapshot.group},
                                       {"kind", api::kVolumeSnapshot.kind},
                                       {"name", snapshot.name()}}));
  claim.set({"spec"}, std::move(spec));
  return claim;
}

Result<Step> Exposer::dispose(const Object& upload) {
  kube::Client& client = environment_.client;
  const auto clone = TRY(find_child(client, api::kVolumeSnapshotContent, upload));
  // Without a clone the original content is the one that takes the storage's snapshot along.
  TRY(release_originals(upload, clone && is_child(*clone, upload) ? "Retain" : "Delete"));
  const Step claim = TRY(remove_claim(client, upload));
  if (!claim.done) return claim;
  const Step snapshot = TRY(remove_child(client, api::kVolumeSnapshot, upload));
  if (!snapshot.done) return snapshot;
  return remove_child(client, api::kVolumeSnapshotContent, upload);
}

}  // namespace breakwater::mover
