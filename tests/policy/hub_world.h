// A hub in one process for tests: the embedded API in memory with the definitions of deploy/, the
// hub's controllers, and a clock that stands still until told. Agents are played by the test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "api/names.h"
#include "apiserver/api_server.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/yaml.h"
#include "kube/events.h"
#include "kube/faulty_client.h"
#include "kube/runner.h"
#include "policy/hub.h"
#include "policy/resolve.h"

namespace breakwater::policy::hub_tests {

inline constexpr const char* kPolicyNs = "policies";

class HubWorld {
 public:
  explicit HubWorld(uint64_t seed = 7) : random(seed) {
    log = Logger(sink, clock, LogLevel::kDebug);
    server = std::move(*apiserver::ApiServer::open({}, clock, random, log));
    install("deploy/crds");
    client = server->client(apiserver::admin_user());
    make_namespace(kPolicyNs);
    start();
  }

  // The hub's process, again after a crash; as `user` (the administrator by default).
  void start(apiserver::User user = apiserver::admin_user()) {
    runner.reset();
    events.reset();
    hub.reset();
    inner = server->client(std::move(user));
    hub = std::make_unique<kube::FaultyClient>(*inner, random, kube::Faults{});
    events = std::make_unique<kube::EventRecorder>(*hub, clock, "hub", log);
    runner = std::make_unique<kube::Runner>(*hub, clock, random, log);
    const auto enqueue = [this](const std::string& controller, const kube::Key& key) {
      runner->enqueue(controller, key);
    };
    for (auto& controller : make_hub_controllers(
             settings, {runner->reader(), *hub, *events, clock, random, enqueue, log})) {
      runner->add(std::move(controller));
    }
  }

  // One step at a time, so that a test can look between any two writes.
  void run_for(Duration span, const std::function<void()>& after_step = nullptr) {
    const Duration end = clock.monotonic() + span;
    for (int round = 0; round < 1000000; ++round) {
      bool busy = runner->step();
      if (busy && after_step) after_step();
      while (server->collect()) busy = true;
      if (busy) continue;
      const auto due = runner->next_due();
      if (clock.monotonic() >= end) return;
      const Duration next = due ? std::min(*due, end) : end;
      clock.advance(std::max(next - clock.monotonic(), Duration(std::chrono::milliseconds(1))));
    }
    FAIL() << "the hub does not come to rest";
  }
  void settle() { run_for(std::chrono::seconds(2)); }

  void make_namespace(const std::string& name) {
    create(api::kNamespace, kube::Object::make(api::kNamespace, {"", name}));
  }
  kube::Object create(const kube::Kind& kind, const kube::Object& object) {
    auto created = client->create(kind, object);
    EXPECT_TRUE(created) << created.error().to_string();
    return created ? *created : kube::Object();
  }
  void apply(const kube::Kind& kind, const char* yaml) {
    const auto documents = parse_yaml(yaml);
    ASSERT_TRUE(documents) << documents.error().to_string();
    for (const Json& document : *documents) create(kind, kube::Object(document));
  }

  // A cluster with its namespace; `id` is what it reports, "" nothing.
  void add_cluster(const std::string& name, const std::string& config, const std::string& id = "") {
    make_namespace(name);
    kube::Object cluster = kube::Object::make(api::kManagedCluster, {"", name});
    cluster.set({"spec", "hubAcceptsClient"}, true);
    cluster.set_label(api::kClusterSetLabel, "default");
    if (config != "(none)") cluster.set_label(api::kVirtConfigLabel, config);
    create(api::kManagedCluster, cluster);
    if (!id.empty()) set_id(name, id);
  }
  void set_id(const std::string& name, const std::string& id) {
    edit(api::kManagedCluster, {"", name}, true, [&](kube::Object& cluster) {
      cluster.set({"status", "clusterClaims"},
                  Json::array({Json::object({{"name", "id.k8s.io"}, {"value", id}})}));
    });
  }
  void config_map(const std::string& name, const Json& data) {
    kube::Object map = kube::Object::make(api::kConfigMap, {kPolicyNs, name});
    map.set({"data"}, data);
    if (client->get(api::kConfigMap, map.key())) {
      edit(api::kConfigMap, map.key(), false,
           [&](kube::Object& live) { live.set({"data"}, data); });
    } else {
      create(api::kConfigMap, map);
    }
  }
  void secret(const std::string& name, const Json& string_data) {
    kube::Object secret = kube::Object::make(api::kSecret, {kPolicyNs, name});
    secret.set({"stringData"}, string_data);
    create(api::kSecret, secret);
  }
  void edit(const kube::Kind& kind, const kube::Key& key, bool status,
            const std::function<void(kube::Object&)>& change) {
    const auto edited =
        kube::edit(*client, kind, key, status, [&](kube::Object& object) -> Result<bool> {
          change(object);
          return true;
        });
    EXPECT_TRUE(edited) << edited.error().to_string();
  }
  void remove(const kube::Kind& kind, const kube::Key& key) {
    const auto removed = client->remove(kind, key);
    EXPECT_TRUE(removed) << removed.error().to_string();
  }
  bool exists(const kube::Kind& kind, const kube::Key& key) {
    return client->get(kind, key).has_value();
  }
  kube::Object get(const kube::Kind& kind, const kube::Key& key) {
    auto found = client->get(kind, key);
    EXPECT_TRUE(found) << found.error().to_string();
    return found ? *found : kube::Object();
  }

  // The virtual-machine policies with their sets, placement and bindings, as virt/ has them but in
  // few words; the sets of clusters `default` and `global` are bound.
  void place_virt_policies();

