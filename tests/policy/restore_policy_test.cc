// From the restore ConfigMap to Restores and findings.
#include "policy/restore_policy.h"

#include <gtest/gtest.h>

#include "api/kinds.h"
#include "api/names.h"
#include "tests/policy/restore_fixtures.h"

namespace breakwater::policy {
namespace {

using namespace fixtures;
using kube::Object;

TEST(RestorePolicy, RestoresByUidWithExactlyTheirNamespaces) {
  const auto evaluation = evaluate_restore(
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-10 uid-1"}}));
  const Object* restore = restore_of(evaluation);
  ASSERT_NE(restore, nullptr);
  EXPECT_EQ(restore->spec()["backupName"].as_string(), "b-1");
  EXPECT_TRUE(restore->spec()["restorePVs"].as_bool());
  EXPECT_EQ(to_json(restore->spec()["includedNamespaces"]), R"(["app"])");
  const Json& requirement = restore->spec()["labelSelector"]["matchExpressions"][0];
  EXPECT_EQ(requirement["key"].as_string(), api::kBackupVmUidLabel);
  EXPECT_EQ(to_json(requirement["values"]), R"(["uid-1","uid-10"])");
  EXPECT_TRUE(evaluation.findings.empty());
}

TEST(RestorePolicy, WithoutARestoreNameNothingIsAskedFor) {
  for (const auto& inputs : {asking({}), asking({{"restoreName", ""}}),
                             asking({{"restoreName", ""}, {"vmsUID", "x"}})}) {
    const auto evaluation = evaluate_restore(inputs);
    EXPECT_EQ(restore_of(evaluation), nullptr);
    EXPECT_TRUE(evaluation.findings.empty());
  }
}

TEST(RestorePolicy, AConfigurationNeverSeenFreezes) {
  RestoreInputs inputs = asking({});
  inputs.restore.reset();
  inputs.restores = {*restore_of(evaluate_restore(
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}})))};
  const auto evaluation = evaluate_restore(inputs);
  EXPECT_TRUE(evaluation.desired.empty());
  EXPECT_TRUE(evaluation.unwanted.empty());
}

struct RefusedRow {
  const char* what;
  std::vector<std::pair<const char*, const char*>> data;
  const char* reason;
  const char* says;
};

