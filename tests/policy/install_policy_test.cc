// From a cluster's configuration to what is installed on it, and what is wrong.
#include "policy/install_policy.h"

#include <gtest/gtest.h>

#include "tests/policy/install_fixtures.h"

namespace breakwater::policy {
namespace {

using namespace fixtures;
using Names = std::vector<std::string>;

namespace install_cases {

std::string violations(const Evaluation& evaluation) {
  std::string text;
  for (const Finding& finding : evaluation.findings) {
    if (finding.weight != Finding::Weight::kViolation) continue;
    text += finding.reason + ": " + finding.message + "\n";
  }
  return text;
}

kube::Object subscription(const std::string& ns, const std::string& channel, bool ours) {
  kube::Object object =
      kube::Object::make(api::kSubscription, {ns, "redhat-oadp-operator-subscription"});
  object.set({"metadata", "uid"}, "uid-sub");
  object.set({"metadata", "creationTimestamp"}, "2026-11-21T10:00:00Z");
  if (ours) object.set_annotation(api::kCreatedByAnnotation, "cls1/acm-dr-virt-install");
  object.set({"spec", "name"}, "redhat-oadp-operator");
  object.set({"spec", "channel"}, channel);
  object.set({"status", "installedCSV"}, "oadp-operator.v1.4.0");
  return object;
}

kube::Object service_version(const std::string& phase) {
  kube::Object object =
      kube::Object::make(api::kClusterServiceVersion, {"oadp-ns", "oadp-operator.v1.4.0"});
  object.set({"status", "phase"}, phase);
  return object;
}

InstallInputs with_oadp(std::map<std::string, std::string> config) {
  InstallInputs in = installed(std::move(config));
  in.serves_olm = true;
  in.openshift_version = "4.16.3";
  kube::Object group = kube::Object::make(api::kOperatorGroup, {"oadp-ns", "group"});
  group.set({"spec", "targetNamespaces"}, Json::array({"oadp-ns"}));
  in.operator_groups = {group};
  in.subscriptions = {subscription("oadp-ns", "stable-1.4", true)};
  in.service_versions = {service_version("Succeeded")};
  return in;
}

}  // namespace install_cases

using namespace install_cases;

TEST(InstallPolicy, TheSampleInstallsTheBuiltinEngine) {
  const auto evaluation = evaluate_install(install_inputs(sample_config()));
  EXPECT_EQ(
      desired_names(evaluation),
      (Names{"Namespace oadp-ns", "ConfigMap oadp-ns/acm-dr-virt-config--cls",
             "ConfigMap oadp-ns/acm-dr-virt-schedule-cron--cls", "Secret oadp-ns/cloud-credentials",
             "Secret oadp-ns/dm-credential", "DataProtectionApplication oadp-ns/dpa-hub"}));
  EXPECT_EQ(violations(evaluation), "");
  const kube::Object& dpa = evaluation.desired.back().object;
  const Json& velero = dpa.spec()["backupLocations"][0]["velero"];
  EXPECT_EQ(velero["objectStorage"]["prefix"].as_string(), "hub-a/cluster-1");
  EXPECT_EQ(velero["provider"].as_string(), "aws");
  EXPECT_TRUE(velero["default"].as_bool());
  EXPECT_EQ(
      dpa.spec()["configuration"]["velero"]["podConfig"]["resourceAllocations"]["limits"]["cpu"]
          .as_string(),
      "2");
  const Finding* note = find_reason(evaluation, "NotUsed");
  ASSERT_NE(note, nullptr);
  EXPECT_EQ(note->weight, Finding::Weight::kNotice);
  EXPECT_NE(note->message.find("uploaderType kopia"), std::string::npos);
  // The namespace may hold what others made, so it bears no mark by which it could be removed.
  EXPECT_TRUE(evaluation.desired.front().at_creation.is_null());
  EXPECT_EQ(find(evaluation, api::kSecret, "cloud-credentials")->object["data"]["cloud"],
            hub_secret_copy()["data"]["cloud"]);
  EXPECT_EQ(find(evaluation, api::kSecret, "dm-credential")->object["data"].size(), 1u);
}

TEST(InstallPolicy, TheSampleInstallsOadp) {
  InstallInputs in = install_inputs(sample_config());
  in.serves_olm = true;
  const auto evaluation = evaluate_install(in);
  EXPECT_EQ(
      desired_names(evaluation),
      (Names{"Namespace oadp-ns", "ConfigMap oadp-ns/acm-dr-virt-config--cls",
             "ConfigMap oadp-ns/acm-dr-virt-schedule-cron--cls",
             "OperatorGroup oadp-ns/redhat-oadp-operator-group",
             "Subscription oadp-ns/redhat-oadp-operator-subscription",
             "Secret oadp-ns/cloud-credentials", "DataProtectionApplication oadp-ns/dpa-hub"}));
  EXPECT_EQ(violations(evaluation), "");
  EXPECT_EQ(find_reason(evaluation, "NotUsed"), nullptr);
  EXPECT_EQ(
      to_json(
          find(evaluation, api::kSubscription, "redhat-oadp-operator-subscription")->object.spec()),
      R"({"channel":"stable-1.4","installPlanApproval":"Automatic",)"
      R"("name":"redhat-oadp-operator","source":"redhat-operators",)"
      R"("sourceNamespace":"openshift-marketplace"})");
  EXPECT_EQ(to_json(find(evaluation, api::kOperatorGroup, "redhat-oadp-operator-group")
                        ->object.spec()["targetNamespaces"]),
            R"(["oadp-ns"])");
  // One bucket and prefix is the admin's affair here, unless prefixPerCluster says otherwise.
  EXPECT_EQ(evaluation.desired.back()
                .object.spec()["backupLocations"][0]["velero"]["objectStorage"]["prefix"]
                .as_string(),
            "hub-a");
}

TEST(InstallPolicy, ACompleteClusterIsCompliant) {
  EXPECT_EQ(violations(evaluate_install(installed(sample_config()))), "");
  const auto oadp = evaluate_install(with_oadp(sample_config()));
  EXPECT_EQ(violations(oadp), "");
  EXPECT_EQ(oadp.pending, "");
}

TEST(InstallPolicy, WhateverIsMissingOrWrongIsNamedAndTakesNothingAway) {
  struct Case {
    const char* name;
    std::map<std::string, std::string> changes;  // "" takes the key away
    const char* reason;
    const char* says;
  };
  const Case cases[] = {
      {"no namespace", {{"backupNS", ""}}, "InvalidValue", "backupNS is \"\""},
      {"no namespace name", {{"backupNS", "Oadp_NS"}}, "InvalidValue", "backupNS is \"Oadp_NS\""},
      {"unknown engine", {{"engine", "velero"}}, "InvalidValue", "\"builtin\" or \"oadp\""},
      {"no name", {{"dpa_name", ""}}, "InvalidValue", "dpa_name is \"\""},
      {"no spec", {{"dpa_spec", ""}}, "InvalidValue", "dpa_spec is missing"},
      {"no YAML", {{"dpa_spec", "{a: [1, }"}}, "InvalidValue", "dpa_spec is not YAML"},
      {"no mapping", {{"dpa_spec", "[1, 2]"}}, "InvalidValue", "dpa_spec must be one mapping"},
      {"no locations", {{"dpa_spec", "{a: 1}"}}, "InvalidValue", "backupLocations"},
      {"no provider",
       {{"dpa_spec", "{backupLocations: [{velero: {objectStorage: {bucket: b}}}]}"}},
       "InvalidValue",
       "backupLocations[0].velero.provider must be given"},
      {"no bucket",
       {{"dpa_spec", "{backupLocations: [{velero: {provider: aws}}]}"}},
       "InvalidValue",
       "backupLocations[0].velero.objectStorage.bucket must be given"},
      {"no Secret's name", {{"credentials_name", ""}}, "InvalidValue", "credentials_name"},
      {"no flag", {{"prefixPerCluster", "yes"}}, "InvalidValue", "prefixPerCluster is \"yes\""},
      {"no such location",
       {{"storageLocation", "elsewhere"}},
       "InvalidValue",
       "storageLocation names \"elsewhere\""},
  };
  for (const Case& c : cases) {
    auto config = sample_config();
    for (const auto& [key, value] : c.changes) {
      config[key] = value;
      if (value.empty()) config.erase(key);
    }
    const auto evaluation = evaluate_install(installed(config));
    const Finding* finding = find_reason(evaluation, c.reason);
    ASSERT_NE(finding, nullptr) << c.name;
    EXPECT_NE(finding->message.find(c.says), std::string::npos)
        << c.name << ": " << finding->message;
    EXPECT_EQ(finding->object.to_string(), "acm/acm-virt-config-14") << c.name;
    EXPECT_TRUE(evaluation.unwanted.empty()) << c.name;
  }
}

TEST(InstallPolicy, MultiLineSpecsAreReadAsYaml) {
  auto config = sample_config();
  config["dpa_spec"] =
      "backupLocations:\n- velero:\n    provider: aws\n    default: true\n"
      "    objectStorage:\n      bucket: b\n";
  const auto evaluation = evaluate_install(installed(config));
  EXPECT_EQ(violations(evaluation), "");
  EXPECT_EQ(find(evaluation, api::kDataProtectionApplication, "dpa-hub")
                ->object.spec()["backupLocations"][0]["velero"]["objectStorage"]["prefix"]
                .as_string(),
            "cluster-1");
}

TEST(InstallPolicy, OnlyWhatIsWrittenGetsThePrefixOfTheCluster) {
  auto config = sample_config();
  config["dpa_spec"] =
      "{backupLocations: [{velero: {provider: aws, default: true, objectStorage: {bucket: b, "
      "prefix: a/}}}, {velero: {provider: aws, accessMode: ReadOnly, objectStorage: {bucket: b, "
      "prefix: other}}}]}";
  const auto prefix = [&](const char* flag, int n) {
    config["prefixPerCluster"] = flag;
    const auto evaluation = evaluate_install(installed(config));
    return find(evaluation, api::kDataProtectionApplication, "dpa-hub")
        ->object.spec()["backupLocations"][n]["velero"]["objectStorage"]["prefix"]
        .as_string();
  };
  EXPECT_EQ(prefix("", 0), "a/cluster-1");
  EXPECT_EQ(prefix("true", 0), "a/cluster-1");
  EXPECT_EQ(prefix("false", 0), "a/");
  EXPECT_EQ(prefix("true", 1), "other");
}

TEST(InstallPolicy, WhatTheEngineReportsIsReported) {
  struct Case {
    const char* name;
    const char* reconciled;
    const char* phase;
    const char* created;
    const char* reason;
    Finding::Weight weight;
  };
  const auto wrong = Finding::Weight::kViolation, not_yet = Finding::Weight::kPending;
  const Case cases[] = {
      {"refused", "False", "Available", "2026-11-21T10:00:00Z", "NotReconciled", wrong},
      {"just made", "", "Available", "2026-11-21T11:59:00Z", "NotReconciled", not_yet},
      {"never looked at", "", "Available", "2026-11-21T10:00:00Z", "NotReconciled", wrong},
      {"no bucket", "True", "Unavailable", "2026-11-21T10:00:00Z", "NotAvailable", wrong},
      {"location is new", "True", "", "2026-11-21T11:59:00Z", "NotAvailable", not_yet},
  };
  for (const Case& c : cases) {
    InstallInputs in = installed(sample_config());
    in.applications = {application("dpa-hub", c.reconciled)};
    in.locations = {location_of(in.applications[0], c.phase)};
    for (kube::Object* object : {&in.applications[0], &in.locations[0]}) {
      object->set({"metadata", "creationTimestamp"}, c.created);
    }
    const auto evaluation = evaluate_install(in);
    const Finding* finding = find_reason(evaluation, c.reason);
    ASSERT_NE(finding, nullptr) << c.name;
    EXPECT_EQ(finding->weight, c.weight) << c.name << ": " << finding->message;
  }
}

TEST(InstallPolicy, ALocationThatTheApplicationDoesNotOwnIsNotItsLocation) {
  // B26
  InstallInputs in = installed(sample_config());
  in.locations[0].erase({"metadata", "ownerReferences"});
  EXPECT_NE(find_reason(evaluate_install(in), "NoDefaultLocation"), nullptr);
}

TEST(InstallPolicy, FieldsOfOthersStayAndFieldsTakenOutGo) {
  // B32
  InstallInputs in = installed(sample_config());
  in.applications[0].set_annotation(api::kAppliedAnnotation,
                                    R"({"configuration":{"velero":{"logLevel":"debug"}},"old":1})");
  const auto evaluation = evaluate_install(in);
  const Desired* dpa = find(evaluation, api::kDataProtectionApplication, "dpa-hub");
  ASSERT_TRUE(dpa->whole.empty());
  EXPECT_NE(dpa->object.spec().find("old"), nullptr);
  EXPECT_TRUE(dpa->object.spec()["old"].is_null());
  EXPECT_TRUE(dpa->object.spec()["configuration"]["velero"].has("logLevel"));
  EXPECT_FALSE(dpa->object.spec().has("somebodyElses"));
}

TEST(InstallPolicy, ARepositoryPasswordIsNeverOverwritten) {
  InstallInputs in = installed(sample_config());
  in.secrets[0].set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes("older")));
  const auto evaluation = evaluate_install(in);
  EXPECT_EQ(find(evaluation, api::kSecret, "dm-credential"), nullptr);
  const Finding* finding = find_reason(evaluation, "PasswordDiffers");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->object.to_string(), "oadp-ns/dm-credential");
  EXPECT_EQ(finding->message.find("older"), std::string::npos);

  in = install_inputs(sample_config());
  in.credentials->erase({"data", api::kRepositoryPasswordKey});
  const auto without = evaluate_install(in);
  EXPECT_NE(find_reason(without, "MissingPassword"), nullptr);
}

