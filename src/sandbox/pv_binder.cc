#include "sandbox/pv_binder.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "base/quantity.h"
#include "kube/selector.h"

namespace breakwater::sandbox {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

constexpr Duration kRetry = std::chrono::seconds(10);

bool is_bound(const Object& claim) { return claim.phase() == "Bound"; }

std::string volume_mode(const Object& object) {
  return object.spec()["volumeMode"].as_string_or("Filesystem");
}

bool has_ended(const Object& pod) { return pod.phase() == "Succeeded" || pod.phase() == "Failed"; }

bool uses_claim(const Object& pod, const std::string& claim) {
  const auto& volumes = pod.spec()["volumes"].items();
  return std::any_of(volumes.begin(), volumes.end(), [&](const Json& volume) {
    return volume["persistentVolumeClaim"]["claimName"].as_string() == claim;
  });
}

bool offers_access(const Object& volume, const Object& claim) {
  const auto& offered = volume.spec()["accessModes"].items();
  const auto& wanted = claim.spec()["accessModes"].items();
  return std::all_of(wanted.begin(), wanted.end(), [&](const Json& mode) {
    return std::find(offered.begin(), offered.end(), mode) != offered.end();
  });
}

uint64_t capacity_of(const Object& volume) {
  return static_cast<uint64_t>(
      parse_quantity(volume.json().at({"spec", "capacity", "storage"}).as_string()).value_or(0));
}

// Whether the volume can carry the claim at all, whoever chose it.
bool fits(const Object& volume, const Object& claim, uint64_t size) {
  return !volume.is_deleting() && volume_mode(volume) == volume_mode(claim) &&
         capacity_of(volume) >= size;
}

class Binder final : public kube::Reconciler {
 public:
  explicit Binder(StorageContext& context) : context_(context) {}

  Outcome reconcile(const Key& key) override {
    auto claim = context_.reader.get(api::kPersistentVolumeClaim, key);
    if (!claim && claim.error().is(Code::kNotFound)) return Outcome::done();
    if (!claim) return tl::unexpected(std::move(claim).error());
    if (claim->is_deleting()) return release(*claim);
    if (!claim->has_finalizer(kPvcProtection) || !claim->spec().has("storageClassName")) {
      TRY(complete(*claim));
      return Outcome::done();  // the change brings us back
    }
    if (is_bound(*claim)) return check_volume(*claim);
    return find_volume(*claim);
  }

 private:
  // What admission does on a real cluster: the finalizer and the default class.
  Result<> complete(const Object& claim) {
    std::string default_class;
    for (const Object& one : TRY(context_.reader.list(api::kStorageClass, ""))) {
      if (one.annotation(api::kDefaultStorageClassAnnotation) == "true") default_class = one.name();
    }
    TRY(kube::edit(context_.client, api::kPersistentVolumeClaim, claim.key(), false,
                   [&](Object& now) -> Result<bool> {
                     if (now.uid() != claim.uid() || now.is_deleting()) return false;
                     now.add_finalizer(kPvcProtection);
                     if (!now.spec().has("storageClassName")) {
                       now.set({"spec", "storageClassName"}, default_class);
                     }
                     return true;
                   }));
    return {};
  }

  Outcome release(const Object& claim) {
    if (!claim.has_finalizer(kPvcProtection)) return Outcome::done();
    for (const Object& pod : TRY(context_.client.list(api::kPod, claim.ns()))) {
      if (!has_ended(pod) && uses_claim(pod, claim.name())) return Outcome::again_after(kRetry);
    }
    auto edited = kube::edit(context_.client, api::kPersistentVolumeClaim, claim.key(), false,
                             [&](Object& now) -> Result<bool> {
                               if (now.uid() != claim.uid()) return false;
                               now.remove_finalizer(kPvcProtection);
                               return true;
                             });
    if (!edited && !edited.error().is(Code::kNotFound)) {
      return tl::unexpected(std::move(edited).error());
    }
    return Outcome::done();
  }

