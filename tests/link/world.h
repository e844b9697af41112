// A hub and clusters in memory, with a clock that stands: registration and signer on the hub, link
// and synchronisation on each cluster, all stepped by the test.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "api/names.h"
#include "apiserver/api_server.h"
#include "apiserver/certificates.h"
#include "apiserver/tokens.h"
#include "base/check.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/x509.h"
#include "base/yaml.h"
#include "kube/faulty_client.h"
#include "kube/runner.h"
#include "policy/hub_credentials.h"
#include "policy/hub_link.h"
#include "policy/hub_sync.h"
#include "policy/invitation.h"
#include "policy/registration.h"
#include "policy/template_sync.h"
#include "sandbox/setup.h"
#include "sandbox/signer.h"

namespace breakwater::policy::link_test {

using kube::Object;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

inline Json yaml(std::string_view text) {
  auto documents = parse_yaml(text);
  CHECK(documents && documents->size() == 1);
  return documents->front();
}

// One embedded API with every definition, and its admin.
struct Api {
  Api(const Clock& clock, uint64_t seed) : random(seed) {
    auto opened = apiserver::ApiServer::open({}, clock, random, Logger());
    CHECK(opened);
    server = *std::move(opened);
    auto crds = sandbox::embedded_crds();
    CHECK(crds && server->install_crds(*crds));
    admin = server->client(apiserver::admin_user());
  }
  void create(const kube::Kind& kind, const Object& object) {
    auto made = admin->create(kind, object);
    EXPECT_TRUE(made) << made.error().to_string();
  }
  bool has(const kube::Kind& kind, const kube::Key& key) {
    return admin->get(kind, key).has_value();
  }
  Object get(const kube::Kind& kind, const kube::Key& key) {
    auto found = admin->get(kind, key);
    EXPECT_TRUE(found) << found.error().to_string();
    return found ? *found : Object();
  }
  void edit(const kube::Kind& kind, const kube::Key& key, bool status,
            const std::function<void(Object&)>& change) {
    auto edited = kube::edit(*admin, kind, key, status, [&](Object& object) -> Result<bool> {
      change(object);
      return true;
    });
    EXPECT_TRUE(edited) << edited.error().to_string();
  }

  SeededRandom random;
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<kube::Client> admin;
};

inline constexpr const char* kHubUrl = "https://hub.test:6443";

struct Hub : Api {
  Hub(const Clock& the_clock, Logger the_log)
      : Api(the_clock, 1),
        clock(the_clock),
        log(std::move(the_log)),
        tokens(server->reader(), the_clock),
        account(account_client()),
        runner(*account, the_clock, random, log),
        signer(*admin, the_clock, random, log) {
    ca = *apiserver::make_ca("hub", clock.now(), hours(24 * 3650));
    for (auto& controller : make_registration_controllers({runner.reader(), *admin, clock, log})) {
      runner.add(std::move(controller));
    }
    for (auto& controller :
         sandbox::make_signer_controllers({signer.reader(), *admin, clock, ca, log})) {
      signer.add(std::move(controller));
    }
  }

  // With exactly the rights that deploy/hub gives.
  std::unique_ptr<kube::Client> account_client() {
    create(api::kNamespace, Object::make(api::kNamespace, {"", std::string(api::kHubNamespace)}));
    const std::pair<std::string_view, kube::Kind> kinds[] = {
        {"ServiceAccount", api::kServiceAccount},
        {"ClusterRole", api::kClusterRole},
        {"ClusterRoleBinding", api::kClusterRoleBinding}};
    const auto text = read_file("deploy/hub/rbac.yaml");
    CHECK(text);
    const auto documents = parse_yaml(*text);
    CHECK(documents);
    for (const Json& document : *documents) {
      for (const auto& [name, kind] : kinds) {
        if (document["kind"].as_string() == name) create(kind, Object(document));
      }
    }
    return server->client(apiserver::service_account_user(api::kHubNamespace, "breakwater-hub"));
  }

