// The policies at work on a cluster: from what the hub delivers to Schedules, and back.
#include "policy/cluster_policies.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/policy/policy_cluster.h"

namespace breakwater::policy {
namespace {

using namespace fixtures;

namespace policies_at_work {

const kube::Key kInstall{"cls1", std::string(api::kInstallPolicyName)};
const kube::Key kBackups{"cls1", std::string(api::kBackupPolicyName)};
const kube::Key kHourly{"oadp-ns", "acm-rho-virt-schedule-hourly"};
constexpr Duration kWhile = std::chrono::minutes(2);

// As the agent makes it: owned by the cluster's copy of the Policy.
kube::Object owned(PolicyCluster& cluster, const kube::Kind& kind, const kube::Key& key) {
  kube::Object parent = kube::Object::make(api::kPolicy, {"cls1", "acm." + key.name});
  parent.set({"spec", "disabled"}, false);
  parent.set({"spec", "policy-templates"}, Json::array({}));
  parent = cluster.create(api::kPolicy, parent);
  kube::Object policy = delivered(kind, key.name, sample_config());
  policy.set({"spec", "remediationAction"}, "enforce");
  policy.add_owner(parent, true);
  return policy;
}

void deliver(PolicyCluster& cluster) {
  cluster.create(api::kSecret, hub_secret_copy());
  cluster.create(api::kVirtInstallPolicy, owned(cluster, api::kVirtInstallPolicy, kInstall));
  cluster.create(api::kVirtBackupPolicy, owned(cluster, api::kVirtBackupPolicy, kBackups));
  kube::Object machine = vm("shop", "vm-1", "hourly");
  machine.erase({"metadata", "uid"});
  cluster.make_namespace("shop");
  cluster.create(api::kVirtualMachine, machine);
}

std::string message_of(const kube::Object& policy) {
  return policy.status()["history"][0]["message"].as_string();
}

std::vector<kube::Object> compliance_events(PolicyCluster& cluster, const std::string& policy) {
  std::vector<kube::Object> events;
  const auto all = cluster.client->list(api::kEvent, "cls1").value_or(events);
  for (const kube::Object& event : all) {
    if (event["involvedObject"]["name"].as_string() == policy) events.push_back(event);
  }
  return events;
}

}  // namespace policies_at_work

using namespace policies_at_work;

TEST(ClusterPolicies, FromDeliveryToASchedule) {
  PolicyCluster cluster;
  deliver(cluster);
  cluster.run_for(kWhile);
  EXPECT_EQ(cluster.get(api::kVirtInstallPolicy, kInstall).status()["compliant"].as_string(),
            "Pending");
  const kube::Object waiting = cluster.get(api::kVirtBackupPolicy, kBackups);
  EXPECT_EQ(message_of(waiting).rfind("Pending; waits for acm-dr-virt-install", 0), 0u)
      << message_of(waiting);
  EXPECT_TRUE(cluster.client->list(api::kSchedule, "")->empty());
  EXPECT_EQ(cluster.get(api::kSecret, {"oadp-ns", "cloud-credentials"})["data"],
            hub_secret_copy()["data"]);
  EXPECT_EQ(cluster.get(api::kConfigMap, {"oadp-ns", "acm-dr-virt-config--cls"})["data"],
            json_map(sample_config()));

  cluster.play_engine("oadp-ns");
  cluster.run_for(kWhile);
  const kube::Object install = cluster.get(api::kVirtInstallPolicy, kInstall);
  EXPECT_EQ(install.status()["compliant"].as_string(), "Compliant") << message_of(install);
  EXPECT_EQ(install.status()["engine"].as_string(), "builtin");
  EXPECT_EQ(install.status()["engineNamespace"].as_string(), "oadp-ns");
  EXPECT_FALSE(cluster.get(api::kSchedule, kHourly).uid().empty());
  const kube::Object summary = cluster.get(api::kVirtProtectionSummary, {"", "cls1"});
  EXPECT_EQ(summary.status()["notProtected"].as_int(), 1);
  const auto events = compliance_events(cluster, "acm.acm-dr-virt-install");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events.size(), install.status()["history"].size());
  EXPECT_EQ(events[1]["message"].as_string(), message_of(install));
}

TEST(ClusterPolicies, AtRestNothingIsWritten) {
  PolicyCluster cluster;
  deliver(cluster);
  cluster.run_for(kWhile);
  cluster.play_engine("oadp-ns");
  cluster.run_for(kWhile);
  const uint64_t version = cluster.server->resource_version();
  cluster.run_for(std::chrono::minutes(20));
  EXPECT_EQ(cluster.server->resource_version(), version);
  // An emptied status.compliant asks to be told again.
  cluster.set_status(api::kVirtInstallPolicy, kInstall, Json::object({{"compliant", ""}}));
  cluster.run_for(kWhile);
  EXPECT_EQ(compliance_events(cluster, "acm.acm-dr-virt-install").size(), 3u);
}

TEST(ClusterPolicies, ALaterViolationFreezes) {
  PolicyCluster cluster;
  deliver(cluster);
  cluster.run_for(kWhile);
  cluster.play_engine("oadp-ns");
  cluster.run_for(kWhile);
  cluster.set_status(api::kBackupStorageLocation, {"oadp-ns", "dpa-hub-1"},
                     Json::object({{"phase", "Unavailable"}, {"message", "no such bucket"}}));
  cluster.run_for(kWhile);
  const kube::Object install = cluster.get(api::kVirtInstallPolicy, kInstall);
  EXPECT_EQ(install.status()["compliant"].as_string(), "NonCompliant");
  EXPECT_NE(message_of(install).find("dpa-hub-1: NotAvailable: it is Unavailable: no such bucket"),
            std::string::npos)
      << message_of(install);
  // Unlabelled now, and still the Schedule stays: nothing is changed while install is not well.
  Json patch = Json::object();
  patch.set({"metadata", "labels", api::kBackupVmLabel}, nullptr);
  ASSERT_TRUE(cluster.client->patch(api::kVirtualMachine, {"shop", "vm-1"}, kube::PatchType::kMerge,
                                    patch));
  cluster.run_for(kWhile);
  EXPECT_FALSE(cluster.get(api::kSchedule, kHourly).uid().empty());
  cluster.set_status(api::kBackupStorageLocation, {"oadp-ns", "dpa-hub-1"},
                     Json::object({{"phase", "Available"}}));
  cluster.run_for(kWhile);
  EXPECT_TRUE(cluster.get(api::kSchedule, kHourly).uid().empty());
}

TEST(ClusterPolicies, InformWritesNothing) {
  PolicyCluster cluster;
  cluster.create(api::kSecret, hub_secret_copy());
  kube::Object policy = owned(cluster, api::kVirtInstallPolicy, kInstall);
  policy.set({"spec", "remediationAction"}, "Inform");
  cluster.create(api::kVirtInstallPolicy, policy);
  cluster.run_for(kWhile);
  EXPECT_TRUE(cluster.get(api::kNamespace, {"", "oadp-ns"}).uid().empty());
  const kube::Object install = cluster.get(api::kVirtInstallPolicy, kInstall);
  EXPECT_EQ(install.status()["compliant"].as_string(), "NonCompliant");
  EXPECT_NE(message_of(install).find("Namespace oadp-ns: Missing"), std::string::npos)
      << message_of(install);
}

TEST(ClusterPolicies, RemovalTakesWhatThePoliciesMadeAndNothingElse) {
  PolicyCluster cluster;
  cluster.make_namespace("oadp-ns");
  kube::Object before = kube::Object::make(api::kSecret, {"oadp-ns", "dm-credential"});
  before.set({"data"}, Json::object({{std::string(api::kRepositoryPasswordKey),
                                      to_base64(as_bytes("correct horse"))}}));
  cluster.create(api::kSecret, before);
  deliver(cluster);
  cluster.run_for(kWhile);
  cluster.play_engine("oadp-ns");
  cluster.run_for(kWhile);
  kube::Object saved = backup("b", cluster.get(api::kVirtualMachine, {"shop", "vm-1"}),
                              "2026-11-21T11:00:00Z", "Completed");
  saved.set({"metadata", "namespace"}, "oadp-ns");
  cluster.create(api::kBackup, saved);

  for (const auto& [kind, key] : {std::pair(api::kVirtInstallPolicy, kInstall),
                                  std::pair(api::kVirtBackupPolicy, kBackups)}) {
    cluster.annotate(kind, key, api::kRemovalAnnotation, "unplaced");
  }
  cluster.run_for(kWhile);
  EXPECT_EQ(cluster.get(api::kVirtInstallPolicy, kInstall).status()["removed"].as_string(),
            "unplaced");
  EXPECT_EQ(cluster.get(api::kVirtBackupPolicy, kBackups).status()["removed"].as_string(),
            "unplaced");
  EXPECT_TRUE(cluster.get(api::kSchedule, kHourly).uid().empty());
  EXPECT_TRUE(cluster.get(api::kDataProtectionApplication, {"oadp-ns", "dpa-hub"}).uid().empty());
  EXPECT_TRUE(cluster.get(api::kSecret, {"oadp-ns", "cloud-credentials"}).uid().empty());
  EXPECT_TRUE(cluster.client->list(api::kConfigMap, "oadp-ns")->empty());
  EXPECT_FALSE(cluster.get(api::kSecret, {"oadp-ns", "dm-credential"}).uid().empty());
  EXPECT_FALSE(cluster.get(api::kNamespace, {"", "oadp-ns"}).uid().empty());
  EXPECT_FALSE(cluster.get(api::kBackup, {"oadp-ns", "b"}).uid().empty());
  EXPECT_FALSE(cluster.get(api::kSecret, {"cls1", "hub-secret"}).uid().empty());

  // The intent is withdrawn: everything comes back.
  cluster.annotate(api::kVirtInstallPolicy, kInstall, api::kRemovalAnnotation, nullptr);
  cluster.run_for(kWhile);
  EXPECT_FALSE(cluster.get(api::kDataProtectionApplication, {"oadp-ns", "dpa-hub"}).uid().empty());
  EXPECT_FALSE(cluster.get(api::kVirtInstallPolicy, kInstall).status().has("removed"));
}

TEST(ClusterPolicies, OadpIsInstalledUpgradedAndRemovedByItsSubscription) {
  PolicyCluster cluster(true);
  deliver(cluster);
  cluster.run_for(kWhile);
  const kube::Key key{"oadp-ns", "redhat-oadp-operator-subscription"};
  const kube::Object subscription = cluster.get(api::kSubscription, key);
  ASSERT_FALSE(subscription.uid().empty());
  kube::Object version =
      kube::Object::make(api::kClusterServiceVersion, {"oadp-ns", "oadp-operator.v1.4.0"});
  cluster.create(api::kClusterServiceVersion, version);
  cluster.set_status(api::kClusterServiceVersion, version.key(),
                     Json::object({{"phase", "Succeeded"}}));
  cluster.set_status(api::kSubscription, key,
                     Json::object({{"installedCSV", "oadp-operator.v1.4.0"}}));
  cluster.run_for(kWhile);
  cluster.play_engine("oadp-ns");
  cluster.run_for(kWhile);
  const kube::Object install = cluster.get(api::kVirtInstallPolicy, kInstall);
  EXPECT_EQ(install.status()["compliant"].as_string(), "Compliant") << message_of(install);
  EXPECT_EQ(install.status()["engine"].as_string(), "oadp");

  // B28: an upgrade is a change of the Subscription, and everything else stays as it is.
  const std::string application =
      cluster.get(api::kDataProtectionApplication, {"oadp-ns", "dpa-hub"}).uid();
  Json patch = Json::object();
  patch.set({"spec", "config", "channel"}, "stable-1.5");
  ASSERT_TRUE(
      cluster.client->patch(api::kVirtInstallPolicy, kInstall, kube::PatchType::kMerge, patch));
  cluster.run_for(kWhile);
  EXPECT_EQ(cluster.get(api::kSubscription, key).uid(), subscription.uid());
  EXPECT_EQ(cluster.get(api::kSubscription, key).spec()["channel"].as_string(), "stable-1.5");
  EXPECT_EQ(cluster.get(api::kDataProtectionApplication, {"oadp-ns", "dpa-hub"}).uid(),
            application);

  cluster.annotate(api::kVirtInstallPolicy, kInstall, api::kRemovalAnnotation, "deleted");
  cluster.run_for(kWhile);
  for (const kube::Kind& kind : {api::kSubscription, api::kOperatorGroup,
                                 api::kClusterServiceVersion, api::kDataProtectionApplication}) {
    EXPECT_TRUE(cluster.client->list(kind, "")->empty()) << kind.kind;
  }
}

TEST(ClusterPolicies, OneOfSeveralPoliciesWorks) {
  PolicyCluster cluster;
  deliver(cluster);
  kube::Object second = delivered(api::kVirtInstallPolicy, "zzz", sample_config());
  cluster.create(api::kVirtInstallPolicy, second);
  cluster.run_for(kWhile);
  const kube::Object other = cluster.get(api::kVirtInstallPolicy, {"cls1", "zzz"});
  EXPECT_NE(message_of(other).find("AnotherPolicy"), std::string::npos) << message_of(other);
}

TEST(ClusterPolicies, AnyWriteMayBeTheLast) {
  // Killed after every single write in turn, and started again.
  for (int64_t k = 1; k <= 30; ++k) {
    PolicyCluster cluster;
    deliver(cluster);
    struct Killed {};
    cluster.faulty->set_before_write([&](int64_t ordinal) -> Result<> {
      if (ordinal > k) throw Killed();
      return {};
    });
    try {
      cluster.run_for(kWhile);
    } catch (const Killed&) {
    }
    cluster.start();
    cluster.run_for(kWhile);
    cluster.play_engine("oadp-ns");
    cluster.run_for(kWhile);
    EXPECT_EQ(cluster.get(api::kVirtInstallPolicy, kInstall).status()["compliant"].as_string(),
              "Compliant")
        << "killed after write " << k;
    EXPECT_FALSE(cluster.get(api::kSchedule, kHourly).uid().empty()) << k;
  }
}

}  // namespace
}  // namespace breakwater::policy