  Outcome check_volume(const Object& claim) {
    const std::string& name = claim.spec()["volumeName"].as_string();
    const auto volume = TRY(find_live_cached(name));
    if (volume && refers_to(volume->spec()["claimRef"], claim)) return Outcome::done();
    TRY(kube::edit(context_.client, api::kPersistentVolumeClaim, claim.key(), true,
                   [&](Object& now) -> Result<bool> {
                     if (now.uid() != claim.uid()) return false;
                     now.set({"status", "phase"}, "Lost");
                     return true;
                   }));
    context_.events.warning(claim, "ClaimLost",
                            fmt::format("PersistentVolume {} is gone or bound elsewhere", name));
    return Outcome::done();
  }

  // From the cache if it is there, else live: "it is gone" must not come from a stale cache.
  Result<std::optional<Object>> find_live_cached(const std::string& volume) {
    auto cached = context_.reader.get(api::kPersistentVolume, {"", volume});
    if (cached) return std::move(*cached);
    return find_live(context_.client, api::kPersistentVolume, {"", volume});
  }

  Outcome find_volume(const Object& claim) {
    const uint64_t size = TRY(requested_size(claim));
    const auto selector = TRY(kube::LabelSelector::from_json(claim.spec()["selector"]));
    const std::string& asked = claim.spec()["volumeName"].as_string();
    std::optional<Object> best;
    for (Object& volume : TRY(context_.reader.list(api::kPersistentVolume, ""))) {
      const Json& reference = volume.spec()["claimRef"];
      if (!reference.is_null() && !refers_to(reference, claim)) continue;
      if (!fits(volume, claim, size)) continue;
      const bool chosen = !reference.is_null() || volume.name() == asked;
      if (!asked.empty() && volume.name() != asked) continue;
      if (chosen) return bind(claim, volume.name());
      if (is_candidate(volume, claim, selector) &&
          (!best || capacity_of(volume) < capacity_of(*best))) {
        best = std::move(volume);
      }
    }
    if (best) return bind(claim, best->name());
    if (!asked.empty() || !claim.spec()["selector"].is_null()) return wait(claim);
    return ask_provisioner(claim);
  }

  static bool is_candidate(const Object& volume, const Object& claim,
                           const kube::LabelSelector& selector) {
    return volume.spec()["claimRef"].is_null() &&
           volume.spec()["storageClassName"].as_string() ==
               claim.spec()["storageClassName"].as_string() &&
           offers_access(volume, claim) && selector.matches(volume);
  }

  Outcome wait(const Object& claim) {
    if (claim.phase() == "Pending") return Outcome::done();
    TRY(set_pending(claim));
    context_.events.normal(claim, "FailedBinding",
                           "no PersistentVolume matches this claim yet, and with a selector or a "
                           "volumeName none is provisioned");
    return Outcome::done();
  }

  Result<> set_pending(const Object& claim) {
    TRY(kube::edit(context_.client, api::kPersistentVolumeClaim, claim.key(), true,
                   [&](Object& now) -> Result<bool> {
                     if (now.uid() != claim.uid() || !now.phase().empty()) return false;
                     now.set({"status", "phase"}, "Pending");
                     return true;
                   }));
    return {};
  }

  Outcome ask_provisioner(const Object& claim) {
    if (claim.phase().empty()) TRY(set_pending(claim));
    if (!claim.annotation(api::kStorageProvisionerAnnotation).empty()) return Outcome::done();
    auto storage_class = storage_class_of(context_.reader, claim);
    if (!storage_class && storage_class.error().is(Code::kNotFound)) {
      context_.events.warning(claim, "ProvisioningFailed", storage_class.error().message());
      return Outcome::again_after(kRetry);
    }
    if (!storage_class) return tl::unexpected(std::move(storage_class).error());
    const bool delayed =
        (*storage_class)["volumeBindingMode"].as_string() == "WaitForFirstConsumer";
    if (delayed && claim.annotation(api::kSelectedNodeAnnotation).empty()) {
      context_.events.normal(claim, "WaitForFirstConsumer",
                             "waiting for a pod that uses this claim");
      return Outcome::done();
    }
    TRY(kube::edit(context_.client, api::kPersistentVolumeClaim, claim.key(), false,
                   [&](Object& now) -> Result<bool> {
                     if (now.uid() != claim.uid()) return false;
                     now.set_annotation(api::kStorageProvisionerAnnotation,
                                        (*storage_class)["provisioner"].as_string());
                     return true;
                   }));
    return Outcome::done();
  }