  bool step() {
    const bool busy = server->collect() | signer.step();
    return runner.step() || busy;
  }

  // What the hub's HTTPS front end does: who is it?
  Result<std::shared_ptr<kube::Client>> connect(const kube::ClientConfig& config) {
    if (config.server != kHubUrl)
      return fail(Code::kUnavailable, "{}: no such host", config.server);
    std::optional<apiserver::User> user;
    if (!config.token.empty()) user = tokens.user_of(config.token);
    if (!config.client_cert_pem.empty()) {
      const auto info = read_certificate(config.client_cert_pem);
      if (info && clock.now() < info->not_after) {
        user = apiserver::User{info->subject.common_name, info->subject.organizations, ""};
      }
    }
    if (!user) return fail(Code::kUnauthorized, "Unauthorized");
    user->groups.push_back("system:authenticated");
    return std::shared_ptr<kube::Client>(server->client(*user));
  }

  // What `breakwater cluster add` prints into a file.
  std::string invite(const std::string& name, bool accept = true) {
    kube::ClientConfig address;
    address.server = kHubUrl;
    address.ca_pem = ca.cert_pem;
    auto text = invite_cluster(*admin, name, address, {.accept = accept}, clock.now(), random);
    EXPECT_TRUE(text) << text.error().to_string();
    return text ? *text : "";
  }

  const Clock& clock;
  const Logger log;
  apiserver::KeyPair ca;
  apiserver::BootstrapTokens tokens;
  std::unique_ptr<kube::Client> account;
  kube::Runner runner, signer;
};

// A client whose writes ask `before` first.
inline std::shared_ptr<kube::Client> watched(std::shared_ptr<kube::Client> inner, Random& random,
                                             kube::FaultyClient::BeforeWrite before) {
  struct Holder {
    std::shared_ptr<kube::Client> inner;
    kube::FaultyClient faulty;
  };
  auto holder = std::shared_ptr<Holder>(new Holder{inner, {*inner, random, kube::Faults{}}});
  holder->faulty.set_before_write(std::move(before));
  return {holder, &holder->faulty};
}

// The agent's process, in so far as it is linked to a hub: lost with it when it is killed.
struct AgentProcess {
  AgentProcess(const Connect& connect, kube::Client& cluster, const Clock& clock, Random& random,
               kube::Faults faults, HubLinkSettings settings, Logger log)
      : faulty_hub(switching, random, faults),
        hub_runner(faulty_hub, clock, random, log.with("runner", "hub")),
        cluster_runner(cluster, clock, random, log.with("runner", "cluster")) {
    const auto tell_hub = [this](const Nudge& nudge) {
      hub_runner.enqueue(nudge.first, nudge.second);
    };
    const auto connected = [this, &cluster, &clock, log, tell_hub](const std::string& name) {
      if (!joined.empty()) return;
      joined = name;
      for (auto& controller : make_hub_sync_controllers(
               name, {hub_runner.reader(), faulty_hub, cluster, clock, log})) {
        hub_runner.add(std::move(controller));
      }
      for (const Nudge& nudge : first_nudges(name)) tell_hub(nudge);
      for (auto& controller : make_sync_relays(name, tell_hub)) {
        cluster_runner.add(std::move(controller));
      }
      cluster_runner.add(make_template_sync(name, {cluster_runner.reader(), cluster, clock, log}));
    };
    hub_runner.add(make_hub_link_controller(
        settings, {cluster, switching, connect, clock, random, log, connected}));
    cluster_runner.add(make_link_relay(tell_hub));
    hub_runner.enqueue(std::string(kHubLinkController), hub_link_key());
  }

  kube::SwitchingClient switching{"the hub"};
  kube::FaultyClient faulty_hub;
  kube::Runner hub_runner, cluster_runner;
  std::string joined;
};

struct Cluster : Api {
  Cluster(Hub& the_hub, const Clock& the_clock, uint64_t seed, Logger the_log)
      : Api(the_clock, seed), hub(the_hub), clock(the_clock), log(std::move(the_log)) {
    faulty = std::make_unique<kube::FaultyClient>(*admin, random, kube::Faults{});
  }

