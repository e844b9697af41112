// The objects that the mover makes for one move: their name, their labels, their owner, their end.
//
// Pod, claim, VolumeSnapshot and VolumeSnapshotContent of a DataUpload or DataDownload all have its
// name, and those that are namespaced are in its namespace and owned by it. Those of a
// VolumeSnapshotBackup or -Restore have the names that the original mover gave them (below), in its
// protectedNamespace; where such a name is taken by somebody else's object, a part of the move's
// uid is appended.
//
//   VSB  <vsc>-clone, <vsc>-clone-volumesnapshot, <vsc>-pvc, <vsb>-pod, <vsb>-secret
//   VSR  <vsr>-snapshot, <vsr>-pvc, <vsr>-pod, <vsr>-secret
//
// All bear app.kubernetes.io/managed-by, the move's label (velero.io/data-upload, …) and, as
// annotations, the move's uid and "<namespace>/<name>". Nothing that lacks the uid is ever touched.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/client.h"
#include "kube/controller.h"

namespace breakwater::mover {

inline constexpr std::string_view kMoveUidAnnotation = "breakwater.dev/data-mover-uid";
inline constexpr std::string_view kMoveAnnotation = "breakwater.dev/data-mover-for";

// Where the children of a move are.
const std::string& namespace_of(const kube::Object& move);
// The names that a child of this kind may have, in the order of preference; one of a pod is
// shortened with a hash if it is longer than a hostname may be.
std::vector<std::string> child_names(const kube::Kind& kind, const kube::Object& move);
// An object of this kind with the first of these names, labels, annotations and owner set.
kube::Object make_child(const kube::Kind& kind, const kube::Object& move);
// The move of kind `kind` that an object was made for: a controller's source.
kube::Mapper map_to_move(const kube::Kind& kind);
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
// The child of this kind; nothing if there is none that is ours.
Result<std::optional<kube::Object>> find_child(kube::Client& client, const kube::Kind& kind,
                                               const kube::Object& move);
// Creates a child, or returns the one that is there. kAlreadyExists if all its names are somebody
// else's (leftovers of an earlier move of this name, which go) or if it is being deleted.
Result<kube::Object> ensure_child(kube::Client& client, const kube::Kind& kind,
                                  const kube::Object& move, const kube::Object& wanted);
// The same under the one name that `wanted` has, where other objects rely on it.
Result<kube::Object> ensure_child_named(kube::Client& client, const kube::Kind& kind,
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
