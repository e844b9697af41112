// What a cluster tells its hub: status of Policies, the Lease, claims.
#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/hub_sync_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr Duration kReportAgain = std::chrono::minutes(5);
constexpr int64_t kDefaultLeaseSeconds = 60;

class HubStatus final : public kube::Reconciler {
 public:
  explicit HubStatus(HubSyncServices services) : services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key& key) override {
    const auto replica = TRY(find_object(services_.hub_reader, api::kPolicy, key));
    if (!replica || !replica->has_label(api::kRootPolicyLabel)) return kube::Outcome::done();
    const auto local = TRY(find_object(services_.cluster, api::kPolicy, key));
    if (!local) return kube::Outcome::done();
    if (!local->status().is_null() && !(local->status() == replica->status())) {
      auto written =
          kube::edit(services_.hub, api::kPolicy, key, true, [&](Object& live) -> Result<bool> {
            if (live.status() == local->status()) return false;
            live.set({"status"}, local->status());
            return true;
          });
      if (!written) return tl::unexpected(written.error());
    }
    TRY(acknowledge(*replica, *local));
    return kube::Outcome::done();
  }

 private:
  // The answer is for the removal that is asked for now, not for an earlier one.
  Result<> acknowledge(const Object& replica, const Object& local) {
    const std::string& asked = replica.annotation(api::kRemovalAnnotation);
    const std::string& answered = replica.annotation(api::kRemovalDoneAnnotation);
    const bool done = !asked.empty() && local.annotation(api::kRemovalAnnotation) == asked &&
                      local.annotation(api::kRemovalDoneAnnotation) == asked;
    const std::string answer = done ? asked : "";
    if (answered == answer) return {};
    Json patch = Json::object();
    patch.set({"metadata", "resourceVersion"}, replica.resource_version());
    patch.set({"metadata", "annotations", api::kRemovalDoneAnnotation},
              answer.empty() ? Json() : Json(answer));
    TRY(services_.hub.patch(api::kPolicy, replica.key(), kube::PatchType::kMerge, patch));
    return {};
  }

  const HubSyncServices services_;
};

class ClusterLease final : public kube::Reconciler {
 public:
  explicit ClusterLease(HubSyncServices services) : services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key& key) override {
    const Object cluster = TRY(services_.hub.get(api::kManagedCluster, key));
    const int64_t seconds = std::clamp<int64_t>(
        cluster.spec()["leaseDurationSeconds"].as_int(kDefaultLeaseSeconds), 1, 3600);
    const kube::Key lease{key.name, std::string(api::kClusterLease)};
    const Json spec = Json::object({{"holderIdentity", api::kClusterLease},
                                    {"leaseDurationSeconds", seconds},
                                    {"renewTime", format_rfc3339_micro(services_.clock.now())}});
    auto renewed = services_.hub.patch(api::kLease, lease, kube::PatchType::kMerge,
                                       Json::object({{"spec", spec}}));
    if (!renewed && renewed.error().is(Code::kNotFound)) {
      Object created = Object::make(api::kLease, lease);
      created.set({"spec"}, spec);
      renewed = services_.hub.create(api::kLease, created);
    }
    if (!renewed) return tl::unexpected(renewed.error());
    return kube::Outcome::again_after(std::chrono::seconds(seconds));
  }

 private:
  const HubSyncServices services_;
};

class ClusterReport final : public kube::Reconciler {
 public:
  explicit ClusterReport(HubSyncServices services) : services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key& key) override {
    TRY(claim_openshift_version());
    const Json version = TRY(kubernetes_version());
    const Json claims = TRY(all_claims(version.as_string()));
    auto written = kube::edit(services_.hub, api::kManagedCluster, key, true,
                              [&](Object& cluster) -> Result<bool> {
                                const Object before = cluster;
                                cluster.set({"status", "clusterClaims"}, claims);
                                if (!version.is_null()) {
                                  cluster.set({"status", "version", "kubernetes"}, version);
                                }
                                return !(cluster == before);
                              });
    if (!written) return tl::unexpected(written.error());
    return kube::Outcome::again_after(kReportAgain);
  }

 private:
  Result<Json> kubernetes_version() {
    auto text = services_.cluster.get_raw("/version");
    if (!text) return Json();  // an in-process API has none
    const Json version = TRY(parse_json(*text));
    return version["gitVersion"];
  }

  Result<Json> all_claims(const std::string& version) {
    Json claims = Json::array();
    bool has_version = false;
    for (const Object& claim : TRY(services_.cluster.list(api::kClusterClaim, ""))) {
      has_version = has_version || claim.name() == api::kClaimKubernetesVersion;
      claims.push_back(Json::object({{"name", claim.name()}, {"value", claim.spec()["value"]}}));
    }
    if (!has_version && !version.empty()) {
      claims.push_back(Json::object({{"name", api::kClaimKubernetesVersion}, {"value", version}}));
    }
    return claims;
  }

  // On OpenShift, unless somebody else keeps that claim.
  Result<> claim_openshift_version() {
    auto version = services_.cluster.get(api::kClusterVersion, {"", "version"});
    if (!version) {
      const bool none = version.error().is(Code::kNotFound) || version.error().is(Code::kForbidden);
      return none ? Result<>() : Result<>(tl::unexpected(version.error()));
    }
    const std::string& desired = version->status().at({"desired", "version"}).as_string();
    if (desired.empty()) return {};
    const kube::Key key{"", std::string(api::kClaimOpenShiftVersion)};
    auto claim = TRY(find_object(services_.cluster, api::kClusterClaim, key));
    if (claim && (claim->label(api::kManagedByLabel) != api::kManagedBy ||
                  claim->spec()["value"].as_string() == desired)) {
      return {};
    }
    Object next = claim ? *claim : Object::make(api::kClusterClaim, key);
    next.set_label(api::kManagedByLabel, api::kManagedBy);
    next.set({"spec", "value"}, desired);
    auto written = claim ? services_.cluster.update(api::kClusterClaim, next)
                         : services_.cluster.create(api::kClusterClaim, next);
    if (!written) return tl::unexpected(written.error());
    return {};
  }

  const HubSyncServices services_;
};

template <class Reconciler>
kube::ControllerSpec controller_of(std::string name, HubSyncServices services) {
  kube::ControllerSpec controller;
  controller.name = std::move(name);
  controller.reconciler = std::make_unique<Reconciler>(std::move(services));
  return controller;
}

}  // namespace

kube::ControllerSpec make_hub_status(const std::string& cluster, HubSyncServices services) {
  auto controller = controller_of<HubStatus>("hub-status", std::move(services));
  controller.sources = {{api::kPolicy, cluster}};
  return controller;
}

kube::ControllerSpec make_cluster_lease(const std::string&, HubSyncServices services) {
  return controller_of<ClusterLease>("cluster-lease", std::move(services));
}

kube::ControllerSpec make_cluster_report(const std::string&, HubSyncServices services) {
  return controller_of<ClusterReport>("cluster-report", std::move(services));
}

}  // namespace breakwater::policy
