// From labelled VMs and crons to Schedules and findings.
#include "policy/backup_policy.h"

#include <gtest/gtest.h>

#include <set>

#include "kube/selector.h"
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
  const std::string cron = name.substr(name.rfind('-') + 1);
  schedule.set(
      {"spec", "template", "labelSelector", "matchExpressions"},
      Json::array({Json::object(
          {{"key", api::kBackupVmLabel}, {"operator", "In"}, {"values", Json::array({cron})}})}));
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

TEST(BackupPolicy, NothingIsMadeBeforeInstallIsCompliant) {
  auto in = inputs({vm("a", "vm-1", "hourly")}, {{"hourly", "@hourly"}});
  in.waits_for = "acm-dr-virt-install";
  const auto first = evaluate_backup(in);
  EXPECT_EQ(first.pending, "waits for acm-dr-virt-install");
  EXPECT_TRUE(schedule_names(first).empty());
  EXPECT_EQ(first.desired.front().kind, api::kVirtualMachineProtection);
  ASSERT_EQ(first.findings.size(), 1u);
  EXPECT_EQ(first.findings[0].weight, Finding::Weight::kPending);

  // A later violation freezes: the Schedule goes on, and the VM is what its Backups make it.
  in.schedules = {live_schedule("acm-rho-virt-schedule-hourly", true),
                  live_schedule("acm-rho-virt-schedule-unused", true)};
  in.schedules[0].set_annotation("uid-a-vm-1", "a--vm-1");
  in.schedules[0].set({"spec", "schedule"}, "@hourly");
  in.backups = {backup("b", in.vms[0], "2026-11-21T11:30:00Z", "Completed")};
  in.data_uploads = {upload("b", "a", "disk", "Completed")};
  const auto later = evaluate_backup(in);
  EXPECT_TRUE(later.unwanted.empty());
  EXPECT_TRUE(schedule_names(later).empty());
  EXPECT_TRUE(later.findings.empty());
  EXPECT_EQ(later.pending, "waits for acm-dr-virt-install");
}

TEST(BackupPolicy, AHubWithoutItsOwnBackupsPausesAndDeletesNothing) {
  // B16
  auto in = inputs({vm("a", "vm-1", "hourly"), vm("a", "vm-2", "daily")},
                   {{"hourly", "@hourly"}, {"daily", "@daily"}});
  in.hub_gate = "waits for an Enabled BackupSchedule";
  in.schedules = {live_schedule("acm-rho-virt-schedule-hourly", true)};
  const auto evaluation = evaluate_backup(in);
  EXPECT_TRUE(evaluation.unwanted.empty());
  EXPECT_EQ(schedule_names(evaluation), std::vector<std::string>{"acm-rho-virt-schedule-hourly"});
  EXPECT_TRUE(find(evaluation, api::kSchedule, "acm-rho-virt-schedule-hourly")
                  ->object.spec()["paused"]
                  .as_bool());
  EXPECT_EQ(find_reason(evaluation, "HubBackupNotRunning")->object.name, "vm-1");
}

TEST(BackupPolicy, ConfirmedRemovalTakesTheSchedulesAndLeavesTheBackups) {
  auto in = inputs({vm("a", "vm-1", "hourly")}, {{"hourly", "@hourly"}});
  in.removal = "disabled";
  in.schedules = {live_schedule("acm-rho-virt-schedule-hourly", true),
                  live_schedule("somebody-elses", false)};
  in.backups = {backup("b", in.vms[0], "2026-11-21T11:30:00Z", "Completed")};
  const auto evaluation = evaluate_backup(in);
  EXPECT_TRUE(evaluation.desired.empty());
  EXPECT_EQ(evaluation.removal, "disabled");
  ASSERT_EQ(evaluation.unwanted.size(), 1u);
  EXPECT_EQ(evaluation.unwanted[0].key.name, "acm-rho-virt-schedule-hourly");
}

TEST(BackupPolicy, SchedulesInAFormerNamespaceGo) {
  // B14: the same-named Schedule there would save everything twice.
  auto in = inputs({vm("a", "vm-1", "hourly")}, {{"hourly", "@hourly"}});
  in.schedules = {live_schedule("acm-rho-virt-schedule-hourly", true)};
  in.schedules[0].set({"metadata", "namespace"}, "former");
  const auto evaluation = evaluate_backup(in);
  ASSERT_EQ(evaluation.unwanted.size(), 1u);
  EXPECT_EQ(evaluation.unwanted[0].key.ns, "former");
  EXPECT_EQ(schedule_names(evaluation).size(), 1u);
}

TEST(BackupPolicy, ASomebodyElsesScheduleIsNotTakenOver) {
  auto in = inputs({vm("a", "vm-1", "hourly")}, {{"hourly", "@hourly"}});
  in.schedules = {live_schedule("acm-rho-virt-schedule-hourly", false)};
  const auto evaluation = evaluate_backup(in);
  EXPECT_TRUE(schedule_names(evaluation).empty());
  EXPECT_NE(find_reason(evaluation, "NotOurs"), nullptr);
  EXPECT_EQ(find_reason(evaluation, "ScheduleNotOurs")->object.name, "vm-1");
}

