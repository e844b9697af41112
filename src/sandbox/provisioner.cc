#include <map>

#include "api/kinds.h"
#include "api/names.h"
#include "base/quantity.h"
#include "sandbox/storage_driver.h"

namespace breakwater::sandbox {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

constexpr Duration kSnapshotPoll = std::chrono::seconds(1);
constexpr Duration kRetry = std::chrono::seconds(10);

// What Kubernetes takes for granted when nothing is said.
VolumeMode mode_of(const Object& claim) {
  const bool block = claim.spec()["volumeMode"].as_string() == "Block";
  return block ? VolumeMode::kBlock : VolumeMode::kFilesystem;
}

std::string volume_of(const Object& claim) { return "pvc-" + claim.uid(); }

bool is_ours(const Object& claim) {
  return claim.annotation(api::kStorageProvisionerAnnotation) == api::kSandboxDriver &&
         claim.spec()["volumeName"].as_string().empty() && claim.spec()["selector"].is_null();
}

// Why this driver cannot serve the claim, or "".
std::string refusal(const Object& claim) {
  const Json& source = claim.spec()["dataSource"];
  if (!source.is_null() && source["kind"].as_string() != api::kVolumeSnapshot.kind) {
    return fmt::format(
        "spec.dataSource of kind {} is not offered by disk.breakwater.dev; only "
        "VolumeSnapshot is",
        source["kind"].as_string());
  }
  return "";
}

// What to make a volume from.
struct Origin {
  std::string handle;  // of a snapshot; "" for an empty volume
  uint64_t size = 0;
};

class Provisioner final : public kube::Reconciler {
 public:
  explicit Provisioner(StorageContext& context) : context_(context) {}

  Outcome reconcile(const Key& key) override {
    auto cached = context_.reader.get(api::kPersistentVolumeClaim, key);
    if (!cached && !cached.error().is(Code::kNotFound)) {
      return tl::unexpected(std::move(cached).error());
    }
    if (!cached || cached->is_deleting()) return abandon(key);
    // A volume whose creation seemed to fail may be bound by now.
    if (!is_ours(*cached)) return in_flight_.contains(key) ? abandon(key) : Outcome::done();
    const std::string problem = refusal(*cached);
    if (!problem.empty()) return refuse(*cached, problem, Outcome::done());
    return provision(*cached);
  }

 private:
  Outcome refuse(const Object& claim, std::string_view why, Outcome then) {
    context_.events.warning(claim, "ProvisioningFailed", why);
    return then;
  }

  Outcome provision(const Object& claim) {
    const std::string name = volume_of(claim);
    auto storage_class = storage_class_of(context_.reader, claim);
    if (!storage_class)
      return refuse(claim, storage_class.error().message(), Outcome::again_after(kRetry));
    auto size = requested_size(claim);
    if (!size) return refuse(claim, size.error().message(), Outcome::done());
    auto origin = origin_of(claim, *size);
    if (!origin && origin.error().is(Code::kUnavailable)) {
      return Outcome::again_after(kSnapshotPoll);  // the snapshot is on its way
    }
    if (!origin) return refuse(claim, origin.error().message(), Outcome::again_after(kRetry));
    if (TRY(find_live(context_.client, api::kPersistentVolume, {"", name}))) {
      return finish(claim.key(), name);
    }
    // Live: the cache may show a claim that is gone, for which nothing must be made.
    if (!TRY(find_live(context_.client, api::kPersistentVolumeClaim, claim.key(), claim.uid()))) {
      return Outcome::again_after(kSnapshotPoll);
    }
    auto made = make_file(claim, name, *origin);
    if (!made) return refuse(claim, made.error().to_string(), Outcome::again_after(kRetry));
    if (!*made) return Outcome::done();  // woken at its end
    auto created = context_.client.create(api::kPersistentVolume,
                                          make_volume(claim, *storage_class, name, origin->size));
    if (!created && !created.error().is(Code::kAlreadyExists)) {
      return tl::unexpected(std::move(created).error());
    }
    context_.events.normal(claim, "ProvisioningSucceeded", "provisioned volume " + name);
    return finish(claim.key(), name);
  }

  Outcome finish(const Key& claim, const std::string& name) {
    in_flight_.erase(claim);
    TRY(context_.files.acknowledge_volume(name));
    return Outcome::done();
  }