TEST(InstallPolicy, ChannelsFollowTheVersionOfTheCluster) {
  // B29
  const std::pair<const char*, const char*> cases[] = {
      {"4.11.9", "stable-1.3"}, {"4.12.0", "stable-1.3"}, {"4.13.1", "stable-1.4"},
      {"4.18.2", "stable-1.4"}, {"4.19.0", "stable"},     {"4.20.4", "stable"},
      {"5.0.0", "stable"},      {"", "stable"},           {"nightly", "stable"},
  };
  for (const auto& [version, channel] : cases) EXPECT_EQ(channel_for(version), channel) << version;
}

TEST(InstallPolicy, AnotherChannelNeverDeletesAnything) {
  // B28
  auto config = sample_config();
  config["channel"] = "stable-1.5";
  InstallInputs in = with_oadp(config);
  const auto ours = evaluate_install(in);
  EXPECT_TRUE(ours.unwanted.empty());
  EXPECT_EQ(violations(ours), "");
  EXPECT_EQ(find(ours, api::kSubscription, "redhat-oadp-operator-subscription")
                ->object.spec()["channel"]
                .as_string(),
            "stable-1.5");
  EXPECT_NE(find(ours, api::kDataProtectionApplication, "dpa-hub"), nullptr);

  in.subscriptions = {subscription("oadp-ns", "stable-1.4", false)};
  const auto others = evaluate_install(in);
  EXPECT_TRUE(others.unwanted.empty());
  EXPECT_EQ(find(others, api::kSubscription, "redhat-oadp-operator-subscription"), nullptr);
  EXPECT_NE(find_reason(others, "OtherChannel"), nullptr);
  EXPECT_NE(find(others, api::kDataProtectionApplication, "dpa-hub"), nullptr);
}

