// From placed Policies to replicas with the cluster's configuration, and back.
#include <gtest/gtest.h>

#include "tests/policy/hub_world.h"

namespace breakwater::policy::hub_tests {
namespace {

Json config_data() {
  return Json::object({{"backupNS", "oadp-ns"},
                       {"credentials_hub_secret_name", "hub-secret"},
                       {"credentials_name", "cloud-credentials"},
                       {"schedule_hub_config_name", "schedule-cron"},
                       {"restore_hub_config_name", "restore-config"}});
}

// A hub with everything in place, and no cluster yet.
void furnish_hub(HubWorld& world) {
  world.place_virt_policies();
  world.config_map("cfg", config_data());
  world.config_map("schedule-cron", Json::object({{"daily", "0 8 * * *"}}));
  world.config_map("restore-config", Json::object());
  world.secret("hub-secret", Json::object({{"cloud", "k3y"}, {"RESTIC_PASSWORD", "pw0rd"}}));
}

std::vector<std::string> reasons(const Json& spec) {
  std::vector<std::string> list;
  for (const Json& finding : spec["hubFindings"].items()) {
    list.push_back(finding["reason"].as_string());
  }
  return list;
}

TEST(HubPropagation, LabelledClusterGetsItsPoliciesFilled) {
  HubWorld world;
  furnish_hub(world);
  world.add_cluster("cls1", "cfg", "id-1");
  world.add_cluster("cls2", "(none)", "id-2");
  world.settle();
  EXPECT_EQ(world.decided("virt"), std::set<std::string>{"cls1"});
  const kube::Object replica = world.replica("cls1", "install");
  EXPECT_EQ(replica.label(api::kRootPolicyLabel), "policies.install");
  EXPECT_EQ(replica.label(api::kPolicyClusterNameLabel), "cls1");
  EXPECT_EQ(replica.label(api::kPolicyClusterNamespaceLabel), "cls1");
  const Json install = world.template_spec("cls1", "install");
  EXPECT_EQ(install["clusterName"].as_string(), "cls1");
  EXPECT_EQ(install["policyNamespace"].as_string(), kPolicyNs);
  EXPECT_EQ(install["configName"].as_string(), "cfg");
  EXPECT_EQ(install["config"], config_data());
  EXPECT_EQ(install["crons"]["daily"].as_string(), "0 8 * * *");
  EXPECT_EQ(install["credentials"]["name"].as_string(), "hub-secret");
  EXPECT_TRUE(reasons(install).empty());
  EXPECT_TRUE(reasons(world.template_spec("cls1", "backup")).empty());
  EXPECT_EQ(world.template_spec("cls1", "restore")["restore"], Json::object());
  EXPECT_FALSE(world.has_replica("cls2", "install"));
  const kube::Object placement = world.get(api::kPlacement, {kPolicyNs, "virt"});
  EXPECT_EQ(placement.status()["numberOfSelectedClusters"].as_int(), 1);
  EXPECT_EQ(kube::find_condition(placement, "PlacementSatisfied")["status"].as_string(), "True");
}

TEST(HubPropagation, SecretIsCopiedAndItsValuesAreNowhereElse) {
  HubWorld world;
  furnish_hub(world);
  world.add_cluster("cls1", "cfg", "id-1");
  world.settle();
  const kube::Object copy = world.get(api::kSecret, {"cls1", "hub-secret"});
  const kube::Object original = world.get(api::kSecret, {kPolicyNs, "hub-secret"});
  EXPECT_EQ(copy["data"], original["data"]);
  EXPECT_EQ(copy.label(api::kManagedByLabel), api::kManagedBy);
  const std::string hash =
      world.template_spec("cls1", "install")["credentials"]["hash"].as_string();
  EXPECT_EQ(copy.annotation(api::kContentHashAnnotation), hash);

  world.edit(api::kSecret, {kPolicyNs, "hub-secret"}, false, [](kube::Object& secret) {
    secret.set({"stringData"}, Json::object({{"cloud", "n3w-k3y"}}));
  });
  world.run_for(std::chrono::seconds(15));
  EXPECT_EQ(world.get(api::kSecret, {"cls1", "hub-secret"})["data"],
            world.get(api::kSecret, {kPolicyNs, "hub-secret"})["data"]);
  EXPECT_NE(world.template_spec("cls1", "install")["credentials"]["hash"].as_string(), hash);

  std::string everything;
  for (const kube::Kind& kind : {api::kPolicy, api::kPolicySet, api::kEvent, api::kPlacement}) {
    const auto objects = world.client->list(kind, "");
    for (const kube::Object& object : *objects) {
      everything += to_json(object.json());
    }
  }
  for (const std::string& line : world.sink->lines()) everything += line;
  for (const char* value : {"k3y", "pw0rd"}) {
    EXPECT_EQ(everything.find(value), std::string::npos) << value;
    EXPECT_EQ(everything.find(to_base64(as_bytes(value))), std::string::npos) << value;
  }
}

TEST(HubPropagation, RepositoryPasswordIsGeneratedOnceAndHasToBeEscrowed) {
  HubWorld world;
  furnish_hub(world);
  world.remove(api::kSecret, {kPolicyNs, "hub-secret"});
  world.secret("hub-secret", Json::object({{"cloud", "k3y"}}));
  world.add_cluster("cls1", "cfg", "id-1");
  world.add_cluster("cls2", "cfg", "id-2");
  world.run_for(std::chrono::seconds(30));
  const kube::Object secret = world.get(api::kSecret, {kPolicyNs, "hub-secret"});
  const std::string password = secret["data"][api::kRepositoryPasswordKey].as_string();
  ASSERT_FALSE(password.empty());
  EXPECT_TRUE(secret.has_label(api::kHubBackupLabel));
  for (const char* cluster : {"cls1", "cls2"}) {
    EXPECT_EQ(world.get(api::kSecret, {cluster, "hub-secret"})["data"], secret["data"]);
    // Said where it does not keep the first backup from being made.
    EXPECT_TRUE(reasons(world.template_spec(cluster, "install")).empty());
    EXPECT_EQ(reasons(world.template_spec(cluster, "backup")),
              std::vector<std::string>{"PasswordNotEscrowed"});
  }
  Json data = config_data();
  data.set("passwordEscrowed", "true");
  world.config_map("cfg", data);
  world.settle();
  EXPECT_TRUE(reasons(world.template_spec("cls1", "backup")).empty());

  // Lost later, it is not made anew: the repositories could not be opened with another one.
  world.edit(api::kSecret, {kPolicyNs, "hub-secret"}, false, [](kube::Object& object) {
    object.erase({"data", api::kRepositoryPasswordKey});
  });
  world.run_for(std::chrono::seconds(30));
  EXPECT_FALSE(
      world.get(api::kSecret, {kPolicyNs, "hub-secret"})["data"].has(api::kRepositoryPasswordKey));
  EXPECT_EQ(reasons(world.template_spec("cls1", "install")),
            std::vector<std::string>{"RepositoryPasswordMissing"});
  EXPECT_EQ(world.get(api::kSecret, {"cls1", "hub-secret"})["data"], secret["data"]);
}

TEST(HubPropagation, MissingConfigurationFreezesAndComesBack) {
  HubWorld world;
  furnish_hub(world);
  world.add_cluster("cls1", "cfg", "id-1");
  world.settle();
  const Json good = world.template_spec("cls1", "backup");
  world.remove(api::kConfigMap, {kPolicyNs, "cfg"});
  world.remove(api::kConfigMap, {kPolicyNs, "schedule-cron"});
  world.remove(api::kSecret, {kPolicyNs, "hub-secret"});
  world.run_for(std::chrono::minutes(10));
  const Json backup = world.template_spec("cls1", "backup");
  EXPECT_EQ(backup["config"], good["config"]);
  EXPECT_EQ(backup["crons"], good["crons"]);
  EXPECT_EQ(reasons(backup),
            (std::vector<std::string>{"ConfigurationMissing", "ConfigMapMissing"}));
  const Json install = world.template_spec("cls1", "install");
  EXPECT_EQ(install["credentials"]["name"].as_string(), "hub-secret");
  EXPECT_EQ(reasons(install), (std::vector<std::string>{"ConfigurationMissing", "ConfigMapMissing",
                                                        "SecretMissing"}));
  EXPECT_TRUE(world.exists(api::kSecret, {"cls1", "hub-secret"}));
  world.config_map("cfg", config_data());
  world.config_map("schedule-cron", Json::object({{"daily", "0 9 * * *"}}));
  world.settle();
  EXPECT_EQ(world.template_spec("cls1", "backup")["crons"]["daily"].as_string(), "0 9 * * *");
}

TEST(HubPropagation, AnotherSecretReplacesTheCopy) {
  HubWorld world;
  furnish_hub(world);
  world.secret("other", Json::object({{"cloud", "x"}, {"RESTIC_PASSWORD", "y"}}));
  world.add_cluster("cls1", "cfg", "id-1");
  world.settle();
  Json data = config_data();
  data.set("credentials_hub_secret_name", "other");
  world.config_map("cfg", data);
  world.settle();
  EXPECT_EQ(world.template_spec("cls1", "install")["credentials"]["name"].as_string(), "other");
  EXPECT_TRUE(world.exists(api::kSecret, {"cls1", "other"}));
  EXPECT_FALSE(world.exists(api::kSecret, {"cls1", "hub-secret"}));
}

TEST(HubPropagation, SecretOfTheClustersNamespaceIsNotTaken) {
  HubWorld world;
  furnish_hub(world);
  world.add_cluster("cls1", "cfg", "id-1");
  kube::Object own = kube::Object::make(api::kSecret, {"cls1", "hub-secret"});
  own.set({"stringData"}, Json::object({{"a", "b"}}));
  world.create(api::kSecret, own);
  world.settle();
  const Json install = world.template_spec("cls1", "install");
  EXPECT_EQ(reasons(install), std::vector<std::string>{"SecretNotCopied"});
  EXPECT_FALSE(install.has("credentials"));
  EXPECT_TRUE(world.get(api::kSecret, {"cls1", "hub-secret"})["data"].has("a"));
}

TEST(HubPropagation, EditedAndDeletedReplicasComeBack) {
  HubWorld world;
  furnish_hub(world);
  world.add_cluster("cls1", "cfg", "id-1");
  world.settle();
  world.edit(api::kPolicy, {"cls1", "policies.backup"}, false, [](kube::Object& policy) {
    policy.set({"spec", "disabled"}, true);
  });
  world.remove(api::kPolicy, {"cls1", "policies.install"});
  world.settle();
  EXPECT_FALSE(world.replica("cls1", "backup").spec()["disabled"].as_bool(true));
  EXPECT_EQ(world.template_spec("cls1", "install")["clusterName"].as_string(), "cls1");
}

TEST(HubPropagation, StatusGoesUpToPolicyAndSet) {
  HubWorld world;
  furnish_hub(world);
  for (const char* cluster : {"cls1", "cls2"}) world.add_cluster(cluster, "cfg", cluster);
  world.settle();
  const auto set = [&] { return world.get(api::kPolicySet, {kPolicyNs, "backup-set"}); };
  EXPECT_FALSE(set().status().has("compliant"));
  EXPECT_EQ(set().status()["statusMessage"].as_string(),
            "No status provided while awaiting policy status: install, backup");
  for (const char* cluster : {"cls1", "cls2"}) {
    for (const char* policy : {"install", "backup", "restore"}) {
      world.report(cluster, policy, "Compliant");
    }
  }
  world.report("cls2", "backup", "Pending");
  world.settle();
  const kube::Object backup = world.get(api::kPolicy, {kPolicyNs, "backup"});
  EXPECT_EQ(backup.status()["compliant"].as_string(), "Pending");
  EXPECT_EQ(backup.status()["status"][0]["clustername"].as_string(), "cls1");
  EXPECT_EQ(backup.status()["status"][0]["compliant"].as_string(), "Compliant");
  EXPECT_EQ(backup.status()["status"][1]["compliant"].as_string(), "Pending");
  EXPECT_EQ(backup.status()["placement"][0]["policySet"].as_string(), "backup-set");
  EXPECT_EQ(set().status()["compliant"].as_string(), "Pending");
  EXPECT_EQ(set().status()["statusMessage"].as_string(),
            "Policies awaiting pending dependencies: backup");
  world.report("cls2", "backup", "NonCompliant");
  world.settle();
  EXPECT_EQ(set().status()["compliant"].as_string(), "NonCompliant");
  EXPECT_EQ(set().status()["statusMessage"].as_string(), "All policies are reporting status");
  EXPECT_EQ(
      world.get(api::kPolicySet, {kPolicyNs, "restore-set"}).status()["compliant"].as_string(),
      "Compliant");
}

TEST(HubPropagation, RootStatusIsWrittenInBatches) {
  HubWorld world;
  furnish_hub(world);
  for (int i = 0; i < 30; ++i) world.add_cluster(fmt::format("c{:02}", i), "cfg");
  world.run_for(std::chrono::seconds(10));
  const auto version = [&] {
    return world.get(api::kPolicy, {kPolicyNs, "backup"}).resource_version();
  };
  std::set<std::string> versions{version()};
  for (int i = 0; i < 30; ++i) {
    world.report(fmt::format("c{:02}", i), "backup", "Compliant");
    world.run_for(std::chrono::milliseconds(10), [&] { versions.insert(version()); });
  }
  world.run_for(std::chrono::seconds(3), [&] { versions.insert(version()); });
  EXPECT_EQ(world.get(api::kPolicy, {kPolicyNs, "backup"}).status()["compliant"].as_string(),
            "Compliant");
  EXPECT_LE(versions.size(), 4u);
}

TEST(HubPropagation, BindingMayEnforceWhatThePolicyOnlyInforms) {
  HubWorld world;
  furnish_hub(world);
  world.edit(api::kPolicy, {kPolicyNs, "backup"}, false, [](kube::Object& policy) {
    policy.set({"spec", "remediationAction"}, "inform");
  });
  world.add_cluster("cls1", "cfg", "id-1");
  world.settle();
  const auto action = [&] {
    return world.replica("cls1", "backup").spec()["remediationAction"].as_string();
  };
  EXPECT_EQ(action(), "inform");
  world.apply(api::kPlacementBinding, R"(
apiVersion: policy.open-cluster-management.io/v1
kind: PlacementBinding
metadata: {name: override, namespace: policies}
placementRef: {apiGroup: cluster.open-cluster-management.io, kind: Placement, name: virt}
subjects: [{apiGroup: policy.open-cluster-management.io, kind: Policy, name: backup}]
bindingOverrides: {remediationAction: enforce}
subFilter: restricted
)");
  world.settle();
  EXPECT_EQ(action(), "enforce");
}

}  // namespace
}  // namespace breakwater::policy::hub_tests