  Outcome bind(const Object& claim, const std::string& volume) {
    // Live: a claim that is bound by now must not take a second volume.
    const auto current =
        TRY(find_live(context_.client, api::kPersistentVolumeClaim, claim.key(), claim.uid()));
    if (!current || current->is_deleting()) return Outcome::done();
    const std::string& present = current->spec()["volumeName"].as_string();
    if (!present.empty() && present != volume) return Outcome::done();
    const Object bound = TRY(bind_volume(claim, volume));
    TRY(kube::edit(context_.client, api::kPersistentVolumeClaim, claim.key(), false,
                   [&](Object& now) { return write_claim(claim, volume, now); }));
    TRY(kube::edit(context_.client, api::kPersistentVolumeClaim, claim.key(), true,
                   [&](Object& now) -> Result<bool> {
                     if (now.uid() != claim.uid()) return false;
                     now.set({"status", "phase"}, "Bound");
                     now.set({"status", "accessModes"}, bound.spec()["accessModes"]);
                     now.set({"status", "capacity"}, bound.spec()["capacity"]);
                     return true;
                   }));
    return Outcome::done();
  }

  Result<Object> bind_volume(const Object& claim, const std::string& volume) {
    return kube::edit(
        context_.client, api::kPersistentVolume, {"", volume}, false,
        [&](Object& now) -> Result<bool> {
          const Json& reference = now.spec()["claimRef"];
          if (now.is_deleting() || (!reference.is_null() && !refers_to(reference, claim))) {
            return fail(Code::kConflict, "PersistentVolume {} was taken meanwhile", volume);
          }
          if (!reference["uid"].as_string().empty()) return false;
          if (reference.is_null()) now.set_annotation(api::kBoundByControllerAnnotation, "yes");
          now.set({"spec", "claimRef"}, Json::object({{"apiVersion", "v1"},
                                                      {"kind", "PersistentVolumeClaim"},
                                                      {"namespace", claim.ns()},
                                                      {"name", claim.name()},
                                                      {"uid", claim.uid()}}));
          return true;
        });
  }

  static Result<bool> write_claim(const Object& claim, const std::string& volume, Object& now) {
    const std::string& present = now.spec()["volumeName"].as_string();
    if (now.uid() != claim.uid() || (!present.empty() && present != volume)) {
      return fail(Code::kConflict, "PersistentVolumeClaim {} was bound meanwhile",
                  claim.key().to_string());
    }
    if (present.empty()) now.set_annotation(api::kBoundByControllerAnnotation, "yes");
    now.set({"spec", "volumeName"}, volume);
    now.set_annotation(api::kBindCompletedAnnotation, "yes");
    return true;
  }

  StorageContext& context_;
};

// A volume concerns the claim it names; one that names none may suit every claim that waits.
std::vector<Key> claims_of_volume(StorageContext& context, const Object& volume) {
  const Json& reference = volume.spec()["claimRef"];
  if (!reference.is_null()) {
    return {{reference["namespace"].as_string(), reference["name"].as_string()}};
  }
  std::vector<Key> waiting;
  auto claims = context.reader.list(api::kPersistentVolumeClaim, "");
  if (!claims) return waiting;
  for (const Object& claim : *claims) {
    if (!is_bound(claim)) waiting.push_back(claim.key());
  }
  return waiting;
}

std::vector<Key> claims_of_pod(const Object& pod) {
  std::vector<Key> claims;
  for (const Json& volume : pod.spec()["volumes"].items()) {
    const std::string& name = volume["persistentVolumeClaim"]["claimName"].as_string();
    if (!name.empty()) claims.push_back({pod.ns(), name});
  }
  return claims;
}

}  // namespace

kube::ControllerSpec make_binder_controller(StorageContext& context) {
  kube::ControllerSpec spec;
  spec.name = kBinderController;
  spec.reconciler = std::make_unique<Binder>(context);
  spec.sources.push_back({api::kPersistentVolumeClaim, "", kube::map_to_self});
  spec.sources.push_back({api::kPersistentVolume, "", [&context](const Object& volume) {
                            return claims_of_volume(context, volume);
                          }});
  spec.sources.push_back({api::kPod, "", claims_of_pod});
  return spec;
}

}  // namespace breakwater::sandbox
