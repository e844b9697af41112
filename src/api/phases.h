// Phases as the kinds' own controllers spell them, and what can be said about them without
// behaviour.
#pragma once

#include <string_view>

namespace breakwater::api {

namespace backup_phase {  // velero.io/v1 Backup; Restore shares the names it has
inline constexpr std::string_view kNew = "New";
inline constexpr std::string_view kFailedValidation = "FailedValidation";
inline constexpr std::string_view kInProgress = "InProgress";
inline constexpr std::string_view kWaiting = "WaitingForPluginOperations";
inline constexpr std::string_view kWaitingPartiallyFailed =
    "WaitingForPluginOperationsPartiallyFailed";
inline constexpr std::string_view kFinalizing = "Finalizing";
inline constexpr std::string_view kFinalizingPartiallyFailed = "FinalizingPartiallyFailed";
inline constexpr std::string_view kCompleted = "Completed";
inline constexpr std::string_view kPartiallyFailed = "PartiallyFailed";
inline constexpr std::string_view kFailed = "Failed";
inline constexpr std::string_view kDeleting = "Deleting";
}  // namespace backup_phase

namespace data_phase {  // velero.io/v2alpha1 DataUpload and DataDownload
inline constexpr std::string_view kNew = "New";
inline constexpr std::string_view kAccepted = "Accepted";
inline constexpr std::string_view kPrepared = "Prepared";
inline constexpr std::string_view kInProgress = "InProgress";
inline constexpr std::string_view kCanceling = "Canceling";
inline constexpr std::string_view kCanceled = "Canceled";
inline constexpr std::string_view kCompleted = "Completed";
inline constexpr std::string_view kFailed = "Failed";
}  // namespace data_phase

namespace vsm_phase {  // VolumeSnapshotBackup and VolumeSnapshotRestore; "" before
inline constexpr std::string_view kInProgress = "InProgress";
inline constexpr std::string_view kSnapshotBackupDone = "SnapshotBackupDone";
inline constexpr std::string_view kSnapshotRestoreDone = "SnapshotRestoreDone";
inline constexpr std::string_view kCleanup = "Cleanup";
inline constexpr std::string_view kCompleted = "Completed";
inline constexpr std::string_view kFailed = "Failed";
inline constexpr std::string_view kPartiallyFailed = "PartiallyFailed";
}  // namespace vsm_phase

// No controller will change it any more.
bool backup_is_terminal(std::string_view phase);
bool restore_is_terminal(std::string_view phase);
bool data_move_is_terminal(std::string_view phase);
// Schedules skip a run while one of their Backups is in such a phase ("", New, InProgress).
bool backup_blocks_schedule(std::string_view phase);

}  // namespace breakwater::api
