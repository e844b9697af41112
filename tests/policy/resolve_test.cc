// What a cluster gets to see of a Policy. Names in brackets are defects of the original.
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/restore_keys.h"
#include "tests/policy/hub_world.h"

namespace breakwater::policy::hub_tests {
namespace {

kube::Object data_map(const std::string& name, const Json& data) {
  kube::Object map = kube::Object::make(api::kConfigMap, {kPolicyNs, name});
  map.set({"data"}, data);
  return map;
}

kube::Object labelled_cluster(const std::string& name, const std::string& config) {
  kube::Object cluster = kube::Object::make(api::kManagedCluster, {"", name});
  if (config != "(none)") cluster.set_label(api::kVirtConfigLabel, config);
  cluster.set({"status", "clusterClaims"},
              Json::array({Json::object({{"name", "id.k8s.io"}, {"value", "id-" + name}})}));
  return cluster;
}

ResolveInputs complete_inputs(const char* kind) {
  ResolveInputs inputs;
  inputs.root = virt_policy("p", kind);
  inputs.cluster = labelled_cluster("cls1", "cfg");
  inputs.config_maps = {data_map("cfg", Json::object({{"credentials_hub_secret_name", "hub-secret"},
                                                      {"schedule_hub_config_name", "crons"},
                                                      {"restore_hub_config_name", "restores"}})),
                        data_map("crons", Json::object({{"daily", "0 8 * * *"}})),
                        data_map("restores", Json::object())};
  inputs.secret.found = true;
  inputs.secret.hash = "h";
  inputs.secret.has_password = true;
  inputs.clusters = {inputs.cluster, labelled_cluster("cls2", "cfg2")};
  return inputs;
}

Json spec_of_template(const kube::Object& replica) {
  return replica.spec()["policy-templates"][0]["objectDefinition"]["spec"];
}

const Json& finding(const Json& spec, const std::string& reason) {
  for (const Json& one : spec["hubFindings"].items()) {
    if (one["reason"].as_string() == reason) return one;
  }
  return spec["no such finding"];
}

struct MissingCase {
  const char* what;
  const char* kind;  // of template
  void (*spoil)(ResolveInputs&);
  const char* reason;
  const char* object;  // that the finding is about
  const char* says;    // part of its message
  const char* kept;    // field that stays as it was
};

// [B18 B19 B20 B25]: each thing that may be missing is named, and what was there before stays.
TEST(Resolve, MissingThingsAreNamedAndWhatWasStays) {
  const auto drop = [](ResolveInputs& inputs, const char* name) {
    std::erase_if(inputs.config_maps, [&](const kube::Object& map) { return map.name() == name; });
  };
  static const auto erase_map = drop;
  const MissingCase cases[] = {
      {"config deleted", "VirtBackupPolicy", [](ResolveInputs& in) { erase_map(in, "cfg"); },
       "ConfigurationMissing", "cfg", "label acm-virt-config of ManagedCluster cls1", "config"},
      {"label is a typo", "VirtInstallPolicy",
       [](ResolveInputs& in) { in.cluster.set_label(api::kVirtConfigLabel, "cgf"); },
       "ConfigurationMissing", "cgf", "correct label acm-virt-config", "config"},
      {"label is empty", "VirtInstallPolicy",
       [](ResolveInputs& in) { in.cluster.set_label(api::kVirtConfigLabel, ""); },
       "ConfigurationNotNamed", "cls1", "label acm-virt-config is empty", "config"},
      {"label is gone", "VirtRestorePolicy",
       [](ResolveInputs& in) {
         in.cluster.erase({"metadata", "labels"});
       },
       "ConfigurationNotNamed", "cls1", "label acm-virt-config is missing", "restore"},
      {"crons deleted", "VirtBackupPolicy", [](ResolveInputs& in) { erase_map(in, "crons"); },
       "ConfigMapMissing", "crons", "key schedule_hub_config_name of ConfigMap cfg", "crons"},
      {"crons not named", "VirtBackupPolicy",
       [](ResolveInputs& in) {
         in.config_maps[0].erase({"data", "schedule_hub_config_name"});
       },
       "KeyMissing", "cfg", "key schedule_hub_config_name is missing", "crons"},
      {"restores deleted", "VirtRestorePolicy",
       [](ResolveInputs& in) { erase_map(in, "restores"); }, "ConfigMapMissing", "restores",
       "key restore_hub_config_name of ConfigMap cfg", "restore"},
      {"restores not named", "VirtRestorePolicy",
       [](ResolveInputs& in) {
         in.config_maps[0].erase({"data", "restore_hub_config_name"});
       },
       "KeyMissing", "cfg", "key restore_hub_config_name is missing", "restore"},
      {"Secret deleted", "VirtInstallPolicy", [](ResolveInputs& in) { in.secret = {}; },
       "SecretMissing", "hub-secret", "key credentials_hub_secret_name of ConfigMap cfg",
       "credentials"},
      {"Secret not named", "VirtInstallPolicy",
       [](ResolveInputs& in) {
         in.config_maps[0].erase({"data", "credentials_hub_secret_name"});
       },
       "KeyMissing", "cfg", "key credentials_hub_secret_name is missing", "credentials"},
      {"password lost", "VirtInstallPolicy",
       [](ResolveInputs& in) {
         in.secret.has_password = false;
         in.secret.password_lost = true;
         in.secret.hash = "other";
       },
       "RepositoryPasswordMissing", "hub-secret", "put back the password", "credentials"},
  };
  for (const MissingCase& one : cases) {
    ResolveInputs inputs = complete_inputs(one.kind);
    const kube::Object good = resolve(inputs);
    ASSERT_TRUE(spec_of_template(good)["hubFindings"].empty()) << one.what;
    one.spoil(inputs);
    const Json never = spec_of_template(resolve(inputs));
    EXPECT_FALSE(never["hubFindings"].empty()) << one.what;
    EXPECT_FALSE(never.has(one.kept)) << one.what;

    inputs.replica = good;
    const Json spec = spec_of_template(resolve(inputs));
    EXPECT_EQ(spec[one.kept], spec_of_template(good)[one.kept]) << one.what;
    EXPECT_FALSE(spec[one.kept].is_null()) << one.what;
    const Json& found = finding(spec, one.reason);
    ASSERT_TRUE(found.is_object()) << one.what << ": " << to_json(spec["hubFindings"]);
    EXPECT_EQ(found["name"].as_string(), one.object) << one.what;
    EXPECT_NE(found["message"].as_string().find(one.says), std::string::npos)
        << one.what << ": " << found["message"].as_string();
  }
}

TEST(Resolve, CredentialsNameIsTheSecretOnTheHubUnlessAnotherIsNamed) {
  ResolveInputs inputs = complete_inputs("VirtInstallPolicy");
  inputs.config_maps[0].set({"data", "credentials_name"}, "cloud-credentials");
  EXPECT_EQ(secret_wanted(inputs)->name, "hub-secret");
  inputs.config_maps[0].erase({"data", "credentials_hub_secret_name"});
  EXPECT_EQ(secret_wanted(inputs)->name, "cloud-credentials");
  EXPECT_TRUE(secret_wanted(inputs)->password);
  inputs.config_maps[0].set({"data", "engine"}, "oadp");
  EXPECT_FALSE(secret_wanted(inputs)->password);
  inputs.config_maps[0].set({"data", "datamover"}, "breakwater");
  EXPECT_TRUE(secret_wanted(inputs)->password);
}

TEST(Resolve, MetadataIsCopiedAsTheOriginalDoes) {
  ResolveInputs inputs = complete_inputs("VirtInstallPolicy");
  inputs.root.set_label("team", "a");
  inputs.root.set_annotation("policy.open-cluster-management.io/standards", "s");
  inputs.root.set_annotation("policy.open-cluster-management.io/trigger-update", "x");
  inputs.root.set_annotation("note", "n");
  kube::Object replica = resolve(inputs);
  EXPECT_EQ(replica.label("team"), "a");
  EXPECT_EQ(replica.annotation("note"), "n");
  EXPECT_EQ(replica.annotation("policy.open-cluster-management.io/trigger-update"), "");
  EXPECT_EQ(replica.annotation("argocd.argoproj.io/compare-options"), "IgnoreExtraneous");
  inputs.root.set({"spec", "copyPolicyMetadata"}, false);
  replica = resolve(inputs);
  EXPECT_EQ(replica.label("team"), "");
  EXPECT_EQ(replica.annotation("note"), "");
  EXPECT_EQ(replica.annotation("policy.open-cluster-management.io/standards"), "s");
}

TEST(Resolve, DependenciesAreCalledAsOnTheCluster) {
  ResolveInputs inputs = complete_inputs("VirtBackupPolicy");
  kube::Object set = kube::Object::make(api::kPolicySet, {kPolicyNs, "set"});
  set.set({"spec", "policies"}, Json::array({"x", "y"}));
  inputs.policy_sets = {set};
  const auto dependencies_given = parse_yaml(R"(
- apiVersion: policy.open-cluster-management.io/v1
  kind: Policy
  name: install
  compliance: Compliant
- apiVersion: policy.open-cluster-management.io/v1beta1
  kind: PolicySet
  name: set
  namespace: policies
  compliance: Compliant
- {apiVersion: v1, kind: ConfigMap, name: other, namespace: n, compliance: Compliant}
)");
  inputs.root.set({"spec", "dependencies"}, dependencies_given->front());
  const Json dependencies = resolve(inputs).spec()["dependencies"];
  ASSERT_EQ(dependencies.size(), 4u);
  EXPECT_EQ(dependencies[0]["name"].as_string(), "policies.install");
  EXPECT_EQ(dependencies[1]["name"].as_string(), "policies.x");
  EXPECT_EQ(dependencies[2]["name"].as_string(), "policies.y");
  EXPECT_EQ(dependencies[2]["kind"].as_string(), "Policy");
  EXPECT_EQ(dependencies[3]["name"].as_string(), "other");
  EXPECT_EQ(dependencies[3]["namespace"].as_string(), "n");
}

TEST(Resolve, OtherTemplatesTravelAsTheyAre) {
  ResolveInputs inputs = complete_inputs("ConfigurationPolicy");
  EXPECT_EQ(resolve(inputs).spec()["policy-templates"], inputs.root.spec()["policy-templates"]);
  EXPECT_FALSE(secret_wanted(inputs));
}

struct RestoreCase {
  const char* what;
  const char* data;
  size_t users;
  const char* restore;
  std::vector<std::string> reasons;
};

// [B48]: a cluster gets its own keys and nobody else's; what belongs to nobody is a finding.
TEST(RestoreKeys, EachClusterGetsItsOwn) {
  const std::vector<ClusterFacts> fleet = {
      {"cls1", "1d-1", "cfg"}, {"cls2", "2d-2", "cfg"}, {"new", "", "cfg"}};
  const RestoreCase cases[] = {
      {"nothing asked for", "{}", 2, "{}", {}},
      {"own keys",
       "{1d-1_restoreName: r, 1d-1_backupName: b, 1d-1_vmsUID: u v}",
       2,
       "{restoreName: r, backupName: b, vmsUID: u v}",
       {}},
      {"others' keys stay where they are",
       "{1d-1_restoreName: r, 2d-2_vmsUID: secret}",
       2,
       "{restoreName: r}",
       {}},
      {"a second restore",
       "{1d-1_2_restoreName: r2, 1d-1_2_namespaceMapping: a=b}",
       2,
       "{2_restoreName: r2, 2_namespaceMapping: a=b}",
       {}},
      {"without an id, used by one cluster",
       "{restoreName: r, 2_restoreName: r2}",
       1,
       "{restoreName: r, 2_restoreName: r2}",
       {}},
      {"an id says more than none",
       "{restoreName: x, 1d-1_restoreName: r}",
       1,
       "{restoreName: r}",
       {}},
      {"without an id, used by two", "{restoreName: r}", 2, "{}", {"RestoreKeyWithoutCluster"}},
      {"an unknown id",
       "{9d-9_restoreName: r, 1d-1_restoreName: q}",
       2,
       "{restoreName: q}",
       {"UnknownCluster"}},
      {"a name instead of an id", "{cls2_restoreName: r}", 2, "{}", {"UnknownCluster"}},
      {"no restore key", "{1d-1_restorename: r}", 2, "{}", {"UnknownRestoreKey"}},
      {"source by name", "{1d-1_sourceCluster: cls2}", 2, "{sourceCluster: 2d-2}", {}},
      {"source by id", "{1d-1_sourceCluster: 2d-2}", 2, "{sourceCluster: 2d-2}", {}},
      {"source that has left the fleet",
       "{1d-1_sourceCluster: 7d-7}",
       2,
       "{sourceCluster: 7d-7}",
       {}},
      {"source that has no id yet",
       "{1d-1_2_sourceCluster: new}",
       2,
       "{2_sourceCluster: new}",
       {"SourceClusterUnknown"}},
  };
  for (const RestoreCase& one : cases) {
    const RestorePart part = restore_part(parse_yaml(one.data)->front(), {kPolicyNs, "restores"},
                                          fleet[0], fleet, one.users);
    EXPECT_EQ(part.restore, parse_yaml(one.restore)->front())
        << one.what << ": " << to_json(part.restore);
    std::vector<std::string> reasons;
    for (const Finding& one_finding : part.findings) reasons.push_back(one_finding.reason);
    EXPECT_EQ(reasons, one.reasons) << one.what;
    EXPECT_FALSE(part.id_needed) << one.what;
  }
}

TEST(RestoreKeys, ClusterWithoutAnIdKeepsWhatItHad) {
  ResolveInputs inputs = complete_inputs("VirtRestorePolicy");
  inputs.config_maps[2] = data_map("restores", Json::object({{"id-cls1_restoreName", "r"}}));
  inputs.replica = resolve(inputs);
  inputs.cluster.erase({"status"});
  const Json spec = spec_of_template(resolve(inputs));
  EXPECT_EQ(spec["restore"]["restoreName"].as_string(), "r");
  EXPECT_TRUE(finding(spec, "ClusterIdUnknown").is_object());
}

TEST(RestoreKeys, KeyOfUnknownClusterIsToldToEveryUser) {
  HubWorld world;
  world.place_virt_policies();
  world.config_map("cfg", Json::object({{"restore_hub_config_name", "restores"}}));
  world.config_map("other", Json::object({{"restore_hub_config_name", "elsewhere"}}));
  world.config_map("restores", Json::object({{"nobody_restoreName", "r"}}));
  world.config_map("elsewhere", Json::object());
  for (const char* name : {"cls1", "cls2"}) world.add_cluster(name, "cfg", std::string("i") + name);
  world.add_cluster("cls3", "other", "icls3");
  world.settle();
  for (const char* name : {"cls1", "cls2"}) {
    EXPECT_TRUE(finding(world.template_spec(name, "restore"), "UnknownCluster").is_object());
  }
  EXPECT_TRUE(world.template_spec("cls3", "restore")["hubFindings"].empty());
  // The cluster it was meant for joins: the finding goes by itself.
  world.add_cluster("cls4", "cfg", "nobody");
  world.run_for(std::chrono::minutes(2));
  EXPECT_EQ(world.template_spec("cls4", "restore")["restore"]["restoreName"].as_string(), "r");
  EXPECT_TRUE(world.template_spec("cls1", "restore")["hubFindings"].empty());
}

}  // namespace
}  // namespace breakwater::policy::hub_tests
