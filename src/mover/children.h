// The objects that the mover makes for one move: their name, their labels, their owner, their end.
//
// Pod, claims, VolumeSnapshot (in the engine's namespace) and VolumeSnapshotContent of one move all
// have the same name, derived from the move's. They bear app.kubernetes.io/managed-by, the move's
// label (velero.io/data-upload or -download) and the move's uid as an annotation; those in the
// move's namespace are owned by it too. Nothing that lacks the uid is ever touched.
#pragma once

#include <optional>
#include <string>

#include "kube/client.h"

namespace breakwater::mover {

inline constexpr std::string_view kMoveUidAnnotation = "breakwater.dev/data-mover-uid";

// The move's name, shortened with a hash if it is longer than a hostname may be.
std::string child_name(const kube::Object& move);
// An object of this kind with name, labels, annotation and owner set.
kube::Object make_child(const kube::Kind& kind, const kube::Object& move);
bool is_child(const kube::Object& object, const kube::Object& move);

// How a step that may take several looks stands.
struct Step {
  bool done = true;
  std::string waiting_for;  // unless done: for people

  static Step wait(std::string what) { return {false, std::move(what)}; }
};

// The object as the API has it now; nothing if there is none.
Result<std::optional<kube::Object>> find_live(kube::Client& client, const kube::Kind& kind,
                                              const kube::Key& key);
// The child of this kind, whoever's it is.
Result<std::optional<kube::Object>> find_child(kube::Client& client, const kube::Kind& kind,
                                               const kube::Object& move);
// Creates a child, or returns the one that is there. kAlreadyExists if the name is somebody else's
// (a leftover of an earlier move of this name, which goes) or if it is being deleted.
Result<kube::Object> ensure_child(kube::Client& client, const kube::Kind& kind,
                                  const kube::Object& move, const kube::Object& wanted);
// Deletes the child if it is ours; done once it is gone.
Result<Step> remove_child(kube::Client& client, const kube::Kind& kind, const kube::Object& move);
// The same for the move's claim. Its volume goes too, whatever the class says: a Retain policy
// would leave a volume that nobody knows of.
Result<Step> remove_claim(kube::Client& client, const kube::Object& move);

// Sets spec.persistentVolumeReclaimPolicy; an absent volume is no error.
Result<> set_reclaim_policy(kube::Client& client, const std::string& volume,
                            const std::string& policy);

}  // namespace breakwater::mover
