// From an invitation to a connection, and what stands in its way.
#include "policy/cluster_access.h"
#include "tests/link/world.h"

namespace breakwater::policy::link_test {

const Json& condition(const Object& cluster, std::string_view type) {
  return kube::find_condition(cluster, type);
}

bool tainted(const Object& cluster, std::string_view key) {
  for (const Json& taint : cluster.spec()["taints"].items()) {
    if (taint["key"].as_string() == key) return true;
  }
  return false;
}

TEST_F(LinkTest, AnInvitedClusterJoinsAndReports) {
  Cluster& cluster = joined("cls1");
  EXPECT_EQ(cluster.link_state(), "connected as cluster cls1");
  EXPECT_EQ(cluster.credentials().cluster, "cls1");
  EXPECT_TRUE(cluster.credentials().pending_key_pem.empty());
  const Object managed = hub.get(api::kManagedCluster, {"", "cls1"});
  EXPECT_EQ(condition(managed, api::kHubAccepted)["status"].as_string(), "True");
  EXPECT_EQ(condition(managed, api::kClusterJoined)["status"].as_string(), "True");
  EXPECT_EQ(condition(managed, api::kClusterAvailable)["status"].as_string(), "True");
  EXPECT_FALSE(tainted(managed, api::kUnreachableTaint));
  EXPECT_TRUE(hub.has(api::kLease, {"cls1", std::string(api::kClusterLease)}));
}

TEST_F(LinkTest, ClaimsReachTheHubAsTheyChange) {
  Cluster& cluster = add_cluster();
  Object claim = Object::make(api::kClusterClaim, {"", std::string(api::kClaimKubernetes)});
  claim.set({"spec", "value"}, "id-of-cls1");
  cluster.create(api::kClusterClaim, claim);
  cluster.join(hub.invite("cls1"), "cls1");
  cluster.start();
  pass(seconds(10));
  Object managed = hub.get(api::kManagedCluster, {"", "cls1"});
  EXPECT_EQ(to_json(managed.status()["clusterClaims"]),
            R"([{"name":"id.k8s.io","value":"id-of-cls1"}])");
  EXPECT_EQ(managed.label(api::kClusterIdLabel), "id-of-cls1");

  Object version = Object::make(api::kClusterClaim, {"", "version.openshift.io"});
  version.set({"spec", "value"}, "4.20.1");
  cluster.create(api::kClusterClaim, version);
  pass(seconds(2));
  managed = hub.get(api::kManagedCluster, {"", "cls1"});
  EXPECT_EQ(managed.status()["clusterClaims"].size(), 2u);
}

TEST_F(LinkTest, WaitsUntilTheAdminAccepts) {
  Cluster& cluster = add_cluster();
  cluster.join(hub.invite("cls1", false), "cls1");
  cluster.start();
  pass(seconds(90));
  EXPECT_FALSE(cluster.connected());
  EXPECT_NE(cluster.link_state().find("waits until the hub accepts cluster cls1"),
            std::string::npos)
      << cluster.link_state();
  Object managed = hub.get(api::kManagedCluster, {"", "cls1"});
  EXPECT_EQ(condition(managed, api::kHubAccepted)["status"].as_string(), "False");
  EXPECT_TRUE(condition(managed, api::kClusterJoined).is_null());
  EXPECT_TRUE(tainted(managed, api::kUnreachableTaint));

  hub.edit(api::kManagedCluster, {"", "cls1"}, false, [](Object& object) {
    object.set({"spec", "hubAcceptsClient"}, true);
  });
  pass(seconds(20));
  EXPECT_TRUE(cluster.connected()) << cluster.link_state();
}

TEST_F(LinkTest, ACertificateIsWorthNothingOnceTheClusterIsNoLongerAccepted) {
  Cluster& cluster = joined("cls1");
  const auto agent = *hub.connect(cluster.credentials().config());
  ASSERT_TRUE(agent->list(api::kPolicy, "cls1"));
  hub.edit(api::kManagedCluster, {"", "cls1"}, false, [](Object& object) {
    object.set({"spec", "hubAcceptsClient"}, false);
  });
  pass(seconds(2));
  EXPECT_TRUE(agent->list(api::kPolicy, "cls1").error().is(Code::kForbidden));
  EXPECT_TRUE(agent->get(api::kManagedCluster, {"", "cls1"}).error().is(Code::kForbidden));
}

TEST_F(LinkTest, TheTokenOfOneClusterMakesNoCertificateOfAnother) {
  hub.invite("cls2");
  Cluster& cluster = add_cluster();
  // The file of cls1, told to be cls2.
  cluster.join(hub.invite("cls1"), "cls2");
  cluster.start();
  pass(seconds(10));
  EXPECT_FALSE(cluster.connected());
  EXPECT_NE(cluster.link_state().find("the hub refused request"), std::string::npos)
      << cluster.link_state();
  EXPECT_NE(cluster.link_state().find("is not of cluster cls2"), std::string::npos)
      << cluster.link_state();
}

TEST_F(LinkTest, AnExpiredInvitationSaysSo) {
  Cluster& cluster = add_cluster();
  cluster.join(hub.invite("cls1"), "cls1");
  clock.advance(hours(25));
  cluster.start();
  pass(seconds(10));
  EXPECT_FALSE(cluster.connected());
  EXPECT_NE(cluster.link_state().find("Unauthorized"), std::string::npos) << cluster.link_state();
}

TEST_F(LinkTest, RenewsAtFourFifthsOfTheLifetime) {
  Cluster& cluster = add_cluster();
  cluster.settings.certificate_lifetime = hours(10);
  cluster.join(hub.invite("cls1"), "cls1");
  cluster.start();
  pass(seconds(10));
  ASSERT_TRUE(cluster.connected());
  const HubCredentials first = cluster.credentials();
  pass_in_steps(hours(7), minutes(1));
  EXPECT_EQ(cluster.credentials().cert_pem, first.cert_pem);
  pass_in_steps(hours(2), minutes(1));
  const HubCredentials second = cluster.credentials();
  EXPECT_NE(second.cert_pem, first.cert_pem);
  EXPECT_NE(second.key_pem, first.key_pem);
  pass_in_steps(hours(40), minutes(10));
  EXPECT_TRUE(cluster.connected());
  const Object managed = hub.get(api::kManagedCluster, {"", "cls1"});
  EXPECT_EQ(condition(managed, api::kClusterAvailable)["status"].as_string(), "True");
}

TEST_F(LinkTest, AnExpiredCertificateNeedsANewInvitation) {
  Cluster& cluster = add_cluster();
  cluster.settings.certificate_lifetime = hours(1);
  cluster.join(hub.invite("cls1"), "cls1");
  cluster.start();
  pass(seconds(10));
  ASSERT_TRUE(cluster.connected());
  cluster.agent.reset();
  pass_in_steps(hours(30), minutes(30));
  cluster.start();
  pass(seconds(30));
  EXPECT_FALSE(cluster.connected());
  cluster.join(hub.invite("cls1"), "cls1");
  pass(seconds(90));
  EXPECT_TRUE(cluster.connected()) << cluster.link_state();
}

TEST_F(LinkTest, JoinsThoughKilledAfterAnyWrite) {
  for (int kill_after = 0; kill_after < 12; ++kill_after) {
    const std::string name = "cls-" + std::to_string(kill_after);
    Cluster& cluster = add_cluster();
    struct Killed {};
    int writes = 0;
    const auto kill = [&writes, kill_after](int64_t) -> Result<> {
      if (++writes > kill_after) throw Killed();
      return {};
    };
    cluster.faulty->set_before_write(kill);
    cluster.before_hub_write = kill;
    cluster.join(hub.invite(name), name);
    cluster.start();
    bool killed = false;
    for (int i = 0; i < 30 && !killed; ++i) {
      try {
        pass(seconds(1));
      } catch (const Killed&) {
        killed = true;
      }
    }
    cluster.agent.reset();
    cluster.faulty->set_before_write(nullptr);
    cluster.before_hub_write = nullptr;
    cluster.start();
    pass(seconds(20));
    EXPECT_TRUE(cluster.connected()) << kill_after << ": " << cluster.link_state();
    EXPECT_TRUE(hub.has(api::kLease, {name, std::string(api::kClusterLease)}));
    cluster.agent.reset();
  }
}

TEST_F(LinkTest, ASilentClusterBecomesUnreachableAndComesBack) {
  Cluster& cluster = joined("cls1");
  cluster.agent.reset();
  pass_in_steps(minutes(4), seconds(10));
  EXPECT_EQ(condition(hub.get(api::kManagedCluster, {"", "cls1"}), api::kClusterAvailable)["status"]
                .as_string(),
            "True");
  pass_in_steps(minutes(2), seconds(10));
  Object managed = hub.get(api::kManagedCluster, {"", "cls1"});
  EXPECT_EQ(condition(managed, api::kClusterAvailable)["status"].as_string(), "Unknown");
  EXPECT_TRUE(tainted(managed, api::kUnreachableTaint));
  cluster.start();
  pass(seconds(10));
  managed = hub.get(api::kManagedCluster, {"", "cls1"});
  EXPECT_EQ(condition(managed, api::kClusterAvailable)["status"].as_string(), "True");
  EXPECT_FALSE(tainted(managed, api::kUnreachableTaint));
}

TEST_F(LinkTest, RightsThatSomebodyTookAreGivenBack) {
  joined("cls1");
  for (const Grant& grant : access_objects("cls1")) {
    if (grant.kind == api::kNamespace) continue;
    ASSERT_TRUE(hub.admin->remove(grant.kind, grant.object.key()));
  }
  pass(seconds(2));
  for (const Grant& grant : access_objects("cls1")) {
    EXPECT_TRUE(hub.has(grant.kind, grant.object.key())) << grant.object.kind();
  }
}

TEST_F(LinkTest, NoSecretIsLogged) {
  Cluster& cluster = joined("cls1");
  const HubCredentials credentials = cluster.credentials();
  const auto tokens = hub.admin->list(api::kSecret, "kube-system");
  ASSERT_TRUE(tokens && !tokens->empty());
  const std::string token = secret_value(tokens->front(), "token-secret");
  ASSERT_FALSE(token.empty());
  const std::string key_line = credentials.key_pem.substr(28, 40);
  for (const std::string& line : sink->lines()) {
    EXPECT_EQ(line.find(token), std::string::npos) << line;
    EXPECT_EQ(line.find(key_line), std::string::npos) << line;
    EXPECT_EQ(line.find(to_base64(as_bytes(credentials.key_pem)).substr(40, 40)),
              std::string::npos);
  }
}

}  // namespace breakwater::policy::link_test
