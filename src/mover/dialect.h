// How a kind of move spells where it stands.
//
// The state machine (data_move.h) knows stages. Velero's DataUpload and DataDownload write each of
// them as a phase, and their message as status.message; their CRDs have no status subresource, so
// that what we remember is an annotation. VolumeSnapshotBackup and VolumeSnapshotRestore say a part
// of it by status.batchingStatus and their message by the condition Reconciled; what we remember is
// in the status, where the users of their namespace cannot change it. A stage that a dialect has no
// words for is skipped.
//
// Sources: velero.md C.1; volume-snapshot-mover.md 2.3. Pure functions.
#pragma once

#include <span>
#include <string>

#include "base/time.h"
#include "kube/object.h"

namespace breakwater::mover {

enum class Stage {
  kNew,
  kQueued,      // valid, but there is no slot
  kAccepted,    // it has a slot; its volume is being made accessible
  kPrepared,    // the worker pod runs
  kInProgress,  // data is moved
  kMoved,       // everything is where it shall be
  kCleaning,    // what was made for the move goes
  kCompleted,
  kFailed,
  kPartiallyFailed,  // whoever asked for the move failed
  kCanceling,
  kCanceled,
};

bool is_terminal(Stage stage);
// Whether a stage takes a slot.
bool is_active(Stage stage);

struct Dialect {
  struct Words {
    Stage stage;
    std::string_view phase;
    std::string_view batching;  // status.batchingStatus
  };
  std::span<const Words> words;
  std::string_view finalizer;
  std::string_view accepted_field;  // of status: when a move got its slot
  std::string_view started_field;   // when the worker began; "" if nobody is told
  bool uses_conditions = false;     // Reconciled, instead of status.message
  bool keeps_state_in_status = false;

  const Words* find(Stage stage) const;
  bool knows(Stage stage) const { return find(stage) != nullptr; }
};

// Of a DataUpload, DataDownload, VolumeSnapshotBackup or VolumeSnapshotRestore.
const Dialect& dialect_of(const kube::Object& move);

// A phase that nobody knows counts as kInProgress: it is looked at, and nothing is begun anew.
Stage stage_of(const kube::Object& move);
// Writes the stage with its timestamps; nothing else. No effect if the dialect does not know it.
void enter(kube::Object& move, Stage stage, Time now);

// What people are told: `wrong` if somebody should do something about it.
void say(kube::Object& move, const std::string& message, bool wrong, Time now);
// What they were told last; "" for nothing of interest.
std::string said(const kube::Object& move);

}  // namespace breakwater::mover
