#include <algorithm>
#include <map>

#include "api/kinds.h"
#include "api/names.h"
#include "kube/names.h"
#include "policy/cluster_access.h"
#include "policy/registration_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr Duration kLookAgain = std::chrono::minutes(10);
constexpr Duration kLeaving = std::chrono::seconds(5);
constexpr int kMissedRenewals = 5;
constexpr int64_t kDefaultLeaseSeconds = 60;

enum class Health { kNeverSeen, kFresh, kStale };

bool set_taint(Object& cluster, std::string_view key, bool wanted, Time now) {
  Json kept = Json::array();
  bool present = false;
  for (const Json& taint : cluster.spec()["taints"].items()) {
    if (taint["key"].as_string() != key) {
      kept.push_back(taint);
    } else if (wanted) {
      present = true;
      kept.push_back(taint);
    }
  }
  if (wanted && !present) {
    kept.push_back(
        Json::object({{"key", key}, {"effect", "NoSelect"}, {"timeAdded", format_rfc3339(now)}}));
  }
  if (kept == cluster.spec()["taints"] || (kept.empty() && cluster.spec()["taints"].is_null())) {
    return false;
  }
  cluster.set({"spec", "taints"}, std::move(kept));
  return true;
}

// id.openshift.io before id.k8s.io; "" if the cluster has not said.
std::string claimed_id(const Object& cluster) {
  std::string id;
  for (const Json& claim : cluster.status()["clusterClaims"].items()) {
    const std::string& name = claim["name"].as_string();
    if (name == api::kClaimOpenShift) return claim["value"].as_string();
    if (name == api::kClaimKubernetes) id = claim["value"].as_string();
  }
  return id;
}

