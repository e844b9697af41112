// The agent as a whole: without its hub, and where engines start.
#include "cli/agent.h"

#include "tests/link/world.h"

namespace breakwater::policy::link_test {

class AgentTest : public LinkTest {
 protected:
  AgentTest() {
    cluster = std::make_unique<Api>(clock, 77);
    create_namespace(std::string(api::kAgentNamespace));
  }
  void create_namespace(const std::string& name) {
    cluster->create(api::kNamespace, Object::make(api::kNamespace, {"", name}));
  }
  void start() {
    cli::Agent::Environment environment{
        *cluster->admin,
        clock,
        random,
        log,
        kube::make_inline_operations(),
        [this](const kube::ClientConfig& config) {
          if (!hub_away) return hub.connect(config);
          return Result<std::shared_ptr<kube::Client>>(fail(Code::kUnavailable, "the hub is away"));
        }};
    agent = *cli::Agent::create({}, std::move(environment));
  }
  void run_for(Duration time) {
    for (Duration left = time; left > Duration::zero(); left -= seconds(1)) {
      for (int i = 0; i < 20000 && (hub.step() | cluster->server->collect() | agent->step()); ++i) {
      }
      clock.advance(seconds(1));
    }
  }
  // A DataProtectionApplication; what its engine says of it, "" if there is no engine.
  void create_application(const std::string& ns) {
    create_namespace(ns);
    Object application = Object::make(api::kDataProtectionApplication, {ns, "dpa"});
    application.set({"spec"}, yaml("{configuration: {velero: {defaultPlugins: [csi]}}}"));
    cluster->create(api::kDataProtectionApplication, application);
  }
  bool served(const std::string& ns) {
    const Object application = cluster->get(api::kDataProtectionApplication, {ns, "dpa"});
    return !kube::find_condition(application, "Reconciled").is_null();
  }

  SeededRandom random{5};
  bool hub_away = false;
  std::unique_ptr<Api> cluster;
  std::unique_ptr<cli::Agent> agent;
};

TEST_F(AgentTest, EnginesStartWhereApplicationsAppear) {
  create_application("first");
  start();
  run_for(seconds(5));
  EXPECT_TRUE(served("first"));
  create_application("second");
  run_for(seconds(5));
  EXPECT_TRUE(served("second"));
}

TEST_F(AgentTest, WhereOadpIsTheEngineOursRests) {
  Object install = Object::make(api::kVirtInstallPolicy, {"default", "install"});
  install.set({"spec", "remediationAction"}, "inform");
  install.set({"spec", "config"}, yaml("{engine: oadp, backupNS: first, dpa_name: dpa}"));
  cluster->create(api::kVirtInstallPolicy, install);
  start();
  run_for(seconds(3));
  create_application("first");
  run_for(minutes(2));
  EXPECT_FALSE(served("first"));
}

TEST_F(AgentTest, ServesWhatItKnowsThoughTheHubIsAwayWhenItStarts) {
  Object secret = bootstrap_secret(hub.invite("cls1"), "cls1");
  cluster->create(api::kSecret, secret);
  start();
  run_for(seconds(20));
  Object policy(yaml(R"(
apiVersion: policy.open-cluster-management.io/v1
kind: Policy
metadata:
  name: ns.root
  namespace: cls1
  labels: {policy.open-cluster-management.io/root-policy: ns.root}
spec:
  disabled: false
  policy-templates:
  - objectDefinition:
      apiVersion: policy.open-cluster-management.io/v1
      kind: VirtBackupPolicy
      metadata: {name: backup}
      spec: {severity: high}
)"));
  hub.create(api::kPolicy, policy);
  run_for(seconds(10));
  const kube::Key key{"cls1", "backup"};
  ASSERT_TRUE(cluster->has(api::kVirtBackupPolicy, key));

  agent.reset();
  hub_away = true;
  ASSERT_TRUE(cluster->admin->remove(api::kVirtBackupPolicy, key));
  start();
  run_for(minutes(5));
  EXPECT_TRUE(cluster->has(api::kVirtBackupPolicy, key));
  EXPECT_TRUE(cluster->has(api::kPolicy, policy.key()));

  hub_away = false;
  hub.edit(api::kPolicy, policy.key(), false, [](Object& object) {
    object.set({"spec", "remediationAction"}, "inform");
  });
  run_for(minutes(2));
  EXPECT_EQ(cluster->get(api::kVirtBackupPolicy, key).spec()["remediationAction"].as_string(),
            "inform");
}

}  // namespace breakwater::policy::link_test