TEST(InstallPolicy, AnOperatorThatWasThereIsUsed) {
  // B27, B31, B33
  InstallInputs in = with_oadp(sample_config());
  in.subscriptions = {subscription("oadp-ns", "stable-1.4", false)};
  const auto evaluation = evaluate_install(in);
  EXPECT_EQ(violations(evaluation), "");
  EXPECT_EQ(find(evaluation, api::kOperatorGroup, "group"), nullptr);

  in.operator_groups[0].set({"spec", "targetNamespaces"}, Json::array({"oadp-ns", "more"}));
  EXPECT_NE(find_reason(evaluate_install(in), "WrongTarget"), nullptr);

  in.subscriptions = {subscription("elsewhere", "stable-1.4", false)};
  const auto second = evaluate_install(in);
  const Finding* finding = find_reason(second, "OtherNamespace");
  ASSERT_NE(finding, nullptr);
  EXPECT_NE(finding->message.find("backupNS to elsewhere"), std::string::npos) << finding->message;
  EXPECT_EQ(find(second, api::kSubscription, "redhat-oadp-operator-subscription"), nullptr);
}

TEST(InstallPolicy, AFailedOperatorIsAViolation) {
  InstallInputs in = with_oadp(sample_config());
  in.service_versions = {service_version("Failed")};
  EXPECT_NE(find_reason(evaluate_install(in), "NotInstalled"), nullptr);
  in.service_versions.clear();
  EXPECT_NE(find_reason(evaluate_install(in), "Missing"), nullptr);
  in.subscriptions[0].erase({"status"});
  in.subscriptions[0].set({"spec", "installPlanApproval"}, "Manual");
  EXPECT_NE(violations(evaluate_install(in)).find("InstallPlan"), std::string::npos);
}

