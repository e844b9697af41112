// Who may do what on a hub: a cluster's agent everything that it needs and nothing of another
// cluster, a bootstrap token one thing only. Judged for every kind and verb that the hub serves,
// and tried over HTTPS with real certificates.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "api/kinds.h"
#include "api/names.h"
#include "apiserver/api_server.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/x509.h"
#include "kube/http_client.h"
#include "policy/cluster_access.h"
#include "policy/invitation.h"
#include "sandbox/sandbox.h"
#include "sandbox/setup.h"

namespace breakwater::fleet_access_test {

namespace fs = std::filesystem;
using kube::Key;
using kube::Object;

constexpr const char* kNamespaces[] = {"", "cls1", "cls2", "kube-system"};
// Names that rules may be about; any other one stands for all.
constexpr const char* kNames[] = {"managed-cluster-lease", "cls1", "cls2"};
constexpr const char* kAnyName = "other";

// What `user` may do to one part of one kind in one namespace: "get secrets cls1/other",
// "list secrets cls1/"; a name that rules are about only where not all are allowed.
void collect_allowed(apiserver::ApiServer& server, const apiserver::User& user,
                     apiserver::Access access, std::set<std::string>& allowed) {
  const auto try_name = [&](const std::string& name) {
    access.name = name;
    if (!apiserver::authorize(server.reader(), user, access).allowed) return false;
    allowed.insert(fmt::format("{} {}{}{} {}", access.verb, access.resource,
                               access.subresource.empty() ? "" : "/", access.subresource,
                               Key{access.ns, name}.to_string()));
    return true;
  };
  for (const char* verb : {"create", "list", "watch", "deletecollection"}) {
    access.verb = verb;
    if (try_name("")) continue;
    for (const char* name : kNames) try_name(name);  // as a field selector says it
  }
  for (const char* verb : {"get", "update", "patch", "delete"}) {
    access.verb = verb;
    if (try_name(kAnyName)) continue;
    for (const char* name : kNames) try_name(name);
  }
}

// All that `user` may do on this hub.
std::set<std::string> everything_allowed(apiserver::ApiServer& server,
                                         const apiserver::User& user) {
  std::set<std::string> allowed;
  for (const auto& kind : server.registry().all()) {
    std::vector<std::string> parts = kind->subresources;
    parts.push_back("");
    if (kind->has_status_subresource) parts.push_back("status");
    if (kind->kind == "Pod") parts.push_back("log");
    for (const char* ns : kNamespaces) {
      if (!kind->namespaced && *ns != 0) continue;
      for (const std::string& part : parts) {
        apiserver::Access access;
        access.group = kind->group;
        access.resource = kind->plural;
        access.subresource = part;
        access.ns = ns;
        collect_allowed(server, user, access, allowed);
      }
    }
  }
  return allowed;
}

class HubRules : public testing::Test {
 protected:
  HubRules() : random_(7) {
    server_ = apiserver::ApiServer::open({}, clock_, random_, Logger()).value();
    EXPECT_TRUE(server_->install_crds(sandbox::embedded_crds().value()));
    admin_ = server_->client(apiserver::admin_user());
    for (const char* cluster : {"cls1", "cls2"}) {
      EXPECT_TRUE(policy::invite_cluster(*admin_, cluster, {}, {}, clock_.now(), random_));
    }
  }
  static apiserver::User agent(const std::string& cluster) {
    const std::string group = policy::agent_group(cluster);
    return {group + ":agent", {group, "system:authenticated"}, ""};
  }
  // Whoever has a bootstrap token of the cluster.
  static apiserver::User invited(const std::string& cluster) {
    return {"system:bootstrap:abcdef",
            {"system:bootstrappers", policy::bootstrap_group(cluster), "system:authenticated"},
            ""};
  }

