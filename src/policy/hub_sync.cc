#include "policy/hub_sync.h"

#include "api/kinds.h"
#include "api/names.h"
#include "policy/hub_link.h"
#include "policy/hub_sync_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr const char* kSpecSync = "spec-sync";
constexpr const char* kSecretSync = "secret-sync";
constexpr const char* kHubStatus = "hub-status";
constexpr const char* kClusterLease = "cluster-lease";
constexpr const char* kClusterReport = "cluster-report";

// Passes keys on to controllers of another Runner.
class Relay final : public kube::Reconciler {
 public:
  using Route = std::function<std::vector<Nudge>(const kube::Key&)>;
  Relay(Tell tell, Route route) : tell_(std::move(tell)), route_(std::move(route)) {}
  kube::Outcome reconcile(const kube::Key& key) override {
    for (const Nudge& nudge : route_(key)) tell_(nudge);
    return kube::Outcome::done();
  }

 private:
  const Tell tell_;
  const Route route_;
};

kube::ControllerSpec relay(std::string name, Tell tell, Relay::Route route, kube::Source source) {
  kube::ControllerSpec controller;
  controller.name = std::move(name);
  controller.reconciler = std::make_unique<Relay>(std::move(tell), std::move(route));
  controller.sources.push_back(std::move(source));
  return controller;
}

}  // namespace

Result<> ensure_namespace(kube::Client& client, const std::string& name) {
  auto there = client.get(api::kNamespace, {"", name});
  if (there) return {};
  if (!there.error().is(Code::kNotFound)) return tl::unexpected(there.error());
  Object object = Object::make(api::kNamespace, {"", name});
  object.set_label(api::kManagedByLabel, api::kManagedBy);
  auto created = client.create(api::kNamespace, object);
  if (created || created.error().is(Code::kAlreadyExists)) return {};
  return tl::unexpected(created.error());
}

Result<std::optional<Object>> find_object(kube::Reader& reader, const kube::Kind& kind,
                                          const kube::Key& key) {
  auto found = reader.get(kind, key);
  if (found) return std::optional(*std::move(found));
  if (found.error().is(Code::kNotFound)) return std::nullopt;
  return tl::unexpected(found.error());
}

std::vector<kube::ControllerSpec> make_hub_sync_controllers(const std::string& cluster,
                                                            HubSyncServices services) {
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(make_spec_sync(cluster, services));
  controllers.push_back(make_secret_sync(cluster, services));
  controllers.push_back(make_hub_status(cluster, services));
  controllers.push_back(make_cluster_lease(cluster, services));
  controllers.push_back(make_cluster_report(cluster, services));
  return controllers;
}

std::vector<Nudge> first_nudges(const std::string& cluster) {
  return {{kClusterLease, {"", cluster}}, {kClusterReport, {"", cluster}}};
}

kube::ControllerSpec make_link_relay(Tell tell) {
  return relay("link-relay", std::move(tell),
               [](const kube::Key&) {
                 return std::vector<Nudge>{{std::string(kHubLinkController), hub_link_key()}};
               },
               {api::kSecret, std::string(api::kAgentNamespace)});
}

std::vector<kube::ControllerSpec> make_sync_relays(const std::string& cluster, Tell tell) {
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(relay(
      "policy-relay", tell,
      [](const kube::Key& key) {
        return std::vector<Nudge>{{kSpecSync, key}, {kHubStatus, key}, {kSecretSync, {key.ns, ""}}};
      },
      {api::kPolicy, cluster}));
  controllers.push_back(relay("claim-relay", std::move(tell),
                              [cluster](const kube::Key&) {
                                return std::vector<Nudge>{{kClusterReport, {"", cluster}}};
                              },
                              {api::kClusterClaim, "", [cluster](const Object&) {
                                 return std::vector<kube::Key>{{"", cluster}};
                               }}));
  return controllers;
}

}  // namespace breakwater::policy
