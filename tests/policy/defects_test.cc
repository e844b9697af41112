// Defects of the templates that this system replaces, by their numbers: each row is the situation,
// and what ours does in it. `original` says what the templates did.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "policy/reporter.h"
#include "tests/policy/install_fixtures.h"
#include "tests/policy/restore_fixtures.h"

namespace breakwater::policy {
namespace {

using namespace fixtures;

namespace defects {

using Vms = std::vector<kube::Object>;
using Crons = std::map<std::string, std::string>;

// What is wrong, as one text; "" if nothing is.
using Check = std::string (*)();

struct Row {
  const char* id;
  const char* original;
  Check check;
};

std::string describe(const Evaluation& evaluation) {
  std::string text;
  for (const Desired& desired : evaluation.desired) {
    if (desired.kind == api::kSchedule) text += to_json(desired.object.json()) + "\n";
  }
  for (const Finding& finding : evaluation.findings) {
    text += finding.object.to_string() + " " + finding.reason + ": " + finding.message + "\n";
  }
  return text;
}

const kube::Object* schedule(const Evaluation& evaluation, const std::string& name) {
  const Desired* desired = find(evaluation, api::kSchedule, "acm-rho-virt-schedule-" + name);
  return desired == nullptr ? nullptr : &desired->object;
}

// Whether a Schedule names exactly these VMs, and lists exactly their namespaces.
bool saves_exactly(const kube::Object* schedule, const Vms& vms) {
  if (schedule == nullptr) return false;
  Json annotations = Json::object();
  std::set<std::string> namespaces, listed;
  for (const kube::Object& vm : vms) {
    annotations.set(vm.uid(), vm.ns() + "--" + vm.name());
    namespaces.insert(vm.ns());
  }
  for (const Json& ns : schedule->spec()["template"]["includedNamespaces"].items()) {
    listed.insert(ns.as_string());
  }
  return schedule->metadata()["annotations"] == annotations && namespaces == listed;
}

// Schedules of ours that exist, as in a cluster that works.
kube::Object running(const std::string& cron) {
  kube::Object object =
      kube::Object::make(api::kSchedule, {"openshift-adp", "acm-rho-virt-schedule-" + cron});
  object.set({"metadata", "uid"}, "uid-" + cron);
  object.set_label(api::kManagedByLabel, api::kManagedBy);
  object.set({"spec", "schedule"}, "0 * * * *");
  object.set({"spec", "template", "labelSelector", "matchExpressions"},
             Json::array({Json::object({{"values", Json::array({cron})}})}));
  return object;
}

BackupInputs from_policy(const kube::Object& policy) {
  BackupInputs in = inputs({vm("a", "vm-1", "hourly")}, {});
  in.crons.reset();
  in.schedules = {running("hourly")};
  in.schedules[0].set_annotation("uid-a-vm-1", "a--vm-1");
  read_backup_configuration(policy, in);
  return in;
}

// Nothing of what works may be written or removed, and the policy is not green.
std::string frozen(const Evaluation& evaluation, const char* names) {
  if (!evaluation.unwanted.empty()) return "it removes " + evaluation.unwanted[0].key.to_string();
  for (const Desired& desired : evaluation.desired) {
    if (desired.related) return "it writes " + desired.object.key().to_string();
  }
  const Compliance compliance = compliance_of(evaluation, {});
  if (compliance.state != "NonCompliant") return "it is " + compliance.message;
  if (compliance.message.find(names) == std::string::npos) return compliance.message;
  return "";
}

std::string b1() {
  const auto evaluation =
      evaluate_backup(inputs({vm("a", "vm-1", "vm1_each_hour"), vm("a", "vm-2", "vm2_each_hour")},
                             {{"vm1_each_hour", "0 * * * *"}, {"vm2_each_hour", "0 * * * *"}}));
  const bool right =
      saves_exactly(schedule(evaluation, "vm1-each-hour"), {vm("a", "vm-1", "vm1_each_hour")}) &&
      saves_exactly(schedule(evaluation, "vm2-each-hour"), {vm("a", "vm-2", "vm2_each_hour")});
  return right ? "" : describe(evaluation);
}

std::string b2() {
  Vms vms = {vm("a-prod", "vm-10", "hourly"), vm("prod", "vm-1", "hourly"),
             vm("prod", "my-vm-1", "hourly"), vm("db", "db", "hourly"),
             vm("app-db", "app-db", "hourly")};
  for (int turn = 0; turn < 5; ++turn) {
    std::rotate(vms.begin(), vms.begin() + 1, vms.end());
    const auto evaluation = evaluate_backup(inputs(vms, {{"hourly", "@hourly"}}));
    if (!saves_exactly(schedule(evaluation, "hourly"), vms)) return describe(evaluation);
  }
  return "";
}

// Only the backup label selects, so a VM that shares a name and a namespace is not meant.
std::string selects_by_label_only(const Evaluation& evaluation, const std::string& name) {
  const kube::Object* object = schedule(evaluation, name);
  if (object == nullptr) return describe(evaluation);
  const Json& wanted = object->spec()["template"];
  const std::string expected = R"({"matchExpressions":[{"key":")" +
                               std::string(api::kBackupVmLabel) +
                               R"(","operator":"In","values":[")" + name + R"("]}]})";
  const bool right =
      to_json(wanted["labelSelector"]) == expected && !wanted.has("orLabelSelectors");
  return right ? "" : describe(evaluation);
}

