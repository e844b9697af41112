// Which certificate requests are granted: a table.
#include "policy/registration.h"

#include "policy/cluster_access.h"
#include "policy/policy_status.h"
#include "tests/link/world.h"

namespace breakwater::policy::link_test {

struct RequestCase {
  const char* what;
  X509Subject subject = {"system:open-cluster-management:cls1:agent",
                         {"system:open-cluster-management:cls1"}};
  const char* label = "cls1";
  const char* user = "system:bootstrap:abcdef";
  std::vector<std::string> groups = {"system:bootstrappers",
                                     "system:bootstrappers:breakwater:cls1"};
  const char* usages = "[client auth, digital signature, key encipherment]";
  const char* signer = "kubernetes.io/kube-apiserver-client";
  bool accepted = true, exists = true;
  CsrVerdict::Kind verdict = CsrVerdict::Kind::kDeny;
  const char* message = "";
};

Object request_of(const RequestCase& c, const std::string& key) {
  Object csr = Object::make(api::kCertificateSigningRequest, {"", "r"});
  if (*c.label != '\0') csr.set_label(api::kCsrClusterLabel, c.label);
  csr.set({"spec", "request"}, to_base64(as_bytes(*make_certificate_request(key, c.subject))));
  csr.set({"spec", "signerName"}, c.signer);
  csr.set({"spec", "usages"}, yaml(c.usages));
  csr.set({"spec", "username"}, c.user);
  Json groups = Json::array();
  for (const std::string& group : c.groups) groups.push_back(group);
  csr.set({"spec", "groups"}, groups);
  return csr;
}

std::vector<RequestCase> request_cases() {
  using Kind = CsrVerdict::Kind;
  const std::string org = "system:open-cluster-management:cls1";
  return {
      {.what = "bootstrap", .verdict = Kind::kApprove},
      {.what = "renewal",
       .user = "system:open-cluster-management:cls1:agent",
       .groups = {org},
       .verdict = Kind::kApprove},
      {.what = "renewal under another agent's name",
       .user = "system:open-cluster-management:cls1:other",
       .groups = {org},
       .message = "is not of cluster cls1"},
      {.what = "agent of another cluster",
       .user = "system:open-cluster-management:cls2:agent",
       .groups = {"system:open-cluster-management:cls2"},
       .message = "is not of cluster cls1"},
      {.what = "token of another cluster",
       .groups = {"system:bootstrappers:breakwater:cls2"},
       .message = "is not of cluster cls1"},
      {.what = "token of a cluster whose name begins alike",
       .groups = {"system:bootstrappers:breakwater:cls10"},
       .message = "is not of cluster cls1"},
      {.what = "a token of kubeadm is none of our business",
       .groups = {"system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"},
       .verdict = Kind::kIgnore},
      {.what = "no label", .label = "", .verdict = Kind::kIgnore},
      {.what = "another signer",
       .signer = "kubernetes.io/kubelet-serving",
       .verdict = Kind::kIgnore},
      {.what = "wrong CN",
       .subject = {"admin", {org}},
       .message = "CN must be system:open-cluster-management:cls1:<agent>"},
      {.what = "CN of another cluster",
       .subject = {"system:open-cluster-management:cls2:agent", {org}},
       .message = "CN must be"},
      {.what = "CN with more after the agent",
       .subject = {"system:open-cluster-management:cls1:a:b", {org}},
       .message = "CN must be"},
      {.what = "masters",
       .subject = {"system:open-cluster-management:cls1:agent", {org, "system:masters"}},
       .message = "and nothing else"},
      {.what = "O of another cluster",
       .subject = {"system:open-cluster-management:cls1:agent",
                   {"system:open-cluster-management:cls2"}},
       .message = "O must be"},
      {.what = "server", .usages = "[server auth, client auth]", .message = "\"server auth\""},
      {.what = "no client", .usages = "[digital signature]", .message = "client auth"},
      {.what = "not accepted",
       .accepted = false,
       .verdict = Kind::kWait,
       .message = "spec.hubAcceptsClient of ManagedCluster cls1 is not true"},
      {.what = "unknown",
       .exists = false,
       .verdict = Kind::kWait,
       .message = "there is no ManagedCluster cls1"},
      {.what = "wrong and not accepted",
       .subject = {"admin", {org}},
       .accepted = false,
       .message = "CN must be"},
  };
}

TEST(Registration, GrantsAClusterItsOwnCertificateOnly) {
  using Kind = CsrVerdict::Kind;
  const std::vector<RequestCase> cases = request_cases();
  const std::string key = *make_private_key();
  for (const RequestCase& c : cases) {
    Object cluster = Object::make(api::kManagedCluster, {"", "cls1"});
    cluster.set({"spec", "hubAcceptsClient"}, c.accepted);
    const CsrVerdict verdict = judge_request(request_of(c, key), c.exists ? &cluster : nullptr);
    EXPECT_EQ(static_cast<int>(verdict.kind), static_cast<int>(c.verdict))
        << c.what << ": " << verdict.message;
    EXPECT_NE(verdict.message.find(c.message), std::string::npos)
        << c.what << ": " << verdict.message;
  }
  Object decided = request_of(cases.front(), key);
  decided.set({"status", "conditions"}, yaml("[{type: Denied, status: 'True'}]"));
  EXPECT_EQ(judge_request(decided, nullptr).kind, Kind::kIgnore);
  Object broken = request_of(cases.front(), key);
  broken.set({"spec", "request"}, "bm9uc2Vuc2U=");
  EXPECT_EQ(judge_request(broken, nullptr).kind, Kind::kDeny);
}

TEST(ClusterNames, MayNotBeThoseOfTheHubsOwnNamespaces) {
  for (const char* name : {"cls1", "default-1", "my-kube"}) EXPECT_TRUE(is_cluster_name(name));
  for (const char* name : {"", "default", "kube-system", "Upper", "a.b", "a:b",
                           "open-cluster-management-backup", "breakwater-agent"}) {
    EXPECT_FALSE(is_cluster_name(name)) << name;
  }
}

TEST(PolicyStatus, MessagesDecide) {
  EXPECT_EQ(compliance_in("Compliant; notification - x"), "Compliant");
  EXPECT_EQ(compliance_in("compliant"), "Compliant");
  EXPECT_EQ(compliance_in("Pending; x"), "Pending");
  EXPECT_EQ(compliance_in("NonCompliant; x"), "NonCompliant");
  EXPECT_EQ(compliance_in("anything else"), "NonCompliant");
}

TEST(PolicyStatus, KeepsTenMessagesNewestFirstAndCutsLongOnes) {
  Object policy = Object::make(api::kPolicy, {"cls1", "ns.root"});
  TemplateState state;
  state.name = "t";
  for (int i = 0; i < 15; ++i) {
    Object object = Object::make(api::kVirtBackupPolicy, {"cls1", "t"});
    const Json entry = Json::object(
        {{"lastTimestamp", fmt::format("2026-11-21T07:{:02}:00.000001Z", i)},
         {"message", fmt::format("NonCompliant; violation - {} {}", i, std::string(5000, 'x'))}});
    object.set({"status", "history"}, Json::array({entry}));
    state.object = object;
    policy.set({"status"}, policy_status(policy, {state}, Time()));
  }
  const Json& history = policy.status()["details"][0]["history"];
  ASSERT_EQ(history.size(), 10u);
  EXPECT_TRUE(history[0]["message"].as_string().starts_with("NonCompliant; violation - 14 "));
  EXPECT_TRUE(history[9]["message"].as_string().starts_with("NonCompliant; violation - 5 "));
  EXPECT_EQ(history[0]["message"].as_string().size(), 4096u);
  // At rest nothing changes.
  EXPECT_EQ(policy_status(policy, {state}, Time()), policy.status());
}

TEST(PolicyStatus, TheWorstTemplateCountsAndSilenceChangesNothing) {
  const struct {
    std::vector<const char*> messages;  // "" = has not spoken
    const char* compliant;
  } cases[] = {
      {{"Compliant; a", "Compliant; b"}, "Compliant"},
      {{"Compliant; a", "Pending; b"}, "Pending"},
      {{"Pending; a", "NonCompliant; b"}, "NonCompliant"},
      {{"NonCompliant; a", ""}, "NonCompliant"},
      {{"Compliant; a", ""}, "before"},
      {{""}, "before"},
  };
  for (const auto& c : cases) {
    Object policy = Object::make(api::kPolicy, {"cls1", "ns.root"});
    policy.set({"status", "compliant"}, "before");
    std::vector<TemplateState> states;
    for (const char* message : c.messages) {
      states.push_back({fmt::format("t{}", states.size()), std::nullopt, message});
    }
    EXPECT_EQ(policy_status(policy, states, Time(seconds(1)))["compliant"].as_string(),
              c.compliant);
  }
}

}  // namespace breakwater::policy::link_test
