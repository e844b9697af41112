#include "sandbox/storage_driver.h"

#include "api/kinds.h"
#include "api/names.h"
#include "sandbox/pv_binder.h"
#include "sandbox/snapshot_driver.h"

namespace breakwater::sandbox {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

Key claim_key(const Object& volume) {
  const Json& reference = volume.spec()["claimRef"];
  return {reference["namespace"].as_string(), reference["name"].as_string()};
}

bool is_ours(const Object& volume) {
  return volume.spec()["csi"]["driver"].as_string() == api::kSandboxDriver;
}

bool reclaims(const Object& volume) {
  return volume.spec()["persistentVolumeReclaimPolicy"].as_string() == "Delete";
}

class Volumes final : public kube::Reconciler {
 public:
  explicit Volumes(StorageContext& context) : context_(context) {}

  Outcome reconcile(const Key& key) override {
    auto volume = context_.reader.get(api::kPersistentVolume, key);
    if (!volume && volume.error().is(Code::kNotFound)) return Outcome::done();
    if (!volume) return tl::unexpected(std::move(volume).error());
    const std::string phase = TRY(phase_of(*volume));
    if (volume->is_deleting()) return phase == "Bound" ? Outcome::done() : finish(*volume);
    if (volume->phase() != phase) TRY(set_phase(*volume, phase));
    if (phase == "Released" && reclaims(*volume) && is_ours(*volume)) return reclaim(*volume);
    return Outcome::done();
  }

 private:
  // Whether the claim that the volume names has it. "Released" is said only after a live look.
  Result<std::string> phase_of(const Object& volume) {
    const std::string& uid = volume.spec()["claimRef"]["uid"].as_string();
    if (uid.empty()) return "Available";
    const auto claim =
        TRY(find_live(context_.client, api::kPersistentVolumeClaim, claim_key(volume), uid));
    if (!claim) return "Released";
    const std::string& bound_to = claim->spec()["volumeName"].as_string();
    if (bound_to == volume.name()) return "Bound";
    // Made for a claim that has meanwhile found another volume: nobody will ever want this one.
    const bool superfluous =
        !bound_to.empty() && !volume.annotation(kProvisionedByAnnotation).empty();
    return superfluous ? "Released" : "Available";
  }

  Result<> set_phase(const Object& volume, const std::string& phase) {
    auto edited = kube::edit(context_.client, api::kPersistentVolume, volume.key(), true,
                             [&](Object& now) -> Result<bool> {
                               if (now.spec()["claimRef"] != volume.spec()["claimRef"])
                                 return false;
                               now.set({"status", "phase"}, phase);
                               return true;
                             });
    if (!edited && !edited.error().is(Code::kNotFound)) {
      return tl::unexpected(std::move(edited).error());
    }
    return {};
  }

  // Only in the very state that was judged: a policy changed meanwhile is a conflict.
  Outcome reclaim(const Object& volume) {
    const auto now =
        TRY(find_live(context_.client, api::kPersistentVolume, volume.key(), volume.uid()));
    if (!now || now->is_deleting() || !reclaims(*now) ||
        now->spec()["claimRef"] != volume.spec()["claimRef"]) {
      return Outcome::done();  // the change brings us back
    }
    kube::DeleteOptions options;
    options.uid = now->uid();
    options.resource_version = now->resource_version();
    TRY(kube::remove_if_exists(context_.client, api::kPersistentVolume, now->key(), options));
    return Outcome::done();
  }

  Outcome finish(const Object& volume) {
    if (!volume.has_finalizer(kVolumeFinalizer)) return Outcome::done();
    const auto now =
        TRY(find_live(context_.client, api::kPersistentVolume, volume.key(), volume.uid()));
    if (!now || !now->is_deleting()) return Outcome::done();
    const std::string& handle = now->spec()["csi"]["volumeHandle"].as_string();
    if (is_ours(*now) && is_storage_name(handle)) {  // another handle can name no file of ours
      TRY(reclaims(*now) ? context_.files.remove_volume(handle)
                         : context_.files.acknowledge_volume(handle));
    }
    TRY(kube::edit(context_.client, api::kPersistentVolume, volume.key(), false,
                   [&](Object& object) -> Result<bool> {
                     if (object.uid() != volume.uid()) return false;
                     object.remove_finalizer(kVolumeFinalizer);
                     return true;
                   }));
    return Outcome::done();
  }

  StorageContext& context_;
};

// A claim concerns the volume it is bound to and those that name it.
std::vector<Key> volumes_of_claim(StorageContext& context, const Object& claim) {
  std::vector<Key> keys;
  auto volumes = context.reader.list(api::kPersistentVolume, "");
  if (!volumes) return keys;
  for (const Object& volume : *volumes) {
    if (claim_key(volume) == claim.key()) keys.push_back(volume.key());
  }
  return keys;
}

}  // namespace

kube::ControllerSpec make_volume_controller(StorageContext& context) {
  kube::ControllerSpec spec;
  spec.name = kVolumeController;
  spec.reconciler = std::make_unique<Volumes>(context);
  spec.sources.push_back({api::kPersistentVolume, "", kube::map_to_self});
  spec.sources.push_back({api::kPersistentVolumeClaim, "", [&context](const Object& claim) {
                            return volumes_of_claim(context, claim);
                          }});
  return spec;
}

std::vector<kube::ControllerSpec> make_storage_controllers(StorageContext& context) {
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(make_binder_controller(context));
  controllers.push_back(make_provisioner_controller(context));
  controllers.push_back(make_volume_controller(context));
  controllers.push_back(make_snapshot_controller(context));
  controllers.push_back(make_snapshot_content_controller(context));
  return controllers;
}

Result<> sweep_storage(StorageContext& context) {
  return context.files.sweep([&](const std::string& volume) -> Result<bool> {
    return TRY(find_live(context.client, api::kPersistentVolume, {"", volume})).has_value();
  });
}

}  // namespace breakwater::sandbox
