// From labelled VMs and crons to Schedules and findings.
#include "policy/backup_policy.h"

#include <gtest/gtest.h>

#include "tests/policy/fixtures.h"

namespace breakwater::policy {
namespace {

using namespace fixtures;

std::vector<std::string> schedule_names(const Evaluation& evaluation) {
  std::vector<std::string> names;
  for (const Desired& desired : evaluation.desired) {
    if (desired.kind == api::kSchedule) names.push_back(desired.object.name());
  }
  return names;
}

kube::Object live_schedule(const std::string& name, bool ours) {
  kube::Object schedule = kube::Object::make(api::kSchedule, {"openshift-adp", name});
  schedule.set({"metadata", "uid"}, "uid-of-" + name);
  if (ours) schedule.set_label(api::kManagedByLabel, api::kManagedBy);
  return schedule;
}

TEST(BackupPolicy, WritesTheScheduleThatTheMissionDocuments) {
  const auto evaluation = evaluate_backup(
      inputs({vm("vm-1-ns", "vm-1", "twice_a_day"), vm("default", "vm-2", "twice_a_day")},
             {{"twice_a_day", "0 */12 * * *"}}));
  const Desired* schedule = find(evaluation, api::kSchedule, "acm-rho-virt-schedule-twice-a-day");
  ASSERT_NE(schedule, nullptr);
  const kube::Object& object = schedule->object;
  EXPECT_EQ(object.label(api::kBackupClusterLabel), "cluster-1");
  EXPECT_EQ(object.label(api::kScheduleTypeLabel), "kubevirt");
  EXPECT_EQ(object.annotation("uid-vm-1-ns-vm-1"), "vm-1-ns--vm-1");
  EXPECT_EQ(object.annotation("uid-default-vm-2"), "default--vm-2");
  EXPECT_EQ(object.spec()["schedule"].as_string(), "0 */12 * * *");
  const Json& backup = object.spec()["template"];
  EXPECT_EQ(to_json(backup["includedNamespaces"]), R"(["default","vm-1-ns"])");
  EXPECT_TRUE(backup["snapshotMoveData"].as_bool());
  EXPECT_FALSE(backup["defaultVolumesToFsBackup"].as_bool(true));
  const Json& requirement = backup["labelSelector"]["matchExpressions"][0];
  EXPECT_EQ(requirement["key"].as_string(), api::kBackupVmLabel);
  EXPECT_EQ(to_json(requirement["values"]), R"(["twice_a_day"])");
}

TEST(BackupPolicy, StampsEveryVmWithItsUidBeforeItsSchedule) {
  const auto evaluation =
      evaluate_backup(inputs({vm("a", "vm-1", "hourly")}, {{"hourly", "@hourly"}}));
  ASSERT_GE(evaluation.desired.size(), 2u);
  EXPECT_EQ(evaluation.desired[0].kind, api::kVirtualMachine);
  EXPECT_EQ(evaluation.desired[0].mode, Desired::Mode::kPatch);
  EXPECT_EQ(evaluation.desired[0].object.label(api::kBackupVmUidLabel), "uid-a-vm-1");
  EXPECT_EQ(evaluation.desired[1].kind, api::kSchedule);
}

TEST(BackupPolicy, NamesThatArePartsOfOthersAreAllSaved) {
  // B2: the original tests membership by substring.
  for (bool reversed : {false, true}) {
    std::vector<kube::Object> vms = {vm("prod", "vm-1", "hourly"), vm("a-prod", "vm-10", "hourly"),
                                     vm("prod", "my-vm-1", "hourly")};
    if (reversed) std::swap(vms[0], vms[2]);
    const auto evaluation = evaluate_backup(inputs(vms, {{"hourly", "@hourly"}}));
    const Desired* schedule = find(evaluation, api::kSchedule, "acm-rho-virt-schedule-hourly");
    ASSERT_NE(schedule, nullptr);
    EXPECT_EQ(schedule->object.metadata()["annotations"].size(), 3u);
    EXPECT_EQ(to_json(schedule->object.spec()["template"]["includedNamespaces"]),
              R"(["a-prod","prod"])");
  }
}

TEST(BackupPolicy, EqualCronsUnderTwoNamesAreTwoSchedules) {
  // B1
  const auto evaluation =
      evaluate_backup(inputs({vm("a", "vm-1", "vm1_each_hour"), vm("a", "vm-2", "vm2_each_hour")},
                             {{"vm1_each_hour", "0 * * * *"}, {"vm2_each_hour", "0 * * * *"}}));
  EXPECT_EQ(schedule_names(evaluation),
            (std::vector<std::string>{"acm-rho-virt-schedule-vm1-each-hour",
                                      "acm-rho-virt-schedule-vm2-each-hour"}));
}

struct BadVm {
  const char* label;
  const char* reason;
  const char* says;
};

TEST(BackupPolicy, OneBadVmNeverStopsTheOthers) {
  // B6, B7, B9, B10, B12
  const std::map<std::string, std::string> crons = {
      {"good", "*/15 * * * *"}, {"broken", "every day"}, {"empty", ""},
      {"Upper", "@daily"},      {"a_b", "@daily"},       {"trailing_", "@daily"}};
  const BadVm cases[] = {
      {"", "EmptySchedule", "must name one of the crons"},
      {"typo", "UnknownSchedule", "names \"typo\""},
      {"broken", "InvalidCron", "key broken"},
      {"empty", "InvalidCron", "key empty"},
      {"Upper", "InvalidScheduleName", "\"Upper\""},
      {"trailing_", "InvalidScheduleName", "\"trailing_\""},
  };
  for (const BadVm& bad : cases) {
    const auto evaluation =
        evaluate_backup(inputs({vm("a", "bad", bad.label), vm("a", "fine", "good")}, crons));
    const Finding* finding = find_reason(evaluation, bad.reason);
    ASSERT_NE(finding, nullptr) << bad.label;
    EXPECT_EQ(finding->object.to_string(), "a/bad");
    EXPECT_NE(finding->message.find(bad.says), std::string::npos) << finding->message;
    EXPECT_EQ(schedule_names(evaluation), std::vector<std::string>{"acm-rho-virt-schedule-good"});
    const Desired* protection = find(evaluation, api::kVirtualMachineProtection, "bad");
    ASSERT_NE(protection, nullptr);
    EXPECT_EQ(protection->object.status()["reason"].as_string(), bad.reason);
  }
}

TEST(BackupPolicy, CollidingScheduleNamesAreAFindingNotAFlipFlop) {
  const auto evaluation = evaluate_backup(inputs({vm("a", "one", "a_b"), vm("a", "two", "a-b")},
                                                 {{"a_b", "@daily"}, {"a-b", "@hourly"}}));
  EXPECT_EQ(schedule_names(evaluation), std::vector<std::string>{"acm-rho-virt-schedule-a-b"});
  const Finding* finding = find_reason(evaluation, "ScheduleNameTaken");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->object.name, "one");
}

TEST(BackupPolicy, MissingConfigurationFreezes) {
  // B19: the original prunes every Schedule and stays green.
  auto in = inputs({vm("a", "vm-1", "hourly")}, {});
  in.crons.reset();
  in.schedules = {live_schedule("acm-rho-virt-schedule-hourly", true)};
  const auto evaluation = evaluate_backup(in);
  EXPECT_TRUE(evaluation.unwanted.empty());
  EXPECT_TRUE(schedule_names(evaluation).empty());
  const Finding* finding = find_reason(evaluation, "MissingConfiguration");
  ASSERT_NE(finding, nullptr);
  EXPECT_NE(finding->message.find("acm-dr-virt-schedule-cron--cls"), std::string::npos);
}

TEST(BackupPolicy, ACronThatVanishesUnderItsVmsKeepsItsSchedule) {
  auto in = inputs({vm("a", "vm-1", "hourly")}, {{"daily", "@daily"}});
  in.schedules = {live_schedule("acm-rho-virt-schedule-hourly", true)};
  const auto evaluation = evaluate_backup(in);
  EXPECT_TRUE(evaluation.unwanted.empty());
  EXPECT_NE(find_reason(evaluation, "UnknownSchedule"), nullptr);
}

TEST(BackupPolicy, RemovesOnlyItsOwnSchedulesThatNobodyAsksFor) {
  // B14: the original removes any Schedule that bears the type label.
  auto in = inputs({vm("a", "vm-1", "daily")}, {{"daily", "@daily"}, {"hourly", "@hourly"}});
  in.schedules = {live_schedule("acm-rho-virt-schedule-hourly", true),
                  live_schedule("somebody-elses", false),
                  live_schedule("acm-rho-virt-schedule-daily", true)};
  const auto evaluation = evaluate_backup(in);
  ASSERT_EQ(evaluation.unwanted.size(), 1u);
  EXPECT_EQ(evaluation.unwanted[0].key.name, "acm-rho-virt-schedule-hourly");
  EXPECT_EQ(evaluation.unwanted[0].uid, "uid-of-acm-rho-virt-schedule-hourly");
}

TEST(BackupPolicy, VmsThatLeaveAScheduleLeaveItsAnnotations) {
  auto in = inputs({vm("a", "vm-1", "hourly")}, {{"hourly", "@hourly"}});
  kube::Object live = live_schedule("acm-rho-virt-schedule-hourly", true);
  live.set_annotation("uid-gone", "a--gone");
  live.set_annotation("example.com/note", "keep--me");
  in.schedules = {live};
  const auto evaluation = evaluate_backup(in);
  const Desired* schedule = find(evaluation, api::kSchedule, "acm-rho-virt-schedule-hourly");
  ASSERT_NE(schedule, nullptr);
  const Json& annotations = schedule->object.metadata()["annotations"];
  ASSERT_TRUE(annotations.has("uid-gone"));
  EXPECT_TRUE(annotations["uid-gone"].is_null());
  EXPECT_FALSE(annotations.has("example.com/note"));
}

TEST(BackupPolicy, UnlabelledVmsLoseTheirProtectionObject) {
  auto in = inputs({vm("a", "vm-1", "(none)")}, {{"hourly", "@hourly"}});
  kube::Object protection = kube::Object::make(api::kVirtualMachineProtection, {"a", "vm-1"});
  protection.set({"metadata", "uid"}, "p1");
  in.protections = {protection};
  const auto evaluation = evaluate_backup(in);
  ASSERT_EQ(evaluation.unwanted.size(), 1u);
  EXPECT_EQ(evaluation.unwanted[0].kind, api::kVirtualMachineProtection);
  EXPECT_TRUE(evaluation.desired.empty());
}

TEST(ScheduleSettings, ReadsBothSpellingsOfPausedAndReportsWhatItCannotRead) {
  struct Case {
    const char* json;
    bool paused;
    const char* ttl;
    const char* reason;  // of the finding, or ""
  };
  const Case cases[] = {
      {R"({})", false, "24h0m0s", ""},
      {R"({"schedulePaused":"true"})", true, "24h0m0s", ""},
      {R"({"schedule_paused":"true"})", true, "24h0m0s", ""},
      {R"({"schedulePaused":"false","schedule_paused":"true"})", true, "24h0m0s",
       "ContradictingValues"},
      {R"({"schedulePaused":"yes"})", false, "24h0m0s", "InvalidValue"},
      {R"({"scheduleTTL":"120h"})", false, "120h", ""},
      {R"({"scheduleTTL":"5 days"})", false, "24h0m0s", "InvalidValue"},
  };
  for (const Case& c : cases) {
    kube::Object config = kube::Object::make(api::kConfigMap, {"openshift-adp", "config"});
    config.set({"data"}, *parse_json(c.json));
    std::vector<Finding> findings;
    const ScheduleSettings settings = read_schedule_settings(config, findings);
    EXPECT_EQ(settings.paused, c.paused) << c.json;
    EXPECT_EQ(settings.ttl, c.ttl) << c.json;
    EXPECT_EQ(findings.empty() ? "" : findings[0].reason, c.reason) << c.json;
  }
}

}  // namespace
}  // namespace breakwater::policy
