#include "cli/hub_side.h"

#include "policy/template_sync.h"

namespace breakwater::cli {

HubSide::HubSide(policy::HubLinkSettings settings, HubSideServices services)
    : services_(std::move(services)),
      hub_("the hub", stop_),
      runner_(hub_, services_.clock, services_.random, services_.log.with("to", "hub")) {
  runner_.add(policy::make_hub_link_controller(
      settings, {services_.client, hub_, services_.connect, services_.clock, services_.random,
                 services_.log, [this](const std::string& cluster) { on_connected(cluster); }}));
  runner_.enqueue(std::string(policy::kHubLinkController), policy::hub_link_key());
}

Result<> HubSide::start() {
  const std::string cluster = TRY(while_doing(policy::joined_cluster(services_.client),
                                              "finding out which hub the cluster has joined"));
  if (!cluster.empty()) serve_cluster(cluster);
  // Secrets of the agent's namespace say when the cluster joins.
  services_.cluster.add(policy::make_link_relay([this](const policy::Nudge& nudge) {
    const auto joined = policy::joined_cluster(services_.cluster.reader());
    if (joined && !joined->empty()) serve_cluster(*joined);
    runner_.enqueue(nudge.first, nudge.second);
  }));
  return {};
}

policy::Tell HubSide::tell() {
  return [this](const policy::Nudge& nudge) { runner_.enqueue(nudge.first, nudge.second); };
}

void HubSide::on_connected(const std::string& cluster) {
  if (connected_.empty()) {
    connected_ = cluster;
    for (kube::ControllerSpec& controller : policy::make_hub_sync_controllers(
             cluster, {runner_.reader(), hub_, services_.client, services_.clock, services_.log})) {
      runner_.add(std::move(controller));
    }
  } else if (connected_ != cluster) {
    services_.log.error("this cluster has another name on the hub now; restart the agent",
                        {{"before", connected_}, {"now", cluster}});
    return;
  }
  for (const policy::Nudge& nudge : policy::first_nudges(cluster)) tell()(nudge);
}

void HubSide::serve_cluster(const std::string& cluster) {
  if (!served_.empty()) return;
  served_ = cluster;
  kube::Runner& runner = services_.cluster;
  runner.add(policy::make_template_sync(
      cluster, {runner.reader(), services_.client, services_.clock, services_.log}));
  for (kube::ControllerSpec& controller : policy::make_sync_relays(cluster, tell())) {
    runner.add(std::move(controller));
  }
}

}  // namespace breakwater::cli
