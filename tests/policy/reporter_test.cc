// What a policy says of itself: status, history, Events.
#include "policy/reporter.h"

#include <gtest/gtest.h>

#include "tests/policy/fixtures.h"

namespace breakwater::policy {
namespace {

namespace report_cases {

constexpr auto kViolation = Finding::Weight::kViolation;
constexpr auto kPending = Finding::Weight::kPending;
constexpr auto kNotice = Finding::Weight::kNotice;

Finding about_vm(const std::string& name, const std::string& reason, Finding::Weight weight) {
  return {api::kVirtualMachine, {"a", name}, reason, "because of " + reason, weight};
}

kube::Object policy_object() {
  kube::Object policy = kube::Object::make(api::kVirtBackupPolicy, {"cls1", "acm-dr-virt-backup"});
  policy.set({"metadata", "uid"}, "template-uid");
  policy.set({"metadata", "ownerReferences"},
             Json::array({Json::object({{"apiVersion", "policy.open-cluster-management.io/v1"},
                                        {"kind", "Policy"},
                                        {"name", "ns.acm-dr-virt-backup"},
                                        {"uid", "policy-uid"},
                                        {"controller", true}})}));
  return policy;
}

StatusUpdate status_of(const kube::Object& policy, const Evaluation& evaluation, const char* now,
                       const Enforcement& done = {}) {
  return status_after({api::kVirtBackupPolicy, policy, evaluation, done, {}}, fixtures::at(now));
}

kube::Object with_status(kube::Object policy, const StatusUpdate& update) {
  policy.set({"status"}, update.status);
  return policy;
}

}  // namespace report_cases

using namespace report_cases;

TEST(Reporter, StateAndMessageComeFromTheFindings) {
  struct Case {
    const char* name;
    std::vector<Finding> findings;
    std::string pending, summary, state, message;
  };
  const Case cases[] = {
      {"nothing", {}, "", "", "Compliant", "Compliant; notification - nothing is wrong"},
      {"summary",
       {},
       "",
       "2 VMs are protected",
       "Compliant",
       "Compliant; notification - 2 VMs are protected"},
      {"notice",
       {about_vm("x", "Odd", kNotice)},
       "",
       "fine",
       "Compliant",
       "Compliant; notification - fine; notification - VirtualMachine a/x: Odd: because of Odd"},
      {"gate",
       {},
       "waits for acm-dr-virt-install",
       "fine",
       "Pending",
       "Pending; waits for acm-dr-virt-install"},
      {"not yet",
       {about_vm("x", "NoBackupYet", kPending)},
       "",
       "fine",
       "Pending",
       "Pending; notification - VirtualMachine a/x: NoBackupYet: because of NoBackupYet"},
      {"wrong, and not yet",
       {about_vm("y", "NoBackupYet", kPending), about_vm("z", "BackupFailed", kViolation)},
       "",
       "fine",
       "NonCompliant",
       "NonCompliant; violation - VirtualMachine a/z: BackupFailed: because of BackupFailed; "
       "notification - VirtualMachine a/y: NoBackupYet: because of NoBackupYet"},
  };
  for (const Case& c : cases) {
    Evaluation evaluation;
    evaluation.findings = c.findings;
    evaluation.pending = c.pending;
    evaluation.summary = c.summary;
    const Compliance compliance = compliance_of(evaluation, {});
    EXPECT_EQ(compliance.state, c.state) << c.name;
    EXPECT_EQ(compliance.message, c.message) << c.name;
  }
}

TEST(Reporter, MessagesAreBoundedAndTheWorstComesFirst) {
  Evaluation evaluation;
  for (int i = 0; i < 5000; ++i) {
    evaluation.findings.push_back(
        about_vm("vm-" + std::to_string(100000 + i), "BackupFailed", kViolation));
  }
  evaluation.findings.push_back({api::kConfigMap,
                                 {"hub", "config"},
                                 "MissingConfiguration",
                                 "it does not exist",
                                 kViolation});
  const std::string message = compliance_of(evaluation, {}).message;
  EXPECT_LE(message.size(), 4096u);
  EXPECT_EQ(
      message.rfind("NonCompliant; violation - ConfigMap hub/config: MissingConfiguration: ", 0),
      0u);
  EXPECT_NE(message.find("VirtualMachine a/vm-100000: BackupFailed"), std::string::npos);
  EXPECT_NE(message.find(" more"), std::string::npos);
  const Json status = status_of(policy_object(), evaluation, fixtures::kNow).status;
  EXPECT_EQ(status["findings"]["total"].as_int(), 5001);
  EXPECT_EQ(status["findings"]["worst"].size(), 20u);
  EXPECT_EQ(status["findings"]["worst"][0]["name"].as_string(), "config");
}

TEST(Reporter, AFindingCannotFloodTheMessageOrBreakItsLine) {
  Evaluation evaluation;
  evaluation.findings = {
      {api::kVirtualMachine, {"a", "x"}, "Long", "line\nbreak " + std::string(9000, 'x')}};
  const std::string message = compliance_of(evaluation, {}).message;
  EXPECT_LE(message.size(), 4096u);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(Reporter, TheOrderOfFindingsDoesNotMatter) {
  Evaluation one, two;
  one.findings = {about_vm("x", "A", kViolation), about_vm("w", "B", kNotice),
                  about_vm("v", "C", kPending)};
  two.findings = {one.findings[2], one.findings[0], one.findings[1], one.findings[0]};
  EXPECT_EQ(compliance_of(one, {}).message, compliance_of(two, {}).message);
}

TEST(Reporter, HistoryIsTheLastTenChangesInMicroseconds) {
  kube::Object policy = policy_object();
  for (int i = 0; i < 12; ++i) {
    Evaluation evaluation;
    if (i % 2 == 0) evaluation.findings = {about_vm("vm-" + std::to_string(i), "Odd", kViolation)};
    const std::string now = "2026-11-21T12:00:" + std::to_string(10 + i) + ".123456789Z";
    const StatusUpdate update = status_of(policy, evaluation, now.c_str());
    EXPECT_TRUE(update.announced) << i;
    policy = with_status(policy, update);
  }
  const Json& history = policy.status()["history"];
  ASSERT_EQ(history.size(), 10u);
  EXPECT_EQ(history[0]["lastTimestamp"].as_string(), "2026-11-21T12:00:21.123456Z");
  EXPECT_EQ(history[0]["message"].as_string().rfind("Compliant; ", 0), 0u);
}

TEST(Reporter, OnlyChangesAreTold) {
  Evaluation evaluation;
  evaluation.findings = {about_vm("x", "Odd", kViolation)};
  const kube::Object told =
      with_status(policy_object(), status_of(policy_object(), evaluation, fixtures::kNow));
  const StatusUpdate again = status_of(told, evaluation, "2026-11-21T13:00:00Z");
  EXPECT_FALSE(again.announced);
  EXPECT_EQ(again.status, told.status());

  // The framework empties status.compliant when it wants to hear it again.
  kube::Object emptied = told;
  emptied.set({"status", "compliant"}, "");
  EXPECT_TRUE(status_of(emptied, evaluation, "2026-11-21T12:00:01Z").announced);
  emptied.erase({"status", "compliant"});
  EXPECT_TRUE(status_of(emptied, evaluation, "2026-11-21T12:00:01Z").announced);
}

TEST(Reporter, ManySmallChangesAreToldAtIntervals) {
  Evaluation evaluation;
  evaluation.findings = {about_vm("x", "Odd", kViolation)};
  const kube::Object told =
      with_status(policy_object(), status_of(policy_object(), evaluation, fixtures::kNow));
  evaluation.findings.push_back(about_vm("y", "Odd", kViolation));
  const StatusUpdate early = status_of(told, evaluation, "2026-11-21T12:00:29Z");
  EXPECT_TRUE(early.held_back);
  EXPECT_FALSE(early.announced);
  EXPECT_EQ(early.status["findings"]["total"].as_int(), 2);  // the status is current all the same
  EXPECT_TRUE(status_of(told, evaluation, "2026-11-21T12:00:30Z").announced);
  // Another state is told at once.
  EXPECT_TRUE(status_of(told, {}, "2026-11-21T12:00:01Z").announced);
}

TEST(Reporter, RelatedObjectsAreInTheFormatOfConfigurationPolicies) {
  Enforcement done;
  done.objects = {
      {api::kSecret, {"oadp-ns", "cloud"}, Enforced::State::kMissing, "", false},
      {api::kConfigMap, {"oadp-ns", "copy"}, Enforced::State::kAsWanted, "uid-1", true}};
  const Json status = status_of(policy_object(), {}, fixtures::kNow, done).status;
  EXPECT_EQ(to_json(status["relatedObjects"]),
            R"([{"object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"copy",)"
            R"("namespace":"oadp-ns"}},"compliant":"Compliant",)"
            R"("reason":"Resource found as expected",)"
            R"("properties":{"createdByPolicy":true,"uid":"uid-1"}},)"
            R"({"object":{"apiVersion":"v1","kind":"Secret","metadata":{"name":"cloud",)"
            R"("namespace":"oadp-ns"}},"compliant":"NonCompliant",)"
            R"("reason":"Resource not found but should exist",)"
            R"("properties":{"createdByPolicy":false}}])");
}

TEST(Reporter, RemovalIsDoneWhenNothingIsLeft) {
  Evaluation evaluation;
  evaluation.removal = "deleted";
  evaluation.unwanted = {{api::kSchedule, {"oadp-ns", "s"}, "uid", true}};
  kube::Object policy = policy_object();
  EXPECT_FALSE(status_of(policy, evaluation, fixtures::kNow).status.has("removed"));
  evaluation.unwanted.clear();
  policy = with_status(policy, status_of(policy, evaluation, fixtures::kNow));
  EXPECT_EQ(policy.status()["removed"].as_string(), "deleted");
  // The intent is withdrawn.
  EXPECT_FALSE(status_of(policy, {}, fixtures::kNow).status.has("removed"));
}

TEST(Reporter, TheEventIsTheFrameworks) {
  const Time time = fixtures::at("2026-11-21T12:00:00.123456Z");
  const kube::Object event = compliance_event(
      policy_object(), {"NonCompliant", "NonCompliant; violation - x"}, time, "breakwater-agent");
  EXPECT_EQ(event.ns(), "cls1");
  char name[64];
  snprintf(name, sizeof name, "ns.acm-dr-virt-backup.%llx",
           static_cast<unsigned long long>(time.time_since_epoch().count()));
  EXPECT_EQ(event.name(), name);
  EXPECT_EQ(event["involvedObject"]["kind"].as_string(), "Policy");
  EXPECT_EQ(event["involvedObject"]["uid"].as_string(), "policy-uid");
  EXPECT_EQ(event["reason"].as_string(), "policy: cls1/acm-dr-virt-backup");
  EXPECT_EQ(event["message"].as_string(), "NonCompliant; violation - x");
  EXPECT_EQ(event["type"].as_string(), "Warning");
  EXPECT_EQ(event["action"].as_string(), "ComplianceStateUpdate");
  EXPECT_EQ(event["related"]["uid"].as_string(), "template-uid");
  EXPECT_EQ(event["source"]["component"].as_string(), "breakwater-agent");

  kube::Object orphan = policy_object();
  orphan.erase({"metadata", "ownerReferences"});
  EXPECT_TRUE(compliance_event(orphan, {"Compliant", "Compliant; x"}, time, "c").json().is_null());
}

}  // namespace
}  // namespace breakwater::policy
