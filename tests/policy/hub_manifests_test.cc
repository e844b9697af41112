// deploy/hub and virt/ as people apply them.
#include <gtest/gtest.h>

#include <map>

#include "policy/registration.h"
#include "tests/policy/hub_world.h"

namespace breakwater::policy::hub_tests {
namespace {

std::vector<kube::Object> objects_in(const std::filesystem::path& file) {
  std::vector<kube::Object> objects;
  const auto documents = parse_yaml(*read_file(file));
  EXPECT_TRUE(documents) << file;
  if (!documents) return objects;
  for (const Json& document : *documents) objects.emplace_back(document);
  return objects;
}

const std::map<std::string, kube::Kind> kKinds = {
    {"Policy", api::kPolicy},
    {"PolicySet", api::kPolicySet},
    {"Placement", api::kPlacement},
    {"PlacementBinding", api::kPlacementBinding},
    {"ManagedClusterSetBinding", api::kManagedClusterSetBinding},
    {"ConfigMap", api::kConfigMap},
    {"Namespace", api::kNamespace},
    {"ServiceAccount", api::kServiceAccount},
    {"ClusterRole", api::kClusterRole},
    {"ClusterRoleBinding", api::kClusterRoleBinding}};

// As kubectl apply -n <ns> -f does.
void apply_file(HubWorld& world, const std::filesystem::path& file, const std::string& ns) {
  for (kube::Object object : objects_in(file)) {
    const auto kind = kKinds.find(object.kind());
    ASSERT_NE(kind, kKinds.end()) << object.kind();
    if (kind->second.namespaced && object.ns().empty()) object.set({"metadata", "namespace"}, ns);
    world.create(kind->second, object);
  }
}

void apply_virt(HubWorld& world) {
  const std::filesystem::path folder = "virt";
  for (const kube::Object& kustomization : objects_in(folder / "kustomization.yaml")) {
    for (const Json& file : kustomization["resources"].items()) {
      apply_file(world, folder / file.as_string(), kPolicyNs);
    }
  }
}

TEST(HubManifests, SamplesConfigureACluster) {
  HubWorld world;
  apply_virt(world);
  for (const char* file :
       {"acm-virt-config-13", "acm-virt-config-14", "schedule-cron", "restore-config"}) {
    apply_file(world, std::string("virt/") + file + ".yaml", kPolicyNs);
  }
  world.secret("hub-secret", Json::object({{"cloud", "k"}, {"RESTIC_PASSWORD", "p"}}));
  world.add_cluster("cls1", "acm-virt-config-14", "id-1");
  world.add_cluster("cls2", "acm-virt-config-13", "id-2");
  world.settle();
  for (const char* cluster : {"cls1", "cls2"}) {
    for (const char* policy :
         {"acm-dr-virt-install", "acm-dr-virt-backup", "acm-dr-virt-restore"}) {
      const Json spec = world.template_spec(cluster, policy);
      EXPECT_EQ(spec["config"]["dpa_name"].as_string(), "dpa-hub") << cluster << " " << policy;
      EXPECT_TRUE(spec["hubFindings"].empty()) << to_json(spec["hubFindings"]);
    }
    EXPECT_EQ(world.template_spec(cluster, "acm-dr-virt-backup")["crons"].size(), 3u);
  }
  const auto set = world.get(api::kPolicySet, {kPolicyNs, "acm-dr-virt-backup-policyset"});
  EXPECT_EQ(set.status()["placement"][0]["placement"].as_string(), "acm-dr-virt-placement");
}

// With exactly the rights of deploy/hub: from joining to removal.
TEST(HubManifests, RightsAreEnough) {
  HubWorld world;
  apply_file(world, "deploy/hub/namespace.yaml", "");
  apply_file(world, "deploy/hub/rbac.yaml", "");
  world.start(apiserver::service_account_user(api::kHubNamespace, "breakwater-hub"));
  for (auto& controller : make_registration_controllers(
           {world.runner->reader(), *world.hub, world.clock, world.log})) {
    world.runner->add(std::move(controller));
  }
  apply_virt(world);
  apply_file(world, "virt/acm-virt-config-14.yaml", kPolicyNs);
  apply_file(world, "virt/schedule-cron.yaml", kPolicyNs);
  apply_file(world, "virt/restore-config.yaml", kPolicyNs);
  world.secret("hub-secret", Json::object({{"cloud", "k"}}));
  world.secret("other", Json::object({{"cloud", "k"}}));
  kube::Object cluster = kube::Object::make(api::kManagedCluster, {"", "cls1"});
  cluster.set({"spec", "hubAcceptsClient"}, true);
  cluster.set_label(api::kVirtConfigLabel, "acm-virt-config-14");
  world.create(api::kManagedCluster, cluster);
  world.run_for(std::chrono::minutes(1));
  world.report("cls1", "acm-dr-virt-install", "Compliant");
  world.edit(api::kConfigMap, {kPolicyNs, "acm-virt-config-14"}, false, [](kube::Object& map) {
    map.set({"data", "credentials_hub_secret_name"}, "other");
  });
  world.run_for(std::chrono::minutes(1));
  EXPECT_TRUE(world.exists(api::kSecret, {"cls1", "other"}));
  EXPECT_FALSE(world.exists(api::kSecret, {"cls1", "hub-secret"}));
  world.edit(api::kPolicy, {kPolicyNs, "acm-dr-virt-install"}, false, [](kube::Object& policy) {
    policy.set({"spec", "disabled"}, true);
  });
  world.run_for(std::chrono::minutes(1));
  world.acknowledge("cls1", "acm-dr-virt-install");
  world.run_for(std::chrono::minutes(1));
  EXPECT_FALSE(world.has_replica("cls1", "acm-dr-virt-install"));
  EXPECT_FALSE(world.exists(api::kSecret, {"cls1", "other"}));
  world.remove(api::kManagedCluster, {"", "cls1"});
  world.run_for(std::chrono::minutes(1));
  EXPECT_FALSE(world.exists(api::kManagedCluster, {"", "cls1"}));
  for (const std::string& line : world.sink->lines()) {
    EXPECT_EQ(line.find("orbidden"), std::string::npos) << line;
  }
}

TEST(HubManifests, KustomizationHasEveryDefinition) {
  std::set<std::string> listed;
  const std::filesystem::path folder = "deploy/crds";
  for (const kube::Object& kustomization : objects_in(folder / "Kustomization")) {
    for (const Json& file : kustomization["resources"].items()) listed.insert(file.as_string());
  }
  std::set<std::string> there;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") there.insert(entry.path().filename());
  }
  EXPECT_EQ(listed, there);
}

}  // namespace
}  // namespace breakwater::policy::hub_tests