  void start() {
    const auto connect =
        [this](const kube::ClientConfig& config) -> Result<std::shared_ptr<kube::Client>> {
      auto client = TRY(hub.connect(config));
      return before_hub_write ? watched(client, random, before_hub_write) : client;
    };
    agent =
        std::make_unique<AgentProcess>(connect, *faulty, clock, random, hub_faults, settings, log);
  }
  // What `breakwater join` does.
  void join(const std::string& kubeconfig, const std::string& name) {
    if (!has(api::kNamespace, {"", std::string(api::kAgentNamespace)})) {
      create(api::kNamespace,
             Object::make(api::kNamespace, {"", std::string(api::kAgentNamespace)}));
    }
    const Object secret = bootstrap_secret(kubeconfig, name);
    if (has(api::kSecret, secret.key())) {
      edit(api::kSecret, secret.key(), false, [&](Object& live) {
        live.set({"data"}, secret["data"]);
        live.erase({"metadata", "annotations"});
      });
    } else {
      create(api::kSecret, secret);
    }
  }
  bool step() {
    bool busy = server->collect();
    if (agent) busy = agent->hub_runner.step() || busy;
    if (agent) busy = agent->cluster_runner.step() || busy;
    return busy;
  }
  bool connected() const { return agent && agent->switching.connected(); }
  HubCredentials credentials() {
    return read_credentials(get(
        api::kSecret, {std::string(api::kAgentNamespace), std::string(api::kHubKubeconfigSecret)}));
  }
  std::string link_state() {
    return get(api::kSecret,
               {std::string(api::kAgentNamespace), std::string(api::kBootstrapKubeconfigSecret)})
        .annotation(api::kHubLinkAnnotation);
  }

  Hub& hub;
  const Clock& clock;
  const Logger log;
  HubLinkSettings settings;
  kube::Faults hub_faults;
  kube::FaultyClient::BeforeWrite before_hub_write;
  std::unique_ptr<kube::FaultyClient> faulty;
  std::unique_ptr<AgentProcess> agent;
};

class LinkTest : public ::testing::Test {
 protected:
  Cluster& add_cluster() {
    clusters.push_back(std::make_unique<Cluster>(hub, clock, 10 + clusters.size(), log));
    return *clusters.back();
  }
  // A cluster that has joined as `name`.
  Cluster& joined(const std::string& name) {
    Cluster& cluster = add_cluster();
    cluster.join(hub.invite(name), name);
    cluster.start();
    pass(seconds(30));
    EXPECT_TRUE(cluster.connected()) << cluster.link_state();
    return cluster;
  }
  bool step() {
    bool busy = hub.step();
    for (auto& cluster : clusters) busy = cluster->step() || busy;
    return busy;
  }
  void settle() {
    for (int i = 0; i < 20000 && step(); ++i) {
    }
  }
  // Lets simulated time pass, a second at a time.
  void pass(Duration time) {
    settle();
    for (Duration left = time; left > Duration::zero(); left -= seconds(1)) {
      clock.advance(seconds(1));
      settle();
    }
  }
  // Longer, in steps of `step`.
  void pass_in_steps(Duration time, Duration step) {
    for (Duration left = time; left > Duration::zero(); left -= step) {
      clock.advance(step);
      settle();
    }
  }

  ManualClock clock{*parse_rfc3339("2026-11-21T07:00:00Z")};
  std::shared_ptr<MemoryLogSink> sink = std::make_shared<MemoryLogSink>();
  Logger log{sink, clock, LogLevel::kDebug};
  Hub hub{clock, log};
  std::vector<std::unique_ptr<Cluster>> clusters;
};

}  // namespace breakwater::policy::link_test