std::string b3() {
  // ns1/vm-10 and ns2/vm-1 exist without the label.
  const auto evaluation = evaluate_backup(
      inputs({vm("ns1", "vm-1", "hourly"), vm("ns2", "vm-10", "hourly")}, {{"hourly", "@hourly"}}));
  return selects_by_label_only(evaluation, "hourly");
}

std::string b4() {
  // (a) a VM without app or kubevirt.io/domain; (c) a Deployment with app=vm-1 in its namespace.
  const auto evaluation =
      evaluate_backup(inputs({vm("a", "vm-1", "hourly")}, {{"hourly", "@hourly"}}));
  if (std::string wrong = selects_by_label_only(evaluation, "hourly"); !wrong.empty()) return wrong;
  // A Completed Backup without the VM's disk is no protection.
  auto in = inputs({vm("a", "vm-1", "hourly")}, {{"hourly", "@hourly"}});
  in.backups = {backup("b", in.vms[0], "2026-11-21T11:30:00Z", "Completed")};
  const auto judged = evaluate_backup(in);
  return find_reason(judged, "DiskNotInBackup") != nullptr ? "" : describe(judged);
}

std::string b5() {
  const auto evaluation =
      evaluate_backup(inputs({vm("ns1", "vm-1", "hourly"), vm("ns2", "vm-1", "daily"),
                              vm("ns1", "vm-2", "daily"), vm("ns2", "vm-2", "hourly")},
                             {{"hourly", "@hourly"}, {"daily", "@daily"}}));
  // Both Schedules list both namespaces, and still each selects its own two.
  std::string wrong = selects_by_label_only(evaluation, "hourly");
  if (wrong.empty()) wrong = selects_by_label_only(evaluation, "daily");
  const bool right =
      saves_exactly(schedule(evaluation, "hourly"),
                    {vm("ns1", "vm-1", ""), vm("ns2", "vm-2", "")}) &&
      saves_exactly(schedule(evaluation, "daily"), {vm("ns2", "vm-1", ""), vm("ns1", "vm-2", "")});
  return right ? wrong : describe(evaluation);
}

std::string b6() {
  const auto evaluation = evaluate_backup(
      inputs({vm("a", "bad", ""), vm("a", "fine", "hourly")}, {{"hourly", "@hourly"}}));
  const Finding* finding = find_reason(evaluation, "EmptySchedule");
  const bool right = finding != nullptr && finding->object.name == "bad" &&
                     saves_exactly(schedule(evaluation, "hourly"), {vm("a", "fine", "hourly")});
  return right ? "" : describe(evaluation);
}

