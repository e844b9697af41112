// The Schedule controller: creates Backups by cron, with Velero's rules.
//
// Due: strictly after the next activation counted from lastBackup (or lastSkipped, if later, or the
// Schedule's creation). However many activations were missed, one Backup is made. Overlap: a
// Schedule with a Backup in phase "", New or InProgress stays due and waits.
//
// One difference: a Backup is called <schedule>-YYYYMMDDhhmmss after the activation it stands for,
// the latest one before now (UTC), and not after the second in which it was created. So a run that
// is repeated after a crash finds the Backup it made before.
#pragma once

#include <memory>
#include <optional>

#include "base/cron.h"
#include "kube/controller.h"
#include "velero/context.h"

namespace breakwater::velero {

inline constexpr char kScheduleController[] = "schedule";

kube::ControllerSpec make_schedule_controller(ContextPtr context);

// The cron, or the sentence that belongs into status.validationErrors. Pure.
Result<Cron> parse_schedule(const kube::Object& schedule);

// Where a Schedule stands. Pure.
struct DueTime {
  std::optional<Time> next;     // the first activation since the last run; nothing: never again
  std::optional<Time> current;  // due now: the latest activation before `now`
};
DueTime due_time(const kube::Object& schedule, const Cron& cron, Time now);

// The Backup of one activation: the template as spec, labels and annotations as Velero copies them,
// the Schedule as owner if spec.useOwnerReferencesInBackup. Pure.
kube::Object make_scheduled_backup(const kube::Object& schedule, Time activation);

// The Backup to make instead when the name of a scheduled one is taken in the bucket (by another
// cluster): the same with the suffix of the next second. Nothing if it is no scheduled Backup.
// Pure.
std::optional<kube::Object> make_successor(const kube::Object& backup);

}  // namespace breakwater::velero