  kube::Object replica(const std::string& cluster, const std::string& policy) {
    return get(api::kPolicy, {cluster, std::string(kPolicyNs) + "." + policy});
  }
  bool has_replica(const std::string& cluster, const std::string& policy) {
    return exists(api::kPolicy, {cluster, std::string(kPolicyNs) + "." + policy});
  }
  // spec of the only template of a replica.
  Json template_spec(const std::string& cluster, const std::string& policy) {
    const kube::Object found = replica(cluster, policy);
    return found.spec()["policy-templates"][0]["objectDefinition"]["spec"];
  }
  // What the agent would report.
  void report(const std::string& cluster, const std::string& policy, const char* compliant) {
    edit(api::kPolicy, {cluster, std::string(kPolicyNs) + "." + policy}, true,
         [&](kube::Object& object) {
           object.set({"status", "compliant"}, compliant);
         });
  }
  void acknowledge(const std::string& cluster, const std::string& policy) {
    edit(api::kPolicy, {cluster, std::string(kPolicyNs) + "." + policy}, false,
         [&](kube::Object& object) {
           object.set_annotation(api::kRemovalDoneAnnotation,
                                 std::string(object.annotation(api::kRemovalAnnotation)));
         });
  }
  std::set<std::string> decided(const std::string& placement) {
    std::set<std::string> clusters;
    const auto pages = client->list(api::kPlacementDecision, kPolicyNs,
                                    kube::LabelSelector::equals(api::kPlacementLabel, placement));
    EXPECT_TRUE(pages);
    for (const kube::Object& page : *pages) {
      for (const Json& item : page.status()["decisions"].items()) {
        clusters.insert(item["clusterName"].as_string());
      }
    }
    return clusters;
  }

  ManualClock clock{*parse_rfc3339("2026-11-21T00:00:00Z")};
  SeededRandom random;
  std::shared_ptr<MemoryLogSink> sink = std::make_shared<MemoryLogSink>();
  Logger log;
  HubSettings settings;
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<kube::Client> client;  // the admin's
  std::unique_ptr<kube::Client> inner;
  std::unique_ptr<kube::FaultyClient> hub;  // what the hub's process talks through
  std::unique_ptr<kube::EventRecorder> events;
  std::unique_ptr<kube::Runner> runner;

 private:
  void install(const char* folder) {
    std::vector<Json> crds;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".yaml") continue;
      const auto documents = parse_yaml(*read_file(entry.path()));
      ASSERT_TRUE(documents) << entry.path();
      crds.insert(crds.end(), documents->begin(), documents->end());
    }
    const auto installed = server->install_crds(crds);
    ASSERT_TRUE(installed) << installed.error().to_string();
  }
};

inline kube::Object virt_policy(const std::string& name, const char* kind) {
  kube::Object policy = kube::Object::make(api::kPolicy, {kPolicyNs, name});
  policy.set({"spec", "disabled"}, false);
  Json definition =
      Json::object({{"apiVersion", "policy.open-cluster-management.io/v1"}, {"kind", kind}});
  definition.set({"metadata", "name"}, name);
  definition.set({"spec", "remediationAction"}, "enforce");
  policy.set({"spec", "policy-templates"},
             Json::array({Json::object({{"objectDefinition", definition}})}));
  return policy;
}

inline void HubWorld::place_virt_policies() {
  create(api::kPolicy, virt_policy("install", "VirtInstallPolicy"));
  create(api::kPolicy, virt_policy("backup", "VirtBackupPolicy"));
  create(api::kPolicy, virt_policy("restore", "VirtRestorePolicy"));
  apply(api::kPolicySet, R"(
apiVersion: policy.open-cluster-management.io/v1beta1
kind: PolicySet
metadata: {name: backup-set, namespace: policies}
spec: {policies: [install, backup]}
---
apiVersion: policy.open-cluster-management.io/v1beta1
kind: PolicySet
metadata: {name: restore-set, namespace: policies}
spec: {policies: [install, restore]}
)");
  apply(api::kPlacement, R"(
apiVersion: cluster.open-cluster-management.io/v1beta1
kind: Placement
metadata: {name: virt, namespace: policies}
spec:
  predicates:
  - requiredClusterSelector:
      labelSelector:
        matchExpressions: [{key: acm-virt-config, operator: Exists}]
  tolerations:
  - {key: cluster.open-cluster-management.io/unreachable, operator: Exists}
  - {key: cluster.open-cluster-management.io/unavailable, operator: Exists}
)");
  apply(api::kPlacementBinding, R"(
apiVersion: policy.open-cluster-management.io/v1
kind: PlacementBinding
metadata: {name: virt, namespace: policies}
placementRef: {apiGroup: cluster.open-cluster-management.io, kind: Placement, name: virt}
subjects:
- {apiGroup: policy.open-cluster-management.io, kind: PolicySet, name: backup-set}
- {apiGroup: policy.open-cluster-management.io, kind: PolicySet, name: restore-set}
)");
  apply(api::kManagedClusterSetBinding, R"(
apiVersion: cluster.open-cluster-management.io/v1beta2
kind: ManagedClusterSetBinding
metadata: {name: default, namespace: policies}
spec: {clusterSet: default}
---
apiVersion: cluster.open-cluster-management.io/v1beta2
kind: ManagedClusterSetBinding
metadata: {name: global, namespace: policies}
spec: {clusterSet: global}
)");
}

}  // namespace breakwater::policy::hub_tests