// What a Schedule selects, in the test's VMs.
std::set<std::string> selected(const kube::Object& schedule, const std::vector<kube::Object>& vms) {
  const Json& wanted = schedule.spec()["template"];
  std::set<std::string> uids;
  for (const kube::Object& one : vms) {
    kube::Object stamped = one;
    stamped.set_label(api::kBackupVmUidLabel, one.uid());
    bool listed = false;
    for (const Json& ns : wanted["includedNamespaces"].items()) {
      listed = listed || ns.as_string() == one.ns();
    }
    if (listed && kube::LabelSelector::from_json(wanted["labelSelector"])->matches(stamped)) {
      uids.insert(one.uid());
    }
  }
  return uids;
}

TEST(BackupPolicy, ACronWithManyVmsHasSeveralSchedulesAndEachVmIsSavedOnce) {
  std::vector<kube::Object> vms;
  for (int i = 0; i < 7; ++i) vms.push_back(vm("large", "vm-" + std::to_string(i), "hourly"));
  for (int i = 0; i < 2; ++i) vms.push_back(vm("one", "vm-" + std::to_string(i), "hourly"));
  for (int i = 0; i < 3; ++i) vms.push_back(vm("two", "vm-" + std::to_string(i), "hourly"));
  vms.push_back(vm("two", "other", "hourly-2"));
  auto in = inputs(vms, {{"hourly", "@hourly"}, {"hourly-2", "@daily"}});
  in.most_vms = 3;
  const auto evaluation = evaluate_backup(in);
  const Finding* finding = find_reason(evaluation, "ManyVms");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->weight, Finding::Weight::kNotice);
  std::multiset<std::string> saved;
  for (const Desired& desired : evaluation.desired) {
    if (desired.kind != api::kSchedule) continue;
    const auto uids = selected(desired.object, vms);
    EXPECT_LE(uids.size(), 3u) << desired.object.name();
    for (const std::string& uid : uids) {
      EXPECT_TRUE(desired.object.metadata()["annotations"].has(uid));
      saved.insert(uid);
    }
  }
  EXPECT_EQ(saved.size(), vms.size());
  EXPECT_EQ(std::set<std::string>(saved.begin(), saved.end()).size(), vms.size());
  // "-2" is a cron's own Schedule, so the further ones begin with "-3".
  EXPECT_NE(find(evaluation, api::kSchedule, "acm-rho-virt-schedule-hourly-3"), nullptr);
  EXPECT_EQ(find(evaluation, api::kSchedule, "acm-rho-virt-schedule-hourly-2")
                ->object.spec()["schedule"]
                .as_string(),
            "@daily");
}

TEST(BackupPolicy, TheSummaryCountsWhatIsProtected) {
  auto in = inputs({vm("a", "vm-1", "hourly"), vm("a", "vm-2", "hourly"), vm("a", "vm-3", "typo")},
                   {{"hourly", "@hourly"}});
  in.summary = "cls1";
  in.backups = {backup("b", in.vms[0], "2026-11-21T11:30:00Z", "Completed")};
  in.data_uploads = {upload("b", "a", "disk", "Completed")};
  const auto evaluation = evaluate_backup(in);
  const Desired* summary = find(evaluation, api::kVirtProtectionSummary, "cls1");
  ASSERT_NE(summary, nullptr);
  EXPECT_EQ(to_json(summary->object.status()),
            R"({"vms":3,"protected":1,"notProtected":2,"since":"2026-11-21T12:00:00Z"})");
  // Since: when the number that is not protected changed last.
  kube::Object live = summary->object;
  kube::Object former = kube::Object::make(api::kVirtProtectionSummary, {"", "summary"});
  in.summaries = {live, former};
  ASSERT_EQ(evaluate_backup(in).unwanted.size(), 1u);
  EXPECT_EQ(evaluate_backup(in).unwanted[0].key.name, "summary");
  in.now = at("2026-11-21T12:10:00Z");
  EXPECT_EQ(find(evaluate_backup(in), api::kVirtProtectionSummary, "cls1")
                ->object.status()["since"]
                .as_string(),
            "2026-11-21T12:00:00Z");
}

TEST(BackupPolicy, EveryVmThatIsNotProtectedIsAFindingOnce) {
  auto in = inputs({vm("a", "new", "hourly"), vm("a", "failed", "hourly"), vm("a", "typo", "typo")},
                   {{"hourly", "@hourly"}});
  in.backups = {backup("b", in.vms[1], "2026-11-21T11:30:00Z", "Failed")};
  const auto evaluation = evaluate_backup(in);
  ASSERT_EQ(evaluation.findings.size(), 3u);
  EXPECT_EQ(find_reason(evaluation, "NoBackupYet")->weight, Finding::Weight::kPending);
  EXPECT_EQ(find_reason(evaluation, "BackupFailed")->weight, Finding::Weight::kViolation);
  EXPECT_EQ(find_reason(evaluation, "UnknownSchedule")->object.name, "typo");
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
  EXPECT_TRUE(schedule_names(evaluation).empty());
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