class ManagedClusterReconciler final : public kube::Reconciler {
 public:
  explicit ManagedClusterReconciler(RegistrationServices services)
      : services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key& key) override {
    auto found = services_.reader.get(api::kManagedCluster, key);
    if (!found && found.error().is(Code::kNotFound)) return gone(key);
    Object cluster = TRY(std::move(found));
    if (cluster.is_deleting()) return leave(cluster);
    const bool accepted = cluster.spec()["hubAcceptsClient"].as_bool() && is_cluster_name(key.name);
    if (accepted) {
      TRY(apply_grants(services_.reader, services_.client, access_objects(key.name)));
    } else {
      TRY(revoke_access(services_.client, key.name));
    }
    Duration look_again = kLookAgain;
    const Health health = TRY(health_of(cluster, look_again));
    TRY(write_status(cluster, accepted, health));
    TRY(write_spec(cluster, accepted));
    return kube::Outcome::again_after(look_again);
  }

 private:
  // A cluster that goes keeps its rights until its agent has taken away what the policies made
  // there. One that never came has nothing to take away.
  kube::Outcome leave(const Object& cluster) {
    if (!cluster.has_finalizer(api::kClusterFinalizer)) return kube::Outcome::done();
    const std::vector<Object> policies = TRY(services_.client.list(api::kPolicy, cluster.name()));
    const bool joined = !kube::find_condition(cluster, api::kClusterJoined).is_null();
    size_t left = 0;
    for (const Object& policy : policies) {
      if (!policy.has_label(api::kRootPolicyLabel)) continue;
      if (joined) {
        ++left;
      } else {
        TRY(kube::remove_if_exists(services_.client, api::kPolicy, policy.key()));
      }
    }
    if (left > 0) {
      services_.log.info("a cluster is leaving",
                         {{"cluster", cluster.name()}, {"policies", static_cast<int64_t>(left)}});
      return kube::Outcome::again_after(kLeaving);
    }
    TRY(remove_access(services_.client, cluster.name()));
    Object next = cluster;
    next.remove_finalizer(api::kClusterFinalizer);
    TRY(services_.client.update(api::kManagedCluster, next));
    return kube::Outcome::done();
  }

  // Whoever was let in as this cluster is let in no longer.
  kube::Outcome gone(const kube::Key& key) {
    auto live = services_.client.get(api::kManagedCluster, key);
    if (live) return kube::Outcome::again_after(std::chrono::seconds(1));
    if (!live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
    renewals_.erase(key.name);
    TRY(remove_access(services_.client, key.name));
    return kube::Outcome::done();
  }

  // How long it will be fresh goes into `look_again`.
  Result<Health> health_of(const Object& cluster, Duration& look_again) {
    auto lease =
        services_.reader.get(api::kLease, {cluster.name(), std::string(api::kClusterLease)});
    if (!lease && !lease.error().is(Code::kNotFound)) return tl::unexpected(lease.error());
    if (!lease) return Health::kNeverSeen;
    const Duration now = services_.clock.monotonic();
    const std::string& renewed = lease->spec()["renewTime"].as_string();
    auto [renewal, first] = renewals_.try_emplace(cluster.name(), Renewal{renewed, now});
    if (renewal->second.time != renewed) {
      renewal->second = {renewed, now};
    } else if (first && !available(cluster)) {
      // Found after a restart: what was held to be gone is gone until it moves.
      renewal->second.seen = now - grace(cluster);
    }
    const Duration left = renewal->second.seen + grace(cluster) - now;
    if (left <= Duration::zero()) return Health::kStale;
    look_again = std::min(look_again, left);
    return Health::kFresh;
  }

  static Duration grace(const Object& cluster) {
    const int64_t seconds = cluster.spec()["leaseDurationSeconds"].as_int(kDefaultLeaseSeconds);
    return std::chrono::seconds(kMissedRenewals * std::clamp<int64_t>(seconds, 1, 86400));
  }

  static bool available(const Object& cluster) {
    const Json& condition = kube::find_condition(cluster, api::kClusterAvailable);
    return condition.is_null() || condition["status"].as_string() == "True";
  }

  Result<> write_status(Object& cluster, bool accepted, Health health) {
    Object next = cluster;
    const Time now = services_.clock.now();
    bool changed =
        accepted ? kube::set_condition(next, api::kHubAccepted, "True", "HubClusterAdminAccepted",
                                       "Accepted by hub cluster admin", now)
                 : kube::set_condition(next, api::kHubAccepted, "False", "HubClusterAdminDenied",
                                       "spec.hubAcceptsClient is not true", now);
    if (health != Health::kNeverSeen) {
      changed |= kube::set_condition(next, api::kClusterJoined, "True", "ManagedClusterJoined",
                                     "Managed cluster joined", now);
    }
    if (health == Health::kFresh) {
      changed |=
          kube::set_condition(next, api::kClusterAvailable, "True", "ManagedClusterAvailable",
                              "Managed cluster is available", now);
    } else if (health == Health::kStale) {
      changed |= kube::set_condition(next, api::kClusterAvailable, "Unknown",
                                     "ManagedClusterLeaseUpdateStopped",
                                     "The agent stopped updating its lease", now);
    }
    if (!changed) return {};
    report(cluster, next);
    cluster = TRY(services_.client.update_status(api::kManagedCluster, next));
    return {};
  }

  void report(const Object& before, const Object& after) const {
    const auto status = [](const Object& cluster) {
      return kube::find_condition(cluster, api::kClusterAvailable)["status"].as_string();
    };
    if (status(before) == status(after)) return;
    services_.log.info("a cluster's availability changes",
                       {{"cluster", after.name()}, {"available", status(after)}});
  }

  // Taints follow the condition, whoever wrote it; the label follows the claims.
  Result<> write_spec(const Object& cluster, bool accepted) {
    Object next = cluster;
    const std::string status =
        kube::find_condition(cluster, api::kClusterAvailable)["status"].as_string();
    const Time now = services_.clock.now();
    bool changed =
        set_taint(next, api::kUnreachableTaint, status != "True" && status != "False", now);
    changed |= set_taint(next, api::kUnavailableTaint, status == "False", now);
    const std::string id = claimed_id(cluster);
    if (!id.empty() && kube::check_label_value(id) && cluster.label(api::kClusterIdLabel) != id) {
      next.set_label(api::kClusterIdLabel, id);
      changed = true;
    }
    if (accepted && !cluster.has_finalizer(api::kClusterFinalizer)) {
      next.add_finalizer(api::kClusterFinalizer);
      changed = true;
    }
    if (!changed) return {};
    TRY(services_.client.update(api::kManagedCluster, next));
    return {};
  }

  struct Renewal {
    std::string time;  // as the agent wrote it; only compared
    Duration seen{0};  // when we first saw it
  };
  const RegistrationServices services_;
  std::map<std::string, Renewal> renewals_;
};

std::vector<kube::Key> cluster_of_label(const Object& object) {
  const std::string& cluster = object.label(api::kCsrClusterLabel);
  if (cluster.empty()) return {};
  return {{"", cluster}};
}

std::vector<kube::Key> cluster_of_lease(const Object& lease) {
  if (lease.name() != api::kClusterLease) return {};
  return {{"", lease.ns()}};
}

}  // namespace

kube::ControllerSpec make_managed_cluster_controller(RegistrationServices services) {
  kube::ControllerSpec controller;
  controller.name = "managed-cluster";
  controller.reconciler = std::make_unique<ManagedClusterReconciler>(std::move(services));
  controller.sources = {{api::kManagedCluster, ""},
                        {api::kLease, "", cluster_of_lease},
                        {api::kRole, "", cluster_of_label},
                        {api::kRoleBinding, "", cluster_of_label},
                        {api::kClusterRole, "", cluster_of_label},
                        {api::kClusterRoleBinding, "", cluster_of_label}};
  return controller;
}

}  // namespace breakwater::policy
