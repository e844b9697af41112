// What the engine decides without asking anybody: selections, due times, graphs, names.
#include <gtest/gtest.h>

#include "tests/velero/engine_cluster.h"
#include "velero/data_protection_application.h"
#include "velero/findings.h"
#include "velero/item_graph.h"
#include "velero/names.h"
#include "velero/restore_plan.h"
#include "velero/schedule.h"
#include "velero/selection.h"
#include "velero/volumes.h"

namespace breakwater::velero_test {
namespace {

using velero::Selection;

TEST(Rules, GlobsMatchAsVeleroReadsThem) {
  struct Case {
    std::string_view pattern, text;
    bool matches;
  };
  for (const Case& c : {Case{"*", "", true},
                        {"*", "shop", true},
                        {"shop-*", "shop-1", true},
                        {"shop-*", "shop", false},
                        {"s??p", "shop", true},
                        {"s?p", "shop", false},
                        {"*-a-*b", "x-a-a-bb", true},
                        {"", "", true},
                        {"", "a", false},
                        {"a*", "*", false},
                        {"a", "*", false}})
    EXPECT_EQ(velero::glob_matches(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
}

TEST(Rules, ASelectionThatContradictsItselfIsRefused) {
  struct Case {
    std::string_view spec, field;
  };
  for (const Case& c : {
           Case{"{labelSelector: {matchLabels: {a: b}}, orLabelSelectors: [{matchLabels: {c: d}}]}",
                "labelSelector"},
           {"{includedNamespaces: ['*', shop]}", "includedNamespaces"},
           {"{includedNamespaces: [shop], excludedNamespaces: [shop]}", "excludedNamespaces"},
           {"{includedNamespaces: [Shop_1]}", "Shop_1"},
           {"{includedResources: [pods], includedNamespaceScopedResources: [pods]}",
            "includedResources"},
           {"{labelSelector: {matchExpressions: [{key: a, operator: Near}]}}", "labelSelector"},
       }) {
    std::vector<std::string> errors;
    Selection::parse(parse_yaml(c.spec)->front(), errors);
    ASSERT_EQ(errors.size(), 1u) << c.spec;
    EXPECT_NE(errors[0].find(c.field), std::string::npos) << errors[0];
  }
}

TEST(Rules, KindsAreNamedByPluralGroupOrKind) {
  std::vector<std::string> errors;
  auto spec = parse_yaml("{includedResources: [virtualmachines.kubevirt.io, pods, secret]}");
  Selection selection = Selection::parse(spec->front(), errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_TRUE(selection.allows_kind(api::kVirtualMachine));
  EXPECT_TRUE(selection.allows_kind(api::kPod));
  EXPECT_TRUE(selection.allows_kind(api::kSecret));
  EXPECT_FALSE(selection.allows_kind(api::kConfigMap));
}

Object schedule_of(std::string_view created, std::string_view cron,
                   std::string_view status = "{}") {
  Object schedule = yaml_object(
      fmt::format("{{apiVersion: velero.io/v1, kind: Schedule, metadata: {{name: s, namespace: {}, "
                  "creationTimestamp: '{}'}}, spec: {{schedule: '{}'}}, status: {}}}",
                  kNs, created, cron, status));
  return schedule;
}

TEST(Rules, DueIsStrictlyAfterTheNextActivation) {
  struct Case {
    const char *cron, *status, *now, *due;
  };
  const char* created = "2025-11-21T04:05:00Z";
  for (const Case& c : {
           Case{"0 * * * *", "{}", "2025-11-21T05:00:00Z", ""},
           {"0 * * * *", "{}", "2025-11-21T05:00:01Z", "2025-11-21T05:00:00Z"},
           {"0 * * * *", "{}", "2025-11-21T08:30:00Z", "2025-11-21T08:00:00Z"},  // one, the latest
           {"0 * * * *", "{lastBackup: '2025-11-21T08:00:05Z'}", "2025-11-21T08:30:00Z", ""},
           {"0 * * * *", "{lastSkipped: '2025-11-21T08:00:05Z'}", "2025-11-21T08:30:00Z", ""},
           {"0 * * * *",
            "{lastBackup: '2025-11-21T09:00:05Z', lastSkipped: '2025-11-21T08:00:05Z'}",
            "2025-11-21T09:30:00Z", ""},
           {"@every 15s", "{}", "2025-11-21T04:05:15Z", ""},
           {"@every 15s", "{}", "2025-11-21T04:05:16Z", "2025-11-21T04:05:15Z"},
           {"0 0 30 2 *", "{}", "2030-11-21T04:05:16Z", ""},
       }) {
    Object schedule = schedule_of(created, c.cron, c.status);
    auto cron = velero::parse_schedule(schedule);
    ASSERT_TRUE(cron) << c.cron;
    auto due = velero::due_time(schedule, *cron, *parse_rfc3339(c.now));
    EXPECT_EQ(due.current ? format_rfc3339(*due.current) : "", c.due) << c.cron << " " << c.now;
  }
}

TEST(Rules, AScheduledBackupCarriesWhatVeleroCopies) {
  Object schedule = yaml_object(R"(
apiVersion: velero.io/v1
kind: Schedule
metadata:
  name: nightly
  namespace: openshift-adp
  uid: u-1
  labels: {from: schedule}
  annotations: {vm-uid: ns--vm}
spec:
  schedule: "@daily"
  useOwnerReferencesInBackup: true
  template: {ttl: 24h, includedNamespaces: [shop], futureField: 7})");
  Time activation = *parse_rfc3339("2025-11-21T03:04:05Z");
  Object backup = velero::make_scheduled_backup(schedule, activation);
  EXPECT_EQ(backup.name(), "nightly-20251121030405");
  EXPECT_EQ(backup.label("from"), "schedule");
  EXPECT_EQ(backup.label("velero.io/schedule-name"), "nightly");
  EXPECT_EQ(backup.annotation("vm-uid"), "ns--vm");
  EXPECT_EQ(backup.spec(), schedule.spec()["template"]);
  EXPECT_EQ(backup.controller_uid(), "u-1");

  schedule.set({"spec", "template", "metadata", "labels", "from"}, "template");
  schedule.erase({"spec", "useOwnerReferencesInBackup"});
  backup = velero::make_scheduled_backup(schedule, activation);
  EXPECT_EQ(backup.label("from"), "template");
  EXPECT_EQ(backup.controller_uid(), "");
}

TEST(Rules, EverythingAVmNeedsIsFollowed) {
  Object vm = yaml_object(R"(
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, namespace: shop}
spec:
  instancetype: {name: small, revisionName: rev-1}
  template:
    spec:
      accessCredentials:
      - sshPublicKey: {source: {secret: {secretName: ssh}}}
      - userPassword: {source: {secret: {secretName: password}}}
      volumes:
      - {name: a, persistentVolumeClaim: {claimName: claim}}
      - {name: b, dataVolume: {name: dv}}
      - {name: c, ephemeral: {persistentVolumeClaim: {claimName: base}}}
      - {name: d, configMap: {name: cm}}
      - {name: e, secret: {secretName: sec}}
      - {name: f, serviceAccount: {serviceAccountName: sa}}
      - {name: g, sysprep: {configMap: {name: unattend}}}
      - {name: h, cloudInitNoCloud: {secretRef: {name: init}, networkDataSecretRef: {name: net}}}
      - {name: i, memoryDump: {claimName: dump}}
      - {name: j, containerDisk: {image: none}}
status: {created: true})");
  std::set<std::string> found, data;
  for (const auto& related : velero::related_items(vm)) {
    found.insert(std::string(related.kind.kind) + "/" + related.key.name);
    EXPECT_EQ(related.key.ns, "shop");
    if (related.need == velero::Need::kData) data.insert(related.key.name);
  }
  EXPECT_EQ(found,
            (std::set<std::string>{
                "PersistentVolumeClaim/claim", "PersistentVolumeClaim/dv", "DataVolume/dv",
                "PersistentVolumeClaim/base", "ConfigMap/cm", "Secret/sec", "ServiceAccount/sa",
                "ConfigMap/unattend", "Secret/init", "Secret/net", "Secret/ssh", "Secret/password",
                "PersistentVolumeClaim/dump", "PersistentVolumeClaim/persistent-state-for-vm",
                "ControllerRevision/rev-1", "VirtualMachineInstance/vm"}));
  EXPECT_EQ(data, (std::set<std::string>{"claim", "dv", "base"}));
}

TEST(Rules, SnapshotClassesAreChosenInVelerosOrder) {
  auto make_class = [](std::string_view name, std::string_view driver, std::string_view mark) {
    return yaml_object(
        fmt::format("{{metadata: {{name: {}, {}}}, driver: {}}}", name,
                    mark == "label" ? "labels: {velero.io/csi-volumesnapshot-class: 'true'}"
                    : mark == "default"
                        ? "annotations: {snapshot.storage.kubernetes.io/is-default-class: 'true'}"
                        : "labels: {}",
                    driver));
  };
  Object backup, claim, asking;
  asking.set_annotation("velero.io/csi-volumesnapshot-class", "plain");
  velero::Findings findings;
  auto choose = [&](const Object& pvc, const std::vector<Object>& classes) {
    auto chosen = velero::choose_snapshot_class(backup, pvc, "d", classes, findings);
    return chosen ? *chosen : "error: " + chosen.error().message();
  };
  const Object plain = make_class("plain", "d", ""),
               labelled = make_class("labelled", "d", "label"),
               first = make_class("first", "d", "default"),
               second = make_class("second", "d", "default"),
               other = make_class("other", "e", "label");
  EXPECT_EQ(choose(claim, {plain, labelled, first, other}), "labelled");
  EXPECT_EQ(choose(claim, {plain, first, other}), "first");
  EXPECT_EQ(choose(claim, {plain, other}), "plain");
  EXPECT_EQ(choose(asking, {plain, labelled}), "plain");
  EXPECT_EQ(findings.warnings(), 0u);
  EXPECT_EQ(choose(claim, {first, second}), "first");
  EXPECT_EQ(findings.warnings(), 1u) << "several defaults warn, they do not fail";
  EXPECT_NE(choose(claim, {other}).find("driver d"), std::string::npos);
  EXPECT_NE(choose(asking, {labelled}).find("plain"), std::string::npos);
}

TEST(Rules, DerivedNamesFitAndDiffer) {
  std::string long_name(200, 'n');
  EXPECT_LE(velero::snapshot_name("b", long_name, "p").size(), 63u);
  EXPECT_NE(velero::snapshot_name("b", "disk", "p1"), velero::snapshot_name("b", "disk", "p2"));
  EXPECT_EQ(velero::data_upload_name("b", "u", "p"), velero::data_upload_name("b", "u", "p"));
  EXPECT_LE(velero::data_upload_name(long_name, "u", "p").size(), 63u);
  EXPECT_EQ(velero::derived_name("ends-with.", "x").find(".-"), std::string::npos);
  EXPECT_LE(velero::dynamic_pv_value("r", std::string(63, 'a'), long_name).size(), 63u);
}

TEST(Rules, FindingsSurviveTheFileAndAreToldOnce) {
  velero::Findings findings;
  findings.error("shop", "disk on fire");
  findings.error("shop", "disk on fire");
  findings.warning("", "several defaults");
  EXPECT_EQ(findings.errors(), 1u);
  velero::Findings again = velero::Findings::from_json(findings.to_json());
  again.error("shop", "disk on fire");
  EXPECT_EQ(again.to_json(), findings.to_json());
  EXPECT_EQ(findings.to_json()["errors"]["namespaces"]["shop"][0].as_string(), "disk on fire");
  EXPECT_EQ(findings.to_json()["warnings"]["cluster"].size(), 1u);
}

TEST(Rules, WhatADpaMayNotAskForIsNamed) {
  auto dpa_with = [](std::string_view more) {
    return yaml_object(fmt::format(R"(
metadata: {{name: dpa}}
spec:
  backupLocations:
  - velero: {{provider: aws, default: true, config: {{profile: default, region: us-east-1}},
              credential: {{key: cloud, name: cloud-credentials}},
              objectStorage: {{bucket: b, prefix: p}}}}
{})",
                                   more));
  };
  EXPECT_EQ(velero::check_dpa(dpa_with("  configuration: {restic: {enable: false}}")), "");
  EXPECT_EQ(velero::check_dpa(
                dpa_with("  configuration: {nodeAgent: {enable: true, uploaderType: kopia}}")),
            "");
  EXPECT_NE(velero::check_dpa(dpa_with("  configuration: {restic: {enable: true}}"))
                .find("spec.configuration.restic.enable"),
            std::string::npos);
  EXPECT_NE(velero::check_dpa(dpa_with("  snapshotLocations: [{velero: {provider: aws}}]"))
                .find("spec.snapshotLocations"),
            std::string::npos);
  EXPECT_NE(velero::check_dpa(yaml_object("{spec: {}}")).find("spec.backupLocations"),
            std::string::npos);
  EXPECT_NE(velero::check_dpa(yaml_object("{spec: {backupLocations: [{velero: {provider: aws}}]}}"))
                .find("bucket"),
            std::string::npos);
}

TEST(Rules, VolumesComeBeforeMachines) {
  EXPECT_LT(velero::restore_priority("persistentvolumeclaims"),
            velero::restore_priority("secrets"));
  EXPECT_LT(velero::restore_priority("secrets"), velero::restore_priority("configmaps"));
  EXPECT_LT(velero::restore_priority("configmaps"),
            velero::restore_priority("virtualmachines.kubevirt.io"));
}

}  // namespace
}  // namespace breakwater::velero_test