TEST(RestorePolicy, ARequestThatCannotBeCarriedOutIsAFindingAndNothingElse) {
  const std::vector<RefusedRow> rows = {
      {"B39: Backup not known yet",
       {{"restoreName", "r-1"}, {"backupName", "b-2"}, {"vmsUID", "uid-1"}},
       "WaitsForBackup",
       "backupName: Backup b-2 is not known in openshift-adp"},
      {"B43: unknown uid",
       {{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1 typo"}},
       "UnknownVm",
       "vmsUID has typo: Backup b-1 was not asked to save such a VM; it was asked to save uid-1 "
       "(app/vm-1)"},
      {"B43: empty list",
       {{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", " "}},
       "MissingValue",
       "vmsUID is empty"},
      {"no Backup named",
       {{"restoreName", "r-1"}, {"vmsUID", "uid-1"}},
       "MissingValue",
       "backupName"},
      {"B46: token without =",
       {{"restoreName", "r-1"},
        {"backupName", "b-1"},
        {"vmsUID", "uid-1"},
        {"namespaceMapping", "app=new other"}},
       "InvalidValue",
       "namespaceMapping has \"other\": it must be written old=new"},
      {"mapping of a namespace that no VM is in",
       {{"restoreName", "r-1"},
        {"backupName", "b-1"},
        {"vmsUID", "uid-1"},
        {"namespaceMapping", "other=new"}},
       "UnusedMapping",
       "none of the VMs in vmsUID was in other"},
      {"two VMs to one place",
       {{"restoreName", "r-1"},
        {"backupName", "b-1"},
        {"vmsUID", "uid-1 uid-other"},
        {"namespaceMapping", "app=new other=new"}},
       "SameTarget",
       "new/vm-1"},
      {"name of the Restore",
       {{"restoreName", "My Restore"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}},
       "InvalidValue",
       "restoreName is \"My Restore\""},
      {"source cluster that no cluster can be called",
       {{"restoreName", "r-1"},
        {"backupName", "b-1"},
        {"vmsUID", "uid-1"},
        {"sourceCluster", "Cls 1"}},
       "InvalidValue",
       "sourceCluster is \"Cls 1\": it must be the name or the id of the cluster that saved"},
  };
  for (const RefusedRow& row : rows) {
    RestoreInputs inputs = asking({});
    for (const auto& [key, value] : row.data) inputs.restore->set(key, value);
    const auto evaluation = evaluate_restore(inputs);
    EXPECT_EQ(restore_of(evaluation), nullptr) << row.what;
    const Finding* finding = find_reason(evaluation, row.reason);
    ASSERT_NE(finding, nullptr) << row.what;
    EXPECT_NE(finding->message.find(row.says), std::string::npos)
        << row.what << ": " << finding->message;
    EXPECT_EQ(finding->object.to_string(), "hub/restore-config") << row.what;
  }
}

TEST(RestorePolicy, ListsMayBeSeparatedByCommasAndLines) {
  // B43: the original takes such a list for one uid.
  const auto evaluation = evaluate_restore(
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1,uid-10\nuid-1"}}));
  ASSERT_NE(restore_of(evaluation), nullptr);
}

TEST(RestorePolicy, WaitsForItsBackupAndThenRestores) {
  // B39: a Restore made too early would be refused for good.
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs.backups[0].set({"status", "phase"}, "InProgress");
  EXPECT_NE(find_reason(evaluate_restore(inputs), "WaitsForBackup"), nullptr);
  EXPECT_EQ(restore_of(evaluate_restore(inputs)), nullptr);
  inputs.backups[0].set({"status", "phase"}, "Completed");
  EXPECT_NE(restore_of(evaluate_restore(inputs)), nullptr);
}

TEST(RestorePolicy, IsPendingUntilWhatWasAskedForIsBack) {
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  const auto asked = evaluate_restore(inputs);
  EXPECT_EQ(asked.pending, "0 of 1 requested restores are Completed");
  inputs = after(inputs, asked);
  inputs.restores[0].set({"status", "phase"}, "InProgress");
  EXPECT_EQ(evaluate_restore(inputs).pending, "0 of 1 requested restores are Completed");
  inputs.restores[0].set({"status", "phase"}, "Completed");
  EXPECT_EQ(evaluate_restore(inputs).pending, "");
  EXPECT_EQ(evaluate_restore(inputs).summary, "1 of 1 requested restores is Completed");
}

TEST(RestorePolicy, WaitsForInstall) {
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs.waits_for = "acm-dr-virt-install";
  EXPECT_EQ(restore_of(evaluate_restore(inputs)), nullptr);
  EXPECT_EQ(evaluate_restore(inputs).pending, "waits for acm-dr-virt-install");
  inputs.ns.clear();  // install has not even chosen a namespace
  EXPECT_EQ(evaluate_restore(inputs).pending, "waits for acm-dr-virt-install");
  inputs.restore = Json::object();
  EXPECT_EQ(evaluate_restore(inputs).pending, "");
  EXPECT_EQ(evaluate_restore(inputs).summary, "no restore is requested");
  EXPECT_TRUE(evaluate_restore(inputs).desired.empty());
}

TEST(RestorePolicy, AChangedRequestNeedsANewName) {
  // B40: the original merges the new list into the old Restore, which Velero never looks at again.
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs = after(inputs, evaluate_restore(inputs));
  EXPECT_TRUE(evaluate_restore(inputs).findings.empty());
  inputs.restore->set("vmsUID", "uid-1 uid-10");
  const auto evaluation = evaluate_restore(inputs);
  EXPECT_EQ(restore_of(evaluation), nullptr);
  EXPECT_NE(find_reason(evaluation, "RestoreAlreadyCarriedOut"), nullptr);
}

TEST(RestorePolicy, EarlierRestoresStay) {
  // B41: the original deletes them, and their logs in the bucket.
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs = after(inputs, evaluate_restore(inputs));
  inputs.restore->set("restoreName", "r-2");
  inputs.restore->set("vmsUID", "uid-10");
  const auto evaluation = evaluate_restore(inputs);
  EXPECT_NE(restore_of(evaluation, "r-2"), nullptr);
  EXPECT_TRUE(evaluation.unwanted.empty());
}

TEST(RestorePolicy, AVmThatExistsIsAFindingBeforeAnythingIsWritten) {
  // B42: the original says Completed and restores nothing.
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs.vms = {vm("app", "vm-1", "hourly")};
  EXPECT_EQ(restore_of(evaluate_restore(inputs)), nullptr);
  EXPECT_NE(find_reason(evaluate_restore(inputs), "VirtualMachineExists"), nullptr);
  inputs.restore->set("namespaceMapping", "app=elsewhere");
  const auto mapped = evaluate_restore(inputs);
  ASSERT_NE(restore_of(mapped), nullptr);
  EXPECT_EQ(restore_of(mapped)->spec()["namespaceMapping"]["app"].as_string(), "elsewhere");
}

TEST(RestorePolicy, NothingIsRestoredTwice) {
  // B49: the Restore was deleted or has expired, its name is still in the ConfigMap.
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs = after(inputs, evaluate_restore(inputs));
  inputs.restores.clear();
  const auto evaluation = evaluate_restore(inputs);
  EXPECT_EQ(restore_of(evaluation), nullptr);
  EXPECT_TRUE(evaluation.findings.empty());
}

TEST(RestorePolicy, ANamespaceMayContainTwoDashes) {
  // B45: the original splits "a--b--c" into a and b--c.
  const auto evaluation = evaluate_restore(
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-dashes"}}));
  ASSERT_NE(restore_of(evaluation), nullptr);
  EXPECT_EQ(to_json(restore_of(evaluation)->spec()["includedNamespaces"]), R"(["a--b"])");
}

TEST(RestorePolicy, ABackupWithoutStampsIsSelectedFromOnlyWhenThatIsExact) {
  // B3 and B44: by name, app/vm-10 and other/vm-1 mean app/vm-1 as well.
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-10 uid-other"}});
  inputs.backups = {saved_backup(false)};
  const auto refused = evaluate_restore(inputs);
  EXPECT_EQ(restore_of(refused), nullptr);
  const Finding* finding = find_reason(refused, "InexactSelection");
  ASSERT_NE(finding, nullptr);
  EXPECT_NE(finding->message.find("uid-1 (app/vm-1)"), std::string::npos) << finding->message;
  inputs.restore->set("allowInexact", "true");
  ASSERT_NE(restore_of(evaluate_restore(inputs)), nullptr);
  inputs.restore->set("allowInexact", "false");
  inputs.restore->set("vmsUID", "uid-10");
  const auto exact = evaluate_restore(inputs);
  ASSERT_NE(restore_of(exact), nullptr);
  EXPECT_EQ(restore_of(exact)->spec()["orLabelSelectors"].size(), 2u);
}

TEST(RestorePolicy, FurtherRestoresHaveNumbers) {
  const auto evaluation = evaluate_restore(asking({{"restoreName", "r-1"},
                                                   {"backupName", "b-1"},
                                                   {"vmsUID", "uid-1"},
                                                   {"2_restoreName", "r-2"},
                                                   {"2_backupName", "b-1"},
                                                   {"2_vmsUID", "unknown"},
                                                   {"3_restoreName", "r-3"},
                                                   {"3_backupName", "b-1"},
                                                   {"3_vmsUID", "uid-10"}}));
  EXPECT_NE(restore_of(evaluation, "r-1"), nullptr);
  EXPECT_EQ(restore_of(evaluation, "r-2"), nullptr);
  EXPECT_NE(restore_of(evaluation, "r-3"), nullptr);
  ASSERT_EQ(evaluation.findings.size(), 1u);
  EXPECT_TRUE(evaluation.findings[0].message.starts_with("2_vmsUID has unknown"));
}

TEST(RestorePolicy, AnotherClustersBackupsComeThroughAReadOnlyLocation) {
  RestoreInputs inputs = asking({{"restoreName", "r-1"},
                                 {"backupName", "b-1"},
                                 {"vmsUID", "uid-1"},
                                 {"sourceCluster", "id-2"}});
  const auto waiting = evaluate_restore(inputs);
  const Desired* location = find(waiting, api::kBackupStorageLocation, "dpa-1-id-2");
  ASSERT_NE(location, nullptr);
  const Json& spec = location->object.spec();
  EXPECT_EQ(spec["objectStorage"]["prefix"].as_string(), "hub-a/id-2");
  EXPECT_EQ(spec["accessMode"].as_string(), "ReadOnly");
  EXPECT_FALSE(spec["default"].as_bool(true));
  EXPECT_EQ(restore_of(waiting), nullptr) << "the Backup of that name is this cluster's own";
  const Finding* finding = find_reason(waiting, "WaitsForBackup");
  ASSERT_NE(finding, nullptr);
  EXPECT_NE(finding->message.find("0 Backups are known in that location; sourceCluster, which must "
                                  "be name or id of the cluster that saved, is id-2"),
            std::string::npos)
      << finding->message;
  inputs.backups[0].set({"spec", "storageLocation"}, "dpa-1-id-2");
  EXPECT_NE(restore_of(evaluate_restore(inputs)), nullptr);

  // Both clusters have a Backup of that name: the engine shows the other's under another one.
  Object theirs = inputs.backups[0];
  inputs.backups[0].set({"spec", "storageLocation"}, "dpa-1");
  theirs.set({"metadata", "name"}, "b-1-dpa-1-id-2");
  theirs.set_annotation(api::kStoredNameAnnotation, "b-1");
  inputs.backups.push_back(theirs);
  const auto found = evaluate_restore(inputs);
  ASSERT_NE(restore_of(found), nullptr);
  EXPECT_EQ(restore_of(found)->spec()["backupName"].as_string(), "b-1-dpa-1-id-2");
}

TEST(RestorePolicy, ARestoreThatFailedIsNamedWithItsReason) {
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs = after(inputs, evaluate_restore(inputs));
  inputs.restores[0].set({"status", "phase"}, "FailedValidation");
  inputs.restores[0].set({"status", "validationErrors"}, Json::array({"no disk"}));
  const auto evaluation = evaluate_restore(inputs);
  const Finding* finding = find_reason(evaluation, "RestoreFailed");
  ASSERT_NE(finding, nullptr);
  EXPECT_NE(finding->message.find("Restore r-1 is FailedValidation: no disk"), std::string::npos);
}

TEST(RestorePolicy, SomebodyElsesRestoreIsLeftAlone) {
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs.restores = {Object::make(api::kRestore, {"openshift-adp", "r-1"})};
  const auto evaluation = evaluate_restore(inputs);
  EXPECT_EQ(restore_of(evaluation), nullptr);
  EXPECT_NE(find_reason(evaluation, "RestoreNameTaken"), nullptr);
  inputs.removal = "deleted";
  EXPECT_TRUE(evaluate_restore(inputs).unwanted.empty());
}

TEST(RestorePolicy, ConfirmedRemovalTakesWhatItMade) {
  RestoreInputs inputs =
      asking({{"restoreName", "r-1"}, {"backupName", "b-1"}, {"vmsUID", "uid-1"}});
  inputs = after(inputs, evaluate_restore(inputs));
  inputs.removal = "deleted";
  const auto evaluation = evaluate_restore(inputs);
  EXPECT_EQ(evaluation.unwanted.size(), 2u);
  EXPECT_TRUE(evaluation.desired.empty());
}

}  // namespace
}  // namespace breakwater::policy
