#include "mover/restored_snapshot.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/ids.h"
#include "mover/move_state.h"
#include "mover/storage_classes.h"

namespace breakwater::mover {

using kube::Key;
using kube::Object;

namespace {

const std::string& handle_of(const Object& content) {
  const std::string& known = content.status()["snapshotHandle"].as_string();
  return known.empty() ? content.spec()["source"]["snapshotHandle"].as_string() : known;
}

const std::string& content_of(const Object& snapshot) {
  return snapshot.status()["boundVolumeSnapshotContentName"].as_string();
}

bool is_of(const Object& content, const Object& snapshot) {
  return content.spec()["volumeSnapshotRef"]["uid"].as_string() == snapshot.uid();
}

Result<> set_policy(kube::Client& client, const Object& content, const std::string& policy) {
  auto edited = kube::edit(client, api::kVolumeSnapshotContent, content.key(), false,
                           [&](Object& now) -> Result<bool> {
                             const Json& present = now.spec()["deletionPolicy"];
                             if (now.uid() != content.uid() || present.as_string() == policy) {
                               return false;
                             }
                             now.set({"spec", "deletionPolicy"}, policy);
                             return true;
                           });
  if (edited || edited.error().is(Code::kNotFound)) return {};
  return tl::unexpected(std::move(edited).error());
}

}  // namespace

Result<Step> RestoredSnapshot::take(const Object& move, Duration limit) {
  auto step = look(move);
  if (!step && !step.error().is(Code::kNotFound)) return step;
  const std::string what = step ? step->waiting_for : step.error().to_string();
  if (step && step->done) return step;
  if (environment_.clock.now() - state_of(move).done_at <= limit) return Step::wait(what);
  return fail(Code::kInvalid, "gave up after {} {}", format_duration(limit), what);
}

// Once; kNotFound too says what is awaited.
Result<Step> RestoredSnapshot::look(const Object& move) {
  const Step pod = TRY(remove_child(environment_.client, api::kPod, move));
  if (!pod.done) return pod;  // what it wrote is on the volume only when it has let go of it
  const Object snapshot = TRY(ensure_snapshot(move));
  if (!snapshot.status()["readyToUse"].as_bool() || content_of(snapshot).empty()) {
    const std::string& problem = snapshot.status()["error"]["message"].as_string();
    return Step::wait(fmt::format("waiting for VolumeSnapshot {} to be ready{}{}",
                                  snapshot.key().to_string(), problem.empty() ? "" : ": ",
                                  problem));
  }
  const Object content = TRY(keep_content(move, snapshot));
  const Json& status = move.status();
  if (status["snapshotHandle"].as_string() == handle_of(content) &&
      status["volumeSnapshotContentName"].as_string() == content.name()) {
    return Step{};
  }
  Object noted = move;
  noted.set({"status", "snapshotHandle"}, handle_of(content));
  noted.set({"status", "volumeSnapshotContentName"}, content.name());
  TRY(environment_.client.update_status(api::kVolumeSnapshotRestore, noted));
  return Step::wait(fmt::format("keeping VolumeSnapshotContent {}", content.name()));
}

Result<Object> RestoredSnapshot::ensure_snapshot(const Object& move) {
  const auto present = TRY(find_child(environment_.client, api::kVolumeSnapshot, move));
  if (present) return *present;
  const auto claim = TRY(find_child(environment_.client, api::kPersistentVolumeClaim, move));
  if (!claim) return fail(Code::kInvalid, "the PersistentVolumeClaim with the data is gone");
  const Object volume = TRY(environment_.client.get(api::kPersistentVolume,
                                                    {"", claim->spec()["volumeName"].as_string()}));
  const std::string& named =
      move.spec()["volumeSnapshotMoverBackupRef"]["volumeSnapshotClassName"].as_string();
  const Object snapshot_class = TRY(choose_snapshot_class(
      environment_.reader, volume.spec()["csi"]["driver"].as_string(), named));
  Object snapshot = make_child(api::kVolumeSnapshot, move);
  snapshot.set({"spec", "source", "persistentVolumeClaimName"}, claim->name());
  snapshot.set({"spec", "volumeSnapshotClassName"}, snapshot_class.name());
  return ensure_child(environment_.client, api::kVolumeSnapshot, move, snapshot);
}

Result<Object> RestoredSnapshot::keep_content(const Object& move, const Object& snapshot) {
  const Object marks = make_child(api::kVolumeSnapshotContent, move);
  return kube::edit(environment_.client, api::kVolumeSnapshotContent, {"", content_of(snapshot)},
                    false, [&](Object& now) -> Result<bool> {
                      if (!is_of(now, snapshot)) {
                        return fail(Code::kInvalid,
                                    "VolumeSnapshotContent {} is of another snapshot", now.name());
                      }
                      const Object before = now;
                      for (const char* kind : {"labels", "annotations"}) {
                        for (const auto& [name, value] : marks.metadata()[kind].members()) {
                          now.set({"metadata", kind, name}, value);
                        }
                      }
                      now.set({"spec", "deletionPolicy"}, "Retain");
                      return !(now == before);
                    });
}

Result<Step> RestoredSnapshot::release(const Object& move, bool keep) {
  kube::Client& client = environment_.client;
  const auto snapshot = TRY(find_child(client, api::kVolumeSnapshot, move));
  const auto content = TRY(find_content(move, snapshot));
  if (content) {
    if (keep) {
      TRY(set_policy(client, *content, "Retain"));
    } else {
      TRY(dispose(*content));
    }
  }
  const Step gone = TRY(remove_child(client, api::kVolumeSnapshot, move));
  if (!gone.done || keep || !content) return gone;
  kube::DeleteOptions options;
  options.uid = content->uid();
  TRY(kube::remove_if_exists(client, api::kVolumeSnapshotContent, content->key(), options));
  const auto left = TRY(find_live(client, api::kVolumeSnapshotContent, content->key()));
  if (!left || left->uid() != content->uid()) return Step{};
  return Step::wait(fmt::format("waiting for VolumeSnapshotContent {} to go", content->name()));
}

// Ours, or about to become ours.
Result<std::optional<Object>> RestoredSnapshot::find_content(
    const Object& move, const std::optional<Object>& snapshot) {
  std::string name = move.status()["volumeSnapshotContentName"].as_string();
  if (name.empty() && snapshot) name = content_of(*snapshot);
  if (name.empty()) return std::nullopt;
  auto content = TRY(find_live(environment_.client, api::kVolumeSnapshotContent, {"", name}));
  const bool ours =
      content && (is_child(*content, move) || (snapshot && is_of(*content, *snapshot)));
  return ours ? std::move(content) : std::nullopt;
}

// What becomes of the storage's snapshot when the content goes.
Result<> RestoredSnapshot::dispose(const Object& content) {
  const bool shared = TRY(is_shared(content));
  return set_policy(environment_.client, content, shared ? "Retain" : "Delete");
}

Result<bool> RestoredSnapshot::is_shared(const Object& content) {
  if (handle_of(content).empty()) return false;
  for (const Object& other : TRY(environment_.client.list(api::kVolumeSnapshotContent, "", {}))) {
    if (other.uid() != content.uid() && handle_of(other) == handle_of(content) &&
        other.spec()["driver"] == content.spec()["driver"]) {
      return true;
    }
  }
  return false;
}

}  // namespace breakwater::mover