  const SystemClock clock_;
  SeededRandom random_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<kube::Client> admin_;
};

TEST_F(HubRules, AnAgentMayDoThisAndNothingElse) {
  const std::set<std::string> expected = {
      "create events cls1/",
      "patch events cls1/other",
      "create leases cls1/",
      "get leases cls1/managed-cluster-lease",
      "patch leases cls1/managed-cluster-lease",
      "update leases cls1/managed-cluster-lease",
      "get policies cls1/other",
      "list policies cls1/",
      "watch policies cls1/",
      "patch policies cls1/other",
      "get policies/status cls1/other",
      "patch policies/status cls1/other",
      "update policies/status cls1/other",
      "get secrets cls1/other",
      "list secrets cls1/",
      "watch secrets cls1/",
      "get managedclusters cls1",
      "list managedclusters cls1",
      "watch managedclusters cls1",
      "get managedclusters/status cls1",
      "patch managedclusters/status cls1",
      "update managedclusters/status cls1",
      "create certificatesigningrequests ",
      "get certificatesigningrequests other",
  };
  EXPECT_EQ(everything_allowed(*server_, agent("cls1")), expected);
}

TEST_F(HubRules, ABootstrapTokenMayAskForACertificateAndNothingElse) {
  EXPECT_EQ(everything_allowed(*server_, invited("cls1")),
            (std::set<std::string>{"create certificatesigningrequests ",
                                   "get certificatesigningrequests other"}));
  // Without the group of a cluster not even that.
  const auto stranger = server_->client({"system:bootstrap:abcdef", {"system:bootstrappers"}, ""});
  EXPECT_EQ(stranger->get(api::kCertificateSigningRequest, {"", "x"}).error().code(),
            Code::kForbidden);
}

TEST_F(HubRules, NobodyButAnAdminApprovesSignsOrActsForOthers) {
  const auto allowed = [&](const apiserver::User& user, const char* verb, const char* group,
                           const char* resource, const std::string& name) {
    apiserver::Access access;
    access.verb = verb;
    access.group = group;
    access.resource = resource;
    access.name = name;
    return apiserver::authorize(server_->reader(), user, access).allowed;
  };
  constexpr const char* kCertificates = "certificates.k8s.io";
  constexpr const char* kRbac = "rbac.authorization.k8s.io";
  for (const apiserver::User& user : {agent("cls1"), invited("cls1")}) {
    for (const char* signer : {"kubernetes.io/kube-apiserver-client", "kubernetes.io/*"}) {
      EXPECT_FALSE(allowed(user, "approve", kCertificates, "signers", signer));
      EXPECT_FALSE(allowed(user, "sign", kCertificates, "signers", signer));
    }
    EXPECT_FALSE(allowed(user, "impersonate", "", "users", agent("cls2").name));
    EXPECT_FALSE(allowed(user, "impersonate", "", "groups", policy::agent_group("cls2")));
    EXPECT_FALSE(allowed(user, "bind", kRbac, "clusterroles", "cluster-admin"));
    EXPECT_FALSE(allowed(user, "escalate", kRbac, "clusterroles", "cluster-admin"));
  }
}

TEST_F(HubRules, RevokedRightsAreGoneAtOnce) {
  const Key secret{"cls1", "s"}, other{"cls2", "s"};
  for (const Key& key : {secret, other}) {
    ASSERT_TRUE(admin_->create(api::kSecret, Object::make(api::kSecret, key)));
  }
  const auto one = server_->client(agent("cls1")), two = server_->client(agent("cls2"));
  EXPECT_TRUE(one->get(api::kSecret, secret));
  ASSERT_TRUE(policy::revoke_access(*admin_, "cls1"));
  EXPECT_EQ(one->get(api::kSecret, secret).error().code(), Code::kForbidden);
  EXPECT_EQ(one->get(api::kManagedCluster, {"", "cls1"}).error().code(), Code::kForbidden);
  EXPECT_TRUE(two->get(api::kSecret, other));
}

TEST_F(HubRules, NoClusterHasTheNameOfANamespaceOfTheHub) {
  for (const char* name :
       {"kube-system", "default", "open-cluster-management-backup", "breakwater-agent", "A b"}) {
    const auto invited = policy::invite_cluster(*admin_, name, {}, {}, clock_.now(), random_);
    ASSERT_FALSE(invited) << name;
    EXPECT_TRUE(invited.error().is(Code::kInvalid));
    EXPECT_FALSE(admin_->get(api::kManagedCluster, {"", name})) << name;
  }
}

// --- over HTTPS ---------------------------------------------------------------------------------

class LiveHub : public testing::Test {
 protected:
  LiveHub() {
    sandbox::SandboxSettings settings;
    settings.directory = directory_.path() / "hub";
    settings.hub = true;
    hub_ = sandbox::Sandbox::start(settings, clock_, random_, Logger()).value();
    admin_ = hub_->client(apiserver::admin_user());
  }
  // A kubeconfig with a bootstrap token.
  kube::ClientConfig invite(const std::string& cluster) {
    const std::string text =
        policy::invite_cluster(*admin_, cluster, hub_->admin(), {}, clock_.now(), random_).value();
    return kube::parse_kubeconfig(text, "invitation").value();
  }
  static std::unique_ptr<kube::Client> connect(kube::ClientConfig config) {
    return kube::make_http_client(std::move(config), Logger()).value();
  }
  // What the agent of a cluster has after joining; the admin approves.
  std::unique_ptr<kube::Client> join(const std::string& cluster) {
    kube::ClientConfig config = invite(cluster);
    const auto invited = connect(config);
    const std::string group = policy::agent_group(cluster);
    const std::string key = make_private_key().value();
    const std::string pem = make_certificate_request(key, {group + ":agent", {group}}).value();
    Object request = Object::make(api::kCertificateSigningRequest, {"", cluster + "-1"});
    request.set({"spec"}, Json::object({{"signerName", "kubernetes.io/kube-apiserver-client"},
                                        {"usages", Json::array({"client auth"})},
                                        {"request", to_base64(as_bytes(pem))}}));
    const Object made = invited->create(api::kCertificateSigningRequest, request).value();
    EXPECT_TRUE(made.spec()["username"].as_string().starts_with("system:bootstrap:"));
    EXPECT_FALSE(approve(*invited, made));  // not by itself
    EXPECT_TRUE(approve(*admin_, made));
    for (int i = 0; i < 500; ++i) {
      const auto now = invited->get(api::kCertificateSigningRequest, made.key());
      const std::string certificate = now ? now->status()["certificate"].as_string() : "";
      if (!certificate.empty()) {
        config.token.clear();
        config.client_cert_pem = std::string(as_text(from_base64(certificate).value()));
        config.client_key_pem = key;
        return connect(config);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << "no certificate for " << cluster;
    return connect(config);
  }
  static bool approve(kube::Client& client, Object request) {
    request.set({"status", "conditions"},
                Json::array({Json::object(
                    {{"type", "Approved"}, {"status", "True"}, {"reason", "Test"}})}));
    return client.update_subresource(api::kCertificateSigningRequest, request, "approval")
        .has_value();
  }
  Object create(const kube::Kind& kind, const Key& key) {
    return admin_->create(kind, Object::make(kind, key)).value();
  }
  template <class T>
  static std::string outcome(const Result<T>& result) {
    return result ? "OK" : std::string(code_name(result.error().code()));
  }

  TempDir directory_ = TempDir::create(fs::temp_directory_path(), "hub").value();
  const SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<sandbox::Sandbox> hub_;
  std::unique_ptr<kube::Client> admin_;
};

TEST_F(LiveHub, AnAgentReachesItsOwnNamespaceAlone) {
  const auto one = join("cls1");
  const auto two = join("cls2");
  for (const char* ns : {"cls1", "cls2"}) {
    create(api::kSecret, {ns, "credentials"});
    Object policy = Object::make(api::kPolicy, {ns, "root.policy"});
    policy.set({"spec"}, Json::object({{"disabled", false}, {"policy-templates", Json::array()}}));
    ASSERT_TRUE(admin_->create(api::kPolicy, policy));
  }
  const Key own{"cls1", "credentials"}, other{"cls2", "credentials"};
  EXPECT_EQ(outcome(one->get(api::kSecret, own)), "OK");
  EXPECT_EQ(outcome(two->get(api::kSecret, other)), "OK");
  EXPECT_EQ(outcome(one->get(api::kSecret, other)), "Forbidden");
  EXPECT_EQ(outcome(one->get(api::kSecret, {"cls2", "no-such"})), "Forbidden");
  EXPECT_EQ(outcome(one->list(api::kSecret, "cls2")), "Forbidden");
  EXPECT_EQ(outcome(one->list(api::kSecret, "")), "Forbidden");
  EXPECT_EQ(outcome(one->list(api::kSecret, "kube-system")), "Forbidden");
  EXPECT_EQ(outcome(one->update(api::kSecret, admin_->get(api::kSecret, own).value())),
            "Forbidden");
  const Json patch = Json::object({{"spec", Json::object({{"disabled", true}})}});
  EXPECT_EQ(
      outcome(one->patch(api::kPolicy, {"cls2", "root.policy"}, kube::PatchType::kMerge, patch)),
      "Forbidden");
  EXPECT_EQ(outcome(one->remove(api::kPolicy, {"cls1", "root.policy"})), "Forbidden");
  EXPECT_EQ(outcome(one->create(api::kSecret, Object::make(api::kSecret, {"cls2", "mine"}))),
            "Forbidden");
  EXPECT_EQ(outcome(one->get(api::kManagedCluster, {"", "cls1"})), "OK");
  EXPECT_EQ(outcome(one->get(api::kManagedCluster, {"", "cls2"})), "Forbidden");
  EXPECT_EQ(outcome(one->list(api::kManagedCluster, "")), "Forbidden");
  EXPECT_EQ(outcome(one->get(api::kNamespace, {"", "cls2"})), "Forbidden");
  // A watch is refused too, not only a list.
  const auto watch = one->watch(api::kSecret, "cls2", {});
  std::string refused = outcome(watch);
  for (int i = 0; watch && i < 500 && refused == "OK"; ++i) {
    refused = outcome((*watch)->next());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(refused, "Forbidden");
}

TEST_F(LiveHub, ABootstrapTokenOpensNothingButRequests) {
  const auto invited = connect(invite("cls1"));
  for (const kube::Kind& kind : {api::kSecret, api::kPolicy, api::kConfigMap, api::kLease}) {
    EXPECT_EQ(outcome(invited->list(kind, "cls1")), "Forbidden") << kind.kind;
    EXPECT_EQ(outcome(invited->create(kind, Object::make(kind, {"cls1", "x"}))), "Forbidden");
  }
  EXPECT_EQ(outcome(invited->list(api::kManagedCluster, "")), "Forbidden");
  EXPECT_EQ(outcome(invited->list(api::kCertificateSigningRequest, "")), "Forbidden");
  ASSERT_TRUE(policy::withdraw_invitations(*admin_, "cls1"));
  EXPECT_EQ(outcome(invited->list(api::kSecret, "cls1")), "Unauthorized");
}

TEST_F(LiveHub, ARemovedClustersCertificateIsWorthNothing) {
  const auto agent = join("cls1");
  EXPECT_EQ(outcome(agent->get(api::kManagedCluster, {"", "cls1"})), "OK");
  ASSERT_TRUE(policy::remove_access(*admin_, "cls1"));
  EXPECT_EQ(outcome(agent->get(api::kManagedCluster, {"", "cls1"})), "Forbidden");
  EXPECT_EQ(outcome(agent->list(api::kSecret, "cls1")), "Forbidden");
}

}  // namespace breakwater::fleet_access_test
