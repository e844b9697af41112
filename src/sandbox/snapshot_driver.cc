#include "sandbox/snapshot_driver.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/quantity.h"

namespace breakwater::sandbox {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

constexpr Duration kPoll = std::chrono::seconds(1);
constexpr Duration kRetry = std::chrono::seconds(10);

// What a dynamic snapshot is taken of.
struct SnapshotSource {
  Object snapshot_class;
  Object volume;
};

class Snapshots final : public kube::Reconciler {
 public:
  explicit Snapshots(StorageContext& context) : context_(context) {}

  Outcome reconcile(const Key& key) override {
    auto snapshot = context_.reader.get(api::kVolumeSnapshot, key);
    if (!snapshot && snapshot.error().is(Code::kNotFound)) return Outcome::done();
    if (!snapshot) return tl::unexpected(std::move(snapshot).error());
    if (snapshot->is_deleting()) return finish(*snapshot);
    if (!snapshot->has_finalizer(kSnapshotFinalizer)) {
      TRY(set_finalizer(*snapshot, true));
      return Outcome::done();  // the change brings us back
    }
    return bind(*snapshot);
  }

 private:
  Outcome bind(const Object& snapshot) {
    auto content = find_content(snapshot);
    if (!content && content.error().is(Code::kUnavailable)) {
      return Outcome::again_after(kPoll);  // the claim is not bound yet
    }
    if (!content && (content.error().is(Code::kInvalid) || content.error().is(Code::kNotFound))) {
      TRY(write_error(snapshot, content.error().message()));
      return Outcome::again_after(kRetry);
    }
    if (!content) return tl::unexpected(std::move(content).error());
    TRY(write_status(snapshot, *content));
    return Outcome::done();  // the content's changes bring us back
  }

  Result<Object> find_content(const Object& snapshot) {
    const std::string name = content_name(snapshot);
    auto content = TRY(find_live(context_.client, api::kVolumeSnapshotContent, {"", name}));
    const bool is_static = snapshot.spec()["source"].has("volumeSnapshotContentName");
    if (!content) {
      if (is_static) return fail(Code::kNotFound, "VolumeSnapshotContent {} does not exist", name);
      return create_content(snapshot, name);
    }
    const Json& reference = content->spec()["volumeSnapshotRef"];
    if (!refers_to(reference, snapshot)) {
      return fail(Code::kInvalid, "VolumeSnapshotContent {} belongs to VolumeSnapshot {}/{}", name,
                  reference["namespace"].as_string(), reference["name"].as_string());
    }
    if (!reference["uid"].as_string().empty()) return std::move(*content);
    return kube::edit(context_.client, api::kVolumeSnapshotContent, {"", name}, false,
                      [&](Object& now) -> Result<bool> {
                        if (!refers_to(now.spec()["volumeSnapshotRef"], snapshot)) {
                          return fail(Code::kConflict, "VolumeSnapshotContent {} changed", name);
                        }
                        now.set({"spec", "volumeSnapshotRef", "uid"}, snapshot.uid());
                        return true;
                      });
  }

  Result<Object> create_content(const Object& snapshot, const std::string& name) {
    // Live: the cache may show a snapshot that is gone, whose content nobody would ever delete.
    if (!TRY(find_live(context_.client, api::kVolumeSnapshot, snapshot.key(), snapshot.uid()))) {
      return fail(Code::kUnavailable, "VolumeSnapshot {} is gone", snapshot.key().to_string());
    }
    const SnapshotSource source = TRY(find_source(snapshot));
    Object content = Object::make(api::kVolumeSnapshotContent, {"", name});
    content.add_finalizer(kContentFinalizer);
    Json spec = Json::object();
    spec.set("deletionPolicy", source.snapshot_class["deletionPolicy"]);
    spec.set("driver", source.snapshot_class["driver"]);
    spec.set({"source", "volumeHandle"}, source.volume.spec()["csi"]["volumeHandle"]);
    spec.set("sourceVolumeMode", source.volume.spec()["volumeMode"]);
    spec.set("volumeSnapshotClassName", source.snapshot_class.name());
    spec.set("volumeSnapshotRef", Json::object({{"apiVersion", api::kVolumeSnapshot.api_version()},
                                                {"kind", api::kVolumeSnapshot.kind},
                                                {"namespace", snapshot.ns()},
                                                {"name", snapshot.name()},
                                                {"uid", snapshot.uid()}}));
    content.set({"spec"}, std::move(spec));
    auto created = context_.client.create(api::kVolumeSnapshotContent, content);
    if (created || !created.error().is(Code::kAlreadyExists)) return created;
    return context_.client.get(api::kVolumeSnapshotContent, {"", name});
  }

  Result<SnapshotSource> find_source(const Object& snapshot) {
    const Key key{snapshot.ns(),
                  snapshot.spec()["source"]["persistentVolumeClaimName"].as_string()};
    const Object claim = TRY(context_.client.get(api::kPersistentVolumeClaim, key));
    if (claim.phase() != "Bound") {
      return fail(Code::kUnavailable, "PersistentVolumeClaim {} is not bound", key.to_string());
    }
    SnapshotSource source;
    source.volume = TRY(
        context_.client.get(api::kPersistentVolume, {"", claim.spec()["volumeName"].as_string()}));
    const std::string& driver = source.volume.spec()["csi"]["driver"].as_string();
    if (driver != api::kSandboxDriver) {
      return fail(Code::kInvalid, "PersistentVolumeClaim {} is no volume of driver {}",
                  key.to_string(), api::kSandboxDriver);
    }
    source.snapshot_class = TRY(find_class(snapshot, driver));
    return source;
  }

