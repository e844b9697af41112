// A cluster in one process for tests of the policies' controllers: the embedded API in memory with
// the definitions of deploy/, and a clock that stands still until told.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/api_server.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/yaml.h"
#include "kube/events.h"
#include "kube/faulty_client.h"
#include "kube/runner.h"
#include "policy/cluster_policies.h"
#include "tests/policy/install_fixtures.h"

namespace breakwater::policy::fixtures {

class PolicyCluster {
 public:
  // `olm`: the Operator Lifecycle Manager's kinds are served.
  explicit PolicyCluster(bool olm = false) {
    server = std::move(*apiserver::ApiServer::open({}, clock, random, Logger()));
    install("deploy/crds");
    if (olm) install("deploy/olm/crds");
    client = server->client(apiserver::admin_user());
    make_namespace("cls1");
    start();
  }

  void install(const char* folder) {
    std::vector<Json> crds;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".yaml") continue;
      auto documents = parse_yaml(*read_file(entry.path()));
      ASSERT_TRUE(documents) << entry.path();
      crds.insert(crds.end(), documents->begin(), documents->end());
    }
    const auto installed = server->install_crds(crds);
    ASSERT_TRUE(installed) << installed.error().to_string();
  }

  // The agent's part; again after a crash.
  void start() {
    runner.reset();
    faulty = std::make_unique<kube::FaultyClient>(*client, random, kube::Faults{});
    events = std::make_unique<kube::EventRecorder>(*faulty, clock, "agent", Logger());
    runner = std::make_unique<kube::Runner>(*faulty, clock, random, Logger());
    for (auto& controller : make_cluster_policy_controllers({"cluster-1", "cls1"}, runner->reader(),
                                                            *faulty, *events, clock, Logger())) {
      runner->add(std::move(controller));
    }
  }

  void run_for(Duration span) {
    const Duration end = clock.monotonic() + span;
    for (int round = 0; round < 100000; ++round) {
      bool busy = runner->step();
      while (server->collect()) busy = true;
      if (busy) continue;
      const auto due = runner->next_due();
      if (clock.monotonic() >= end) return;
      const Duration next = due ? std::min(*due, end) : end;
      clock.advance(std::max(next - clock.monotonic(), Duration(std::chrono::milliseconds(1))));
    }
    FAIL() << "the policies do not come to rest";
  }

  void make_namespace(const std::string& name) {
    create(api::kNamespace, kube::Object::make(api::kNamespace, {"", name}));
  }
  kube::Object create(const kube::Kind& kind, const kube::Object& object) {
    auto created = client->create(kind, object);
    EXPECT_TRUE(created) << created.error().to_string();
    return created.value_or(kube::Object());
  }
  // An empty object if there is none.
  kube::Object get(const kube::Kind& kind, const kube::Key& key) {
    return client->get(kind, key).value_or(kube::Object());
  }
  void set_status(const kube::Kind& kind, const kube::Key& key, const Json& status) {
    const auto done =
        client->patch(kind, key, kube::PatchType::kMerge, Json::object({{"status", status}}),
                      kind.has_status_subresource ? "status" : "");
    EXPECT_TRUE(done) << done.error().to_string();
  }
  void annotate(const kube::Kind& kind, const kube::Key& key, std::string_view name,
                const Json& value) {
    Json patch = Json::object();
    patch.set({"metadata", "annotations", name}, value);
    EXPECT_TRUE(client->patch(kind, key, kube::PatchType::kMerge, patch));
  }

  // What the engine would do.
  void play_engine(const std::string& ns) {
    const kube::Object dpa = get(api::kDataProtectionApplication, {ns, "dpa-hub"});
    ASSERT_FALSE(dpa.uid().empty());
    kube::Object reconciled = dpa;
    kube::set_condition(reconciled, "Reconciled", "True", "Complete", "", clock.now());
    set_status(api::kDataProtectionApplication, dpa.key(), reconciled.status());
    kube::Object location = location_of(dpa, "Available");
    location.erase({"metadata", "creationTimestamp"});
    location.set({"spec", "provider"}, "aws");
    location.set({"spec", "objectStorage", "bucket"}, "b");
    create(api::kBackupStorageLocation, location);
  }

  ManualClock clock{fixtures::at(kNow)};
  SeededRandom random{7};
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<kube::FaultyClient> faulty;
  std::unique_ptr<kube::EventRecorder> events;
  std::unique_ptr<kube::Runner> runner;
};

}  // namespace breakwater::policy::fixtures