TEST(InstallPolicy, OnAHubNothingIsInstalled) {
  // B17: what OADP needs for VMs is added, and nothing else touched.
  InstallInputs in = with_oadp(sample_config());
  in.is_hub = true;
  const std::string ns(api::kHubNamespace);
  in.subscriptions = {subscription(ns, "stable-1.4", false)};
  kube::Object dpa = application("the-hubs", "True");
  dpa.set({"metadata", "namespace"}, ns);
  dpa.set({"spec", "configuration", "velero", "defaultPlugins"}, Json::array({"aws", "openshift"}));
  in.applications = {dpa};
  in.locations = {location_of(dpa, "Available")};
  const auto evaluation = evaluate_install(in);
  EXPECT_EQ(desired_names(evaluation), (Names{"ConfigMap " + ns + "/acm-dr-virt-config--cls",
                                              "ConfigMap " + ns + "/acm-dr-virt-schedule-cron--cls",
                                              "DataProtectionApplication " + ns + "/the-hubs"}));
  EXPECT_EQ(violations(evaluation), "");
  const Desired& patch = evaluation.desired.back();
  EXPECT_EQ(patch.mode, Desired::Mode::kPatch);
  EXPECT_EQ(to_json(patch.object.spec()["configuration"]),
            R"({"velero":{"defaultPlugins":["aws","openshift","csi","kubevirt"]},)"
            R"("nodeAgent":{"enable":true,"uploaderType":"kopia"}})");

  in.applications.clear();
  in.locations.clear();
  in.subscriptions.clear();
  const auto without = evaluate_install(in);
  EXPECT_NE(find_reason(without, "Missing"), nullptr);
  EXPECT_EQ(find(without, api::kSubscription, "redhat-oadp-operator-subscription"), nullptr);
}

TEST(InstallPolicy, RemovalTakesWhatThePolicyMade) {
  InstallInputs in = installed(sample_config());
  in.policy.set_annotation(api::kRemovalAnnotation, "disabled");
  in.made = {{api::kDataProtectionApplication, {"oadp-ns", "dpa-hub"}, "uid-dpa-hub", true}};
  const auto evaluation = evaluate_install(in);
  EXPECT_TRUE(evaluation.desired.empty());
  EXPECT_EQ(evaluation.removal, "disabled");
  EXPECT_EQ(evaluation.unwanted.size(), 1u);
  EXPECT_FALSE(evaluation.pending.empty());
  in.made.clear();
  EXPECT_EQ(evaluate_install(in).pending, "");

  auto config = sample_config();
  config["uninstall"] = "true";
  const auto uninstalled = evaluate_install(installed(config));
  EXPECT_TRUE(uninstalled.desired.empty());
  EXPECT_EQ(uninstalled.removal, "uninstalled");
}

}  // namespace
}  // namespace breakwater::policy
