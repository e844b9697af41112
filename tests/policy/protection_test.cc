// Green means protected: what a VirtualMachineProtection says.
#include "policy/protection.h"

#include <gtest/gtest.h>

#include "tests/policy/fixtures.h"

namespace breakwater::policy {
namespace {

using namespace fixtures;

VmPlan hourly() { return {"acm-rho-virt-schedule-hourly", "0 * * * *", "", ""}; }

Json status_with(const kube::Object& machine, std::vector<kube::Object> backups,
                 std::vector<kube::Object> uploads, const VmPlan& plan = hourly(),
                 const Json& previous = {}) {
  auto in = inputs({machine}, {{"hourly", "0 * * * *"}});
  in.backups = std::move(backups);
  in.data_uploads = std::move(uploads);
  return protection_status(machine, plan, SavedData(in), previous, in.now);
}

TEST(Protection, ACompletedYoungBackupWithAllDisksIsProtection) {
  const auto machine = vm("a", "vm-1", "hourly", {"root", "data"});
  const Json status =
      status_with(machine, {backup("b1", machine, "2026-11-21T11:00:00Z", "Completed")},
                  {upload("b1", "a", "root", "Completed"), upload("b1", "a", "data", "Completed")});
  EXPECT_EQ(status["protected"].as_string(), "True");
  EXPECT_EQ(status["lastBackup"].as_string(), "b1");
  EXPECT_EQ(status["lastBackupTime"].as_string(), "2026-11-21T11:00:00Z");
}

TEST(Protection, EverythingElseIsNot) {
  const auto machine = vm("a", "vm-1", "hourly", {"root", "data"});
  const auto other = vm("b", "vm-1", "hourly");
  struct Case {
    const char* name;
    std::vector<kube::Object> backups, uploads;
    const char* reason;
    const char* says;
  };
  const std::vector<kube::Object> all = {upload("b1", "a", "root", "Completed"),
                                         upload("b1", "a", "data", "Completed")};
  const Case cases[] = {
      {"none yet", {}, {}, "NoBackupYet", "has finished yet"},
      {"only of another VM",
       {backup("b1", other, "2026-11-21T11:00:00Z", "Completed")},
       all,
       "NoBackupYet",
       ""},
      {"still running",
       {backup("b1", machine, "2026-11-21T11:00:00Z", "InProgress")},
       all,
       "NoBackupYet",
       ""},
      {"failed",
       {backup("b1", machine, "2026-11-21T11:00:00Z", "Failed")},
       all,
       "BackupFailed",
       "b1"},
      {"partly",
       {backup("b1", machine, "2026-11-21T11:00:00Z", "PartiallyFailed")},
       all,
       "BackupPartiallyFailed",
       "b1"},
      {"newest counts",
       {backup("b1", machine, "2026-11-21T10:00:00Z", "Completed"),
        backup("b2", machine, "2026-11-21T11:00:00Z", "Failed")},
       all,
       "BackupFailed",
       "b2"},
      {"a disk is missing",
       {backup("b1", machine, "2026-11-21T11:00:00Z", "Completed")},
       {upload("b1", "a", "root", "Completed"), upload("b1", "a", "data", "Failed")},
       "DiskNotInBackup",
       "data"},
      {"a disk of the same name elsewhere",
       {backup("b1", machine, "2026-11-21T11:00:00Z", "Completed")},
       {upload("b1", "a", "root", "Completed"), upload("b1", "b", "data", "Completed")},
       "DiskNotInBackup",
       "data"},
      {"too old",
       {backup("b1", machine, "2026-11-21T09:00:00Z", "Completed")},
       all,
       "BackupTooOld",
       "2026-11-21T09:00:00Z"},
  };
  for (const Case& c : cases) {
    const Json status = status_with(machine, c.backups, c.uploads);
    EXPECT_EQ(status["protected"].as_string(), "False") << c.name;
    EXPECT_EQ(status["reason"].as_string(), c.reason) << c.name;
    EXPECT_NE(status["message"].as_string().find(c.says), std::string::npos)
        << c.name << ": " << status["message"].as_string();
  }
}

TEST(Protection, WhyADiskIsMissingIsSaid) {
  const auto machine = vm("a", "vm-1", "hourly", {"root"});
  auto failed = upload("b1", "a", "root", "Failed");
  failed.set({"status", "message"}, "the bucket is full");
  const Json status =
      status_with(machine, {backup("b1", machine, "2026-11-21T11:00:00Z", "Completed")}, {failed});
  EXPECT_EQ(status["message"].as_string(),
            "Backup b1 has no data of root; DataUpload b1-root is Failed: the bucket is full");
}

TEST(Protection, ARunningBackupDoesNotHideTheGoodOneBefore) {
  const auto machine = vm("a", "vm-1", "hourly", {"root"});
  const Json status =
      status_with(machine,
                  {backup("b1", machine, "2026-11-21T11:00:00Z", "Completed"),
                   backup("b2", machine, "2026-11-21T12:00:00Z", "WaitingForPluginOperations")},
                  {upload("b1", "a", "root", "Completed")});
  EXPECT_EQ(status["protected"].as_string(), "True");
}

TEST(Protection, APausedScheduleIsNoProtection) {
  const auto machine = vm("a", "vm-1", "hourly", {"root"});
  VmPlan plan = hourly();
  plan.reason = "SchedulePaused";
  const Json status =
      status_with(machine, {backup("b1", machine, "2026-11-21T11:00:00Z", "Completed")},
                  {upload("b1", "a", "root", "Completed")}, plan);
  EXPECT_EQ(status["protected"].as_string(), "False");
  EXPECT_EQ(status["reason"].as_string(), "SchedulePaused");
}

TEST(Protection, TheFirstBackupIsAwaitedForAsLongAsTheCronAllows) {
  const auto machine = vm("a", "vm-1", "hourly");
  const Json status = Json::object({{"protected", "False"},
                                    {"reason", "NoBackupYet"},
                                    {"message", "none yet"},
                                    {"since", "2026-11-21T10:00:00Z"}});
  const auto weight = [&](const char* now) {
    return protection_finding(machine, hourly(), status, at(now))->weight;
  };
  EXPECT_EQ(weight("2026-11-21T11:00:00Z"), Finding::Weight::kPending);
  EXPECT_EQ(weight("2026-11-21T11:20:00Z"), Finding::Weight::kViolation);
}

kube::Object snapshot_backup(const std::string& backup, const std::string& ns,
                             const std::string& pvc, const std::string& phase) {
  kube::Object object = kube::Object::make(api::kVolumeSnapshotBackup, {ns, "vsb-" + pvc});
  object.set_label(api::kBackupNameLabel, backup);
  object.set({"status", "phase"}, phase);
  object.set({"status", "sourcePVCData", "name"}, pvc);
  return object;
}

TEST(Protection, VolumeSnapshotBackupsAreDataMovementToo) {
  const auto machine = vm("a", "vm-1", "hourly", {"root"});
  auto in = inputs({machine}, {{"hourly", "0 * * * *"}});
  in.backups = {backup("b1", machine, "2026-11-21T11:00:00Z", "Completed")};
  in.backups[0].set({"spec", "snapshotMoveData"}, false);
  const auto verdict = [&] {
    return protection_status(machine, hourly(), SavedData(in), {}, in.now)["reason"].as_string();
  };
  EXPECT_EQ(verdict(), "BackedUp");  // the snapshot in the cluster is what was asked for
  in.data_mover = true;
  EXPECT_EQ(verdict(), "DiskNotInBackup");
  in.volume_backups = {snapshot_backup("b1", "a", "root", "PartiallyFailed")};
  EXPECT_EQ(verdict(), "DiskNotInBackup");
  in.volume_backups = {snapshot_backup("b1", "b", "root", "Completed")};
  EXPECT_EQ(verdict(), "DiskNotInBackup");
  in.volume_backups = {snapshot_backup("b1", "a", "root", "Completed")};
  EXPECT_EQ(verdict(), "BackedUp");
  in.data_mover = false;  // switched off since; the Backup was moved all the same
  in.volume_backups = {snapshot_backup("b1", "a", "root", "Failed")};
  EXPECT_EQ(verdict(), "DiskNotInBackup");
}

TEST(Protection, SinceIsWhenTheReasonChanged) {
  const auto machine = vm("a", "vm-1", "hourly");
  const Json same = Json::object(
      {{"protected", "False"}, {"reason", "NoBackupYet"}, {"since", "2026-11-20T00:00:00Z"}});
  EXPECT_EQ(status_with(machine, {}, {}, hourly(), same)["since"].as_string(),
            "2026-11-20T00:00:00Z");
  const Json changed = Json::object(
      {{"protected", "True"}, {"reason", "BackedUp"}, {"since", "2026-11-20T00:00:00Z"}});
  EXPECT_EQ(status_with(machine, {}, {}, hourly(), changed)["since"].as_string(), kNow);
}

TEST(Protection, DisksAreAllKindsOfVolumesOnce) {
  auto machine = vm("a", "vm-1", "hourly", {"root", "root"});
  Json volumes = machine.spec()["template"]["spec"]["volumes"];
  volumes.push_back(Json::object({{"dataVolume", Json::object({{"name", "dv"}})}}));
  volumes.push_back(Json::object({{"cloudInitNoCloud", Json::object()}}));
  machine.set({"spec", "template", "spec", "volumes"}, volumes);
  EXPECT_EQ(disks_of(machine), (std::vector<std::string>{"dv", "root"}));
}

}  // namespace
}  // namespace breakwater::policy