std::string b9() {
  for (bool reversed : {false, true}) {
    Vms vms = {vm("a", "one", "a_b"), vm("a", "two", "a-b"), vm("a", "upper", "Daily"),
               vm("a", "fine", "hourly")};
    if (reversed) std::reverse(vms.begin(), vms.end());
    const auto evaluation = evaluate_backup(inputs(
        vms, {{"a_b", "@daily"}, {"a-b", "@hourly"}, {"Daily", "@daily"}, {"hourly", "@hourly"}}));
    const Finding* taken = find_reason(evaluation, "ScheduleNameTaken");
    const Finding* upper = find_reason(evaluation, "InvalidScheduleName");
    const bool right = saves_exactly(schedule(evaluation, "a-b"), {vm("a", "two", "a-b")}) &&
                       taken != nullptr && taken->object.name == "one" && upper != nullptr &&
                       upper->object.name == "upper" &&
                       saves_exactly(schedule(evaluation, "hourly"), {vm("a", "fine", "hourly")});
    if (!right) return describe(evaluation);
  }
  return "";
}

// The configuration's ConfigMap is gone, or the label is empty: nothing was ever seen.
std::string b18() {
  for (const char* name : {"acm-virt-config-14", ""}) {
    kube::Object backup = delivered(api::kVirtBackupPolicy, api::kBackupPolicyName, {});
    backup.set({"spec", "configName"}, name);
    backup.erase({"spec", "config"});
    kube::Object install = backup;
    const char* names = *name == '\0' ? "label acm-virt-config is empty" : "acm-virt-config-14";
    std::string wrong = frozen(evaluate_backup(from_policy(backup)), names);
    InstallInputs in = installed(sample_config());
    in.policy = install;
    if (wrong.empty()) wrong = frozen(evaluate_install(in), names);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

// Seen before, and deleted since: the hub keeps what it knew and says so.
std::string b18_seen() {
  kube::Object policy =
      delivered(api::kVirtInstallPolicy, api::kInstallPolicyName, sample_config());
  policy.set({"spec", "hubFindings"},
             Json::array({Json::object({{"kind", "ConfigMap"},
                                        {"namespace", "acm"},
                                        {"name", "acm-virt-config-14"},
                                        {"reason", "MissingConfiguration"},
                                        {"message", "it does not exist any more"}})}));
  InstallInputs in = installed(sample_config());
  in.policy = policy;
  const auto evaluation = evaluate_install(in);
  const bool right = evaluation.unwanted.empty() &&
                     find(evaluation, api::kDataProtectionApplication, "dpa-hub") != nullptr &&
                     compliance_of(evaluation, {}).state == "NonCompliant";
  return right ? "" : compliance_of(evaluation, {}).message;
}

std::string b19() {
  kube::Object gone = delivered(api::kVirtBackupPolicy, api::kBackupPolicyName, sample_config());
  gone.erase({"spec", "crons"});
  auto config = sample_config();
  config.erase("schedule_hub_config_name");
  kube::Object keyless = delivered(api::kVirtBackupPolicy, api::kBackupPolicyName, config);
  keyless.erase({"spec", "crons"});
  std::string wrong = frozen(evaluate_backup(from_policy(gone)), "ConfigMap acm/schedule-cron");
  if (wrong.empty()) {
    wrong = frozen(evaluate_backup(from_policy(keyless)), "schedule_hub_config_name is missing");
  }
  if (!wrong.empty()) return wrong;
  // And the VM whose Schedule goes on is judged by its Backups, not by the missing ConfigMap.
  BackupInputs in = from_policy(gone);
  in.backups = {backup("b", in.vms[0], "2026-11-21T11:30:00Z", "Completed")};
  in.data_uploads = {upload("b", "a", "disk", "Completed")};
  const auto evaluation = evaluate_backup(in);
  const Desired* protection = find(evaluation, api::kVirtualMachineProtection, "vm-1");
  return protection->object.status()["protected"].as_string() == "True" ? "" : describe(evaluation);
}

std::string b20() {
  InstallInputs in = installed(sample_config());
  kube::Object copy = kube::Object::make(api::kSecret, {"oadp-ns", "cloud-credentials"});
  in.secrets.push_back(copy);
  in.credentials.reset();
  const auto evaluation = evaluate_install(in);
  if (!evaluation.unwanted.empty()) return "it removes something";
  if (find(evaluation, api::kSecret, "cloud-credentials") != nullptr) return "it empties the copy";
  if (find(evaluation, api::kDataProtectionApplication, "dpa-hub") == nullptr) return "no DPA";
  // Never delivered: a violation that names both ends.
  in.secrets.pop_back();
  const auto without = evaluate_install(in);
  const Finding* finding = find_reason(without, "MissingSecret");
  if (finding == nullptr) return describe(without);
  const bool right = finding->object.to_string() == "oadp-ns/cloud-credentials" &&
                     finding->message.find("acm/hub-secret of the hub") != std::string::npos;
  return right ? "" : finding->message;
}

RestoreInputs asking_for(const char* uids) {
  return asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", uids}});
}

// That nothing is created, and that `reason` says why.
std::string refused(const RestoreInputs& in, const char* reason) {
  const auto evaluation = evaluate_restore(in);
  if (restore_of(evaluation) != nullptr) return "it creates the Restore";
  return find_reason(evaluation, reason) != nullptr ? "" : describe(evaluation);
}

std::string b39() {
  RestoreInputs in = asking_for("uid-1");
  const auto backups = std::exchange(in.backups, {});
  const std::string wrong = refused(in, "WaitsForBackup");
  if (!wrong.empty()) return wrong;
  in.backups = backups;
  return restore_of(evaluate_restore(in)) != nullptr ? "" : "it goes on waiting";
}

std::string b40() {
  RestoreInputs in = asking_for("uid-1");
  in = after(in, evaluate_restore(in));
  in.restore->set("vmsUID", "uid-1 uid-10");
  return refused(in, "RestoreAlreadyCarriedOut");
}

std::string b41() {
  RestoreInputs in = asking_for("uid-1");
  in = after(in, evaluate_restore(in));
  for (const char* name : {"", "r-2"}) {
    in.restore->set("restoreName", name);
    if (!evaluate_restore(in).unwanted.empty()) return "it removes the earlier Restore";
  }
  return "";
}

std::string b42() {
  RestoreInputs in = asking_for("uid-1");
  in.vms = {vm("app", "vm-1", "hourly")};
  return refused(in, "VirtualMachineExists");
}

std::string b43() {
  for (const auto& [uids, reason] :
       {std::pair("uid-1 typo", "UnknownVm"), std::pair("typo", "UnknownVm"),
        std::pair("", "MissingValue")}) {
    const std::string wrong = refused(asking_for(uids), reason);
    if (!wrong.empty()) return wrong;
  }
  for (const char* uids : {"uid-1,uid-10", "uid-1\nuid-10"}) {
    const auto evaluation = evaluate_restore(asking_for(uids));
    const kube::Object* restore = restore_of(evaluation);
    if (restore == nullptr) return "a list with commas or lines is refused";
  }
  return "";
}

const Row kRows[] = {
    {"B1", "equal crons under two names became one Schedule", b1},
    {"B2", "a name or namespace that is part of another was dropped", b2},
    {"B3", "every listed name in every listed namespace was saved", b3},
    {"B4", "labels that KubeVirt does not set selected nothing, or foreign objects", b4},
    {"B5", "equal names with different crons overlapped", b5},
    {"B6", "one empty label stopped the whole cluster", b6},
    {"B9", "names that become equal flip-flopped; upper case was refused for all", b9},
    {"B18", "without its ConfigMap everything was pruned, and green", b18},
    {"B18", "a ConfigMap that vanished took everything along", b18_seen},
    {"B19", "without crons all Schedules were pruned, and green", b19},
    {"B20", "without its Secret the DataProtectionApplication was pruned", b20},
    {"B39", "a Restore made before its Backup was known failed for good", b39},
    {"B40", "a changed request under the old name was never carried out, and green", b40},
    {"B41", "a new restoreName removed the earlier Restore and its logs", b41},
    {"B42", "a VM that still existed was skipped, and green", b42},
    {"B43", "unknown uids were dropped; none left meant everything", b43},
};

}  // namespace defects

TEST(Defects, NoneOfTheOriginalsIsOurs) {
  for (const defects::Row& row : defects::kRows) {
    SCOPED_TRACE(std::string(row.id) + ": " + row.original);
    EXPECT_EQ(row.check(), "");
  }
}

}  // namespace
}  // namespace breakwater::policy