  // kUnavailable while the snapshot is not ready; other errors are for the claim's events.
  Result<Origin> origin_of(const Object& claim, uint64_t size) {
    const Json& source = claim.spec()["dataSource"];
    if (source.is_null()) return Origin{"", size};
    const Key key{claim.ns(), source["name"].as_string()};
    auto snapshot = context_.client.get(api::kVolumeSnapshot, key);
    if (!snapshot) return tl::unexpected(std::move(snapshot).error());
    const std::string& content_name =
        snapshot->status()["boundVolumeSnapshotContentName"].as_string();
    if (!snapshot->status()["readyToUse"].as_bool() || content_name.empty()) {
      return fail(Code::kUnavailable, "VolumeSnapshot {} is not ready", key.to_string());
    }
    const Object content =
        TRY(context_.client.get(api::kVolumeSnapshotContent, {"", content_name}));
    if (content.spec()["driver"].as_string() != api::kSandboxDriver) {
      return fail(Code::kInvalid, "VolumeSnapshot {} belongs to driver {}, not to {}",
                  key.to_string(), content.spec()["driver"].as_string(), api::kSandboxDriver);
    }
    const std::string handle = content.status()["snapshotHandle"].as_string();
    const auto info = TRY(context_.files.find_snapshot(handle));
    if (info.mode != mode_of(claim)) {
      return fail(Code::kInvalid,
                  "the claim has another volumeMode than what VolumeSnapshot {} was taken of",
                  key.to_string());
    }
    if (size < info.size) {
      return fail(Code::kInvalid, "the claim asks for {} bytes, VolumeSnapshot {} needs {}", size,
                  key.to_string(), info.size);
    }
    return Origin{handle, size};
  }

  Result<bool> make_file(const Object& claim, const std::string& name, const Origin& origin) {
    const auto earlier = in_flight_.find(claim.key());
    if (earlier != in_flight_.end() && earlier->second != name) {  // of a claim of the same name
      const Outcome left = abandon(claim.key());
      if (left.error()) return tl::unexpected(*left.error());
      if (left.again()) return fail(Code::kUnavailable, "volume {} is still being made", name);
    }
    in_flight_[claim.key()] = name;
    if (origin.handle.empty()) {
      TRY(context_.files.create_volume(name, origin.size, mode_of(claim)));
      return true;
    }
    return finish_operation(
        context_, "provision/" + name,
        [&files = context_.files, name, origin] {
          return files.create_volume_from(origin.handle, name, origin.size);
        },
        std::string(kProvisionerController), claim.key());
  }

  // The claim went, or has a volume: unless that is the one being made, nobody will ever name its
  // file.
  Outcome abandon(const Key& claim) {
    const auto found = in_flight_.find(claim);
    if (found == in_flight_.end()) return Outcome::done();
    const std::string name = found->second;
    const auto running = context_.operations.find("provision/" + name);
    if (running && !running->finished) return Outcome::again_after(kSnapshotPoll);
    if (running) context_.operations.forget("provision/" + name);
    if (TRY(find_live(context_.client, api::kPersistentVolume, {"", name}))) {
      TRY(context_.files.acknowledge_volume(name));
    } else {
      TRY(context_.files.remove_volume(name));
    }
    in_flight_.erase(claim);
    return Outcome::done();
  }

  Object make_volume(const Object& claim, const Object& storage_class, const std::string& name,
                     uint64_t size) const {
    Object volume = Object::make(api::kPersistentVolume, {"", name});
    volume.set_annotation(kProvisionedByAnnotation, api::kSandboxDriver);
    volume.add_finalizer(kVolumeFinalizer);
    Json spec = Json::object();
    spec.set({"capacity", "storage"}, format_quantity(static_cast<int64_t>(size)));
    spec.set("accessModes", claim.spec()["accessModes"]);
    spec.set("persistentVolumeReclaimPolicy",
             storage_class["reclaimPolicy"].as_string_or("Delete"));
    spec.set("storageClassName", storage_class.name());
    const VolumeMode mode = mode_of(claim);
    spec.set("volumeMode", mode == VolumeMode::kBlock ? "Block" : "Filesystem");
    spec.set("csi", Json::object({{"driver", api::kSandboxDriver}, {"volumeHandle", name}}));
    spec.set({"csi", "volumeAttributes", "path"}, context_.files.volume_path(name, mode).string());
    spec.set("claimRef", Json::object({{"apiVersion", "v1"},
                                       {"kind", "PersistentVolumeClaim"},
                                       {"namespace", claim.ns()},
                                       {"name", claim.name()},
                                       {"uid", claim.uid()}}));
    volume.set({"spec"}, std::move(spec));
    return volume;
  }

  StorageContext& context_;
  std::map<Key, std::string> in_flight_;  // claim -> volume whose file may be there without object
};

}  // namespace

kube::ControllerSpec make_provisioner_controller(StorageContext& context) {
  kube::ControllerSpec spec;
  spec.name = kProvisionerController;
  spec.reconciler = std::make_unique<Provisioner>(context);
  spec.sources.push_back({api::kPersistentVolumeClaim, "", kube::map_to_self});
  return spec;
}

}  // namespace breakwater::sandbox