  Result<Object> find_class(const Object& snapshot, const std::string& driver) {
    const std::string& named = snapshot.spec()["volumeSnapshotClassName"].as_string();
    if (!named.empty()) return context_.client.get(api::kVolumeSnapshotClass, {"", named});
    for (Object& one : TRY(context_.reader.list(api::kVolumeSnapshotClass, ""))) {
      if (one["driver"].as_string() == driver &&
          one.annotation(api::kDefaultSnapshotClassAnnotation) == "true") {
        return std::move(one);
      }
    }
    return fail(Code::kInvalid,
                "VolumeSnapshot {} names no VolumeSnapshotClass and none is the default of {}",
                snapshot.key().to_string(), driver);
  }

  Result<> write_status(const Object& snapshot, const Object& content) {
    const Json& from = content.status();
    Json status = Json::object({{"boundVolumeSnapshotContentName", content.name()},
                                {"readyToUse", from["readyToUse"].as_bool()}});
    if (from.has("creationTime")) {
      status.set("creationTime",
                 format_rfc3339(Time(std::chrono::nanoseconds(from["creationTime"].as_int()))));
    }
    if (from.has("restoreSize")) {
      status.set("restoreSize", format_quantity(from["restoreSize"].as_int()));
    }
    if (from.has("error")) status.set("error", from["error"]);
    return replace_status(snapshot, status);
  }

  Result<> write_error(const Object& snapshot, const std::string& message) {
    if (snapshot.status()["error"]["message"].as_string() == message) return {};
    Json status = Json::object({{"readyToUse", false}});
    status.set("error", Json::object({{"message", message},
                                      {"time", format_rfc3339(context_.clock.now())}}));
    return replace_status(snapshot, status);
  }

  Result<> replace_status(const Object& snapshot, const Json& status) {
    if (snapshot.status() == status) return {};
    TRY(kube::edit(context_.client, api::kVolumeSnapshot, snapshot.key(), true,
                   [&](Object& now) -> Result<bool> {
                     if (now.uid() != snapshot.uid() || now.status() == status) return false;
                     now.set({"status"}, status);
                     return true;
                   }));
    return {};
  }

  Result<> set_finalizer(const Object& snapshot, bool wanted) {
    return sandbox::set_finalizer(context_, api::kVolumeSnapshot, snapshot, kSnapshotFinalizer,
                                  wanted);
  }

  Outcome finish(const Object& snapshot) {
    if (!snapshot.has_finalizer(kSnapshotFinalizer)) return Outcome::done();
    if (TRY(is_being_read(snapshot))) return Outcome::again_after(kPoll);
    const auto content =
        TRY(find_live(context_.client, api::kVolumeSnapshotContent, {"", content_name(snapshot)}));
    if (content && refers_to(content->spec()["volumeSnapshotRef"], snapshot) &&
        content->spec()["deletionPolicy"].as_string() == "Delete") {
      if (content->is_deleting()) return Outcome::done();  // its end brings us back
      kube::DeleteOptions options;
      options.uid = content->uid();
      options.resource_version = content->resource_version();
      TRY(kube::remove_if_exists(context_.client, api::kVolumeSnapshotContent, content->key(),
                                 options));
      return Outcome::again_after(kPoll);
    }
    TRY(set_finalizer(snapshot, false));
    return Outcome::done();
  }

  // Whether a claim is just being made from it.
  Result<bool> is_being_read(const Object& snapshot) {
    for (const Object& claim :
         TRY(context_.client.list(api::kPersistentVolumeClaim, snapshot.ns()))) {
      const Json& source = claim.spec()["dataSource"];
      if (source["kind"].as_string() == api::kVolumeSnapshot.kind &&
          source["name"].as_string() == snapshot.name() && !claim.is_deleting() &&
          claim.spec()["volumeName"].as_string().empty()) {
        return true;
      }
    }
    return false;
  }

  StorageContext& context_;
};

}  // namespace

std::string content_name(const Object& snapshot) {
  const std::string& given = snapshot.spec()["source"]["volumeSnapshotContentName"].as_string();
  return given.empty() ? "snapcontent-" + snapshot.uid() : given;
}

kube::ControllerSpec make_snapshot_controller(StorageContext& context) {
  kube::ControllerSpec spec;
  spec.name = kSnapshotController;
  spec.reconciler = std::make_unique<Snapshots>(context);
  spec.sources.push_back({api::kVolumeSnapshot, "", kube::map_to_self});
  spec.sources.push_back({api::kVolumeSnapshotContent, "", [](const Object& content) {
                            const Json& reference = content.spec()["volumeSnapshotRef"];
                            return std::vector<Key>{{reference["namespace"].as_string(),
                                                     reference["name"].as_string()}};
                          }});
  return spec;
}

}  // namespace breakwater::sandbox
