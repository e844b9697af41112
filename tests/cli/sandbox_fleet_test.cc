// A hub and its clusters in one process.
#include "cli/sandbox_fleet.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "api/kinds.h"
#include "api/names.h"
#include "base/file.h"
#include "base/random.h"
#include "cli/subprocess.h"
#include "kube/http_client.h"

namespace breakwater::cli::fleet_test {

namespace fs = std::filesystem;

TEST(SandboxFleet, ClustersAreNamesOrANumber) {
  const struct {
    const char* text;
    const char* names;  // "" = refused
  } cases[] = {
      {"2", "cls1 cls2"},
      {"cls1,cls2", "cls1 cls2"},
      {"east", "east"},
      {"a,,b,", "a b"},
      {"20", nullptr},
      {"0", ""},
      {"21", ""},
      {"-1", ""},
      {"", ""},
      {",", ""},
      {"hub", ""},
      {"a,hub", ""},
      {"a,a", ""},
      {"Upper", ""},
      {"a b", ""},
      {"../etc", ""},
      {"99999999999999999999", ""},
  };
  for (const auto& c : cases) {
    const auto names = parse_clusters(c.text);
    if (!c.names) {
      EXPECT_EQ(names->size(), 20u);
    } else {
      EXPECT_EQ(names ? fmt::format("{}", fmt::join(*names, " ")) : "", c.names) << c.text;
      EXPECT_TRUE(names || names.error().is(Code::kInvalid)) << c.text;
    }
  }
}

bool eventually(const std::function<bool()>& is_so) {
  const SystemClock clock;
  const Duration end = clock.monotonic() + std::chrono::seconds(30);
  while (clock.monotonic() < end) {
    if (is_so()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

TEST(SandboxFleet, EachClusterIsAContextJoinsTheHubAndSurvivesARestart) {
  const TempDir directory = TempDir::create(fs::temp_directory_path(), "fleet").value();
  const SystemClock clock;
  SystemRandom random;
  FleetSettings settings;
  settings.directory = directory.path() / "fleet";
  settings.binary = "/bin/false";
  settings.clusters = {"cls1", "cls2"};
  const auto client_of = [&](const std::string& name) {
    auto config = kube::load_kubeconfig(settings.directory / "kubeconfig", name);
    return kube::make_http_client(config.value(), Logger()).value();
  };
  std::string url;
  {
    const auto fleet = Fleet::start(settings, clock, random, Logger()).value();
    url = fleet->url();
    EXPECT_EQ(kube::load_kubeconfig(settings.directory / "kubeconfig")->server, url);
    EXPECT_EQ(fleet_members(settings.directory), (std::vector<std::string>{"hub", "cls1", "cls2"}));
    EXPECT_TRUE(client_of("hub")->get(api::kManagedClusterSet, {"", "default"}));
    const auto hub = client_of("hub");
    for (const char* name : {"cls1", "cls2"}) {
      EXPECT_TRUE(eventually([&] {
        const auto cluster = hub->get(api::kManagedCluster, {"", name});
        return cluster &&
               kube::find_condition(*cluster, api::kClusterAvailable)["status"].as_string() ==
                   "True";
      })) << name;
    }
    const auto map = kube::Object::make(api::kConfigMap, {"default", "here"});
    ASSERT_TRUE(client_of("cls1")->create(api::kConfigMap, map));
    EXPECT_FALSE(client_of("cls2")->get(api::kConfigMap, map.key()));
    EXPECT_FALSE(client_of("hub")->list(api::kSubscription, ""));
    const auto second = Fleet::start(settings, clock, random, Logger());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().to_string().find("another sandbox runs in"), std::string::npos);
  }
  const auto fleet = Fleet::start(settings, clock, random, Logger()).value();
  EXPECT_EQ(fleet->url(), url);
  // Nobody is invited twice.
  const auto requests = client_of("hub")->list(api::kCertificateSigningRequest, "");
  EXPECT_EQ(requests->size(), 2u);
  EXPECT_TRUE(client_of("cls1")->get(api::kConfigMap, {"default", "here"}));
}

TEST(SandboxFleet, KilledWhileItJoinsItJoinsInTheEnd) {
  const char* bin = std::getenv("BREAKWATER_BIN");
  ASSERT_NE(bin, nullptr);
  const TempDir directory = TempDir::create(fs::temp_directory_path(), "fleet").value();
  const fs::path fleet = directory.path() / "fleet", log = directory.path() / "log";
  SeededRandom random(7);
  const auto start = [&] {
    return Child::start({std::string(bin) + "/breakwater", "sandbox", "up", "--clusters", "2",
                         "--directory", fleet.string()},
                        log)
        .value();
  };
  for (int i = 0; i < 8; ++i) {
    Child child = start();
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + random.below(1500)));
    child.kill_and_wait();
  }
  Child child = start();
  const auto hub = [&]() -> std::unique_ptr<kube::Client> {
    auto config = kube::load_kubeconfig(fleet / "kubeconfig", "hub");
    if (!config) return nullptr;
    return kube::make_http_client(std::move(*config), Logger()).value();
  };
  for (const char* name : {"cls1", "cls2"}) {
    EXPECT_TRUE(eventually([&] {
      const auto client = hub();
      const auto cluster =
          client ? client->get(api::kManagedCluster, {"", name}) : Result<kube::Object>();
      return cluster &&
             kube::find_condition(*cluster, api::kClusterAvailable)["status"].as_string() == "True";
    })) << name
        << "\n"
        << read_file(log).value_or("");
  }
  // Of several invitations one is left at most.
  for (const char* name : {"cls1", "cls2"}) {
    const auto tokens = hub()->list(api::kSecret, "kube-system",
                                    kube::LabelSelector::equals(api::kCsrClusterLabel, name));
    EXPECT_LE(tokens->size(), 1u);
  }
  child.stop();
}

}  // namespace breakwater::cli::fleet_test
