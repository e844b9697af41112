// Hub and agent as programs run them: over HTTPS, on threads, against sandbox clusters.
#include <thread>

#include "base/file.h"
#include "cli/agent.h"
#include "cli/background.h"
#include "cli/hub.h"
#include "kube/http_client.h"
#include "sandbox/sandbox.h"
#include "tests/link/world.h"

namespace breakwater::policy::https_test {

namespace fs = std::filesystem;
using kube::Object;

class HttpsTest : public ::testing::Test {
 protected:
  std::unique_ptr<sandbox::Sandbox> start_cluster(const std::string& name, bool hub) {
    sandbox::SandboxSettings settings;
    settings.directory = directory.path() / name;
    settings.binary = "/bin/false";
    settings.name = name;
    settings.hub = hub;
    auto started = sandbox::Sandbox::start(settings, clock, random, log);
    EXPECT_TRUE(started) << started.error().to_string();
    return *std::move(started);
  }
  std::unique_ptr<kube::Client> client_of(const sandbox::Sandbox& cluster) {
    auto config = kube::load_kubeconfig(cluster.kubeconfig());
    return kube::make_http_client(config.value(), Logger()).value();
  }
  bool eventually(const std::function<bool()>& condition) {
    const Duration end = clock.monotonic() + std::chrono::seconds(30);
    while (!condition()) {
      if (clock.monotonic() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  const TempDir directory = TempDir::create(fs::temp_directory_path(), "link").value();
  const SystemClock clock;
  SystemRandom random;
  std::shared_ptr<MemoryLogSink> sink = std::make_shared<MemoryLogSink>();
  const Logger log{sink, clock, LogLevel::kDebug};
};

TEST_F(HttpsTest, AClusterJoinsAndItsPolicyReportsToTheHub) {
  const auto hub = start_cluster("hub", true), cls1 = start_cluster("cls1", false);
  const auto hub_client = client_of(*hub), cls1_client = client_of(*cls1);
  const kube::ClientConfig address = *kube::load_kubeconfig(hub->kubeconfig());
  const std::string invitation =
      *invite_cluster(*hub_client, "cls1", address, {}, clock.now(), random);
  const Object ns = Object::make(api::kNamespace, {"", std::string(api::kAgentNamespace)});
  ASSERT_TRUE(cls1_client->create(api::kNamespace, ns));
  ASSERT_TRUE(cls1_client->create(api::kSecret, bootstrap_secret(invitation, "cls1")));

  const cli::Background<cli::Hub> hub_process(
      cli::Hub::create({}, {*hub_client, clock, random, log}));
  cli::Agent::Environment environment{
      *cls1_client, clock, random, log, kube::make_operations(2), {}};
  auto agent = cli::Agent::create({}, std::move(environment));
  ASSERT_TRUE(agent) << agent.error().to_string();
  const cli::Background<cli::Agent> agent_process(*std::move(agent));
  const auto available = [&] {
    const auto cluster = hub_client->get(api::kManagedCluster, {"", "cls1"});
    return cluster &&
           kube::find_condition(*cluster, api::kClusterAvailable)["status"].as_string() == "True";
  };
  ASSERT_TRUE(eventually(available));

  Object policy(link_test::yaml(R"(
apiVersion: policy.open-cluster-management.io/v1
kind: Policy
metadata:
  name: ns.acm-dr-virt-backup
  namespace: cls1
  labels: {policy.open-cluster-management.io/root-policy: ns.acm-dr-virt-backup}
spec:
  disabled: false
  policy-templates:
  - objectDefinition:
      apiVersion: policy.open-cluster-management.io/v1
      kind: VirtBackupPolicy
      metadata: {name: acm-dr-virt-backup}
      spec: {remediationAction: inform}
)"));
  ASSERT_TRUE(hub_client->create(api::kPolicy, policy));
  // The backup policy has no configuration, and says so on the hub.
  EXPECT_TRUE(eventually([&] {
    const auto replica = hub_client->get(api::kPolicy, policy.key());
    return replica && replica->status()["compliant"].as_string() == "NonCompliant";
  }));
  for (const std::string& line : sink->lines()) {
    EXPECT_EQ(line.find("PRIVATE KEY"), line.npos) << line;
  }
}

}  // namespace breakwater::policy::https_test
