#include "mover/rebinder.h"

#include "api/kinds.h"
#include "api/names.h"
#include "mover/data_move.h"

namespace breakwater::mover {

using kube::Key;
using kube::Object;

namespace {

bool points_at(const Object& volume, const Key& claim) {
  const Json& reference = volume.spec()["claimRef"];
  return reference["namespace"].as_string() == claim.ns &&
         reference["name"].as_string() == claim.name;
}

bool has_volume(const Object& target, const std::string& volume) {
  return target.phase() == "Bound" && target.spec()["volumeName"].as_string() == volume;
}

std::string claim_name(const Object& download) {
  return child_names(api::kPersistentVolumeClaim, download).front();
}

}  // namespace

Key target_claim(const Object& download) {
  const Json& target = download.spec()["targetVolume"];
  return {target["namespace"].as_string(), target["pvc"].as_string()};
}

Result<Step> Rebinder::rebind(const Object& download) {
  const MoveState state = state_of(download);
  if (state.volume.empty()) return note_volume(download);
  const Key key = target_claim(download);
  const auto volume =
      TRY(find_live(environment_.client, api::kPersistentVolume, {"", state.volume}));
  if (!volume) {
    return fail(Code::kInvalid, "PersistentVolume {}, which holds the restored data, is gone",
                state.volume);
  }
  const auto target = TRY(find_live(environment_.client, api::kPersistentVolumeClaim, key));
  if (target && has_volume(*target, state.volume)) {
    TRY(set_reclaim_policy(environment_.client, state.volume, state.reclaim_policy));
    return Step{};
  }
  const Duration limit = operation_timeout(settings_, download);
  if (environment_.clock.now() - state.done_at > limit) {
    return fail(Code::kInvalid,
                "PersistentVolumeClaim {} was not bound to the restored volume within {}",
                key.to_string(), format_duration(limit));
  }
  if (!target || target->is_deleting()) {
    return Step::wait(fmt::format("waiting for PersistentVolumeClaim {}", key.to_string()));
  }
  const std::string& other = target->spec()["volumeName"].as_string();
  if (!other.empty() && other != state.volume) {
    return fail(Code::kInvalid, "PersistentVolumeClaim {} is bound to PersistentVolume {} already",
                key.to_string(), other);
  }
  return hand_over(download, *target, *volume);
}

// Before anything is changed: after a crash nobody else could tell which volume has the data.
Result<Step> Rebinder::note_volume(const Object& download) {
  const auto claim = TRY(find_child(environment_.client, api::kPersistentVolumeClaim, download));
  if (!claim || claim->spec()["volumeName"].as_string().empty()) {
    return fail(Code::kInvalid,
                "PersistentVolumeClaim {}/{}, which held the restored data, is gone", download.ns(),
                claim_name(download));
  }
  const Object volume = TRY(environment_.client.get(api::kPersistentVolume,
                                                    {"", claim->spec()["volumeName"].as_string()}));
  Object noted = download;
  MoveState state = state_of(noted);
  state.volume = volume.name();
  state.reclaim_policy = volume.spec()["persistentVolumeReclaimPolicy"].as_string_or("Delete");
  state.claim = claim->uid();
  set_state(noted, state);
  TRY(environment_.client.update(api::kDataDownload, noted));
  return Step::wait(fmt::format("binding PersistentVolume {}", volume.name()));
}

Result<Step> Rebinder::hand_over(const Object& download, const Object& target,
                                 const Object& volume) {
  TRY(set_reclaim_policy(environment_.client, volume.name(), "Retain"));
  const Step pod = TRY(remove_child(environment_.client, api::kPod, download));
  if (!pod.done) return pod;
  const Step claim = TRY(remove_child(environment_.client, api::kPersistentVolumeClaim, download));
  if (!claim.done) return claim;
  if (!points_at(volume, target.key())) TRY(point_at(volume, target));
  return Step::wait(fmt::format("waiting for PersistentVolumeClaim {} to be bound to {}",
                                target.key().to_string(), volume.name()));
}

Result<> Rebinder::point_at(const Object& volume, const Object& target) {
  TRY(kube::edit(environment_.client, api::kPersistentVolume, volume.key(), false,
                 [&](Object& now) -> Result<bool> {
                   if (points_at(now, target.key())) return false;
                   now.set({"spec", "claimRef"},
                           Json::object({{"apiVersion", "v1"},
                                         {"kind", api::kPersistentVolumeClaim.kind},
                                         {"namespace", target.ns()},
                                         {"name", target.name()}}));
                   now.erase({"metadata", "annotations", api::kBoundByControllerAnnotation});
                   const Json& wanted = target.spec()["selector"]["matchLabels"];
                   for (const auto& [label, value] : wanted.members()) {
                     now.set_label(label, value.as_string());
                   }
                   return true;
                 }));
  return {};
}

Result<> Rebinder::give_back(const Object& download) {
  const MoveState state = state_of(download);
  if (state.volume.empty()) return {};
  const auto target =
      TRY(find_live(environment_.client, api::kPersistentVolumeClaim, target_claim(download)));
  if (target && target->spec()["volumeName"].as_string() == state.volume) {
    return set_reclaim_policy(environment_.client, state.volume, state.reclaim_policy);
  }
  // The claim it was made for is gone or goes: a volume that names it is Released, and reclaimed.
  auto edited = kube::edit(environment_.client, api::kPersistentVolume, {"", state.volume}, false,
                           [&](Object& now) -> Result<bool> {
                             const Json& policy = now.spec()["persistentVolumeReclaimPolicy"];
                             if (now.spec()["claimRef"]["uid"].as_string() == state.claim &&
                                 policy.as_string() == "Delete") {
                               return false;
                             }
                             now.set({"spec", "claimRef"},
                                     Json::object({{"apiVersion", "v1"},
                                                   {"kind", api::kPersistentVolumeClaim.kind},
                                                   {"namespace", download.ns()},
                                                   {"name", claim_name(download)},
                                                   {"uid", state.claim}}));
                             now.set({"spec", "persistentVolumeReclaimPolicy"}, "Delete");
                             return true;
                           });
  if (edited || edited.error().is(Code::kNotFound)) return {};
  return tl::unexpected(std::move(edited).error());
}

}  // namespace breakwater::mover
