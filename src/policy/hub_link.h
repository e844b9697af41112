// The agent's end of joining: from an invitation to a connection that renews itself.
//
// `breakwater join` leaves a bootstrap kubeconfig in a Secret of the cluster. The agent makes a
// key, asks the hub for a certificate, waits until the hub's admin has accepted the cluster, and
// keeps the certificate in a Secret beside it (policy/hub_credentials.h). At 80 % of the
// certificate's lifetime it asks for the next one as itself. When it has expired, or when there is
// a new invitation, it begins anew with that.
//
// Every step is written down before the next, so the process may be killed anywhere. How things
// stand is an annotation (breakwater.dev/hub-link) of the bootstrap Secret.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/client.h"
#include "kube/controller.h"
#include "kube/kubeconfig.h"
#include "kube/switching_client.h"

namespace breakwater::policy {

// Makes a client of what a kubeconfig says: over HTTPS in programs, in process in the simulator.
using Connect = std::function<Result<std::shared_ptr<kube::Client>>(const kube::ClientConfig&)>;

struct HubLinkSettings {
  // Asked for; the hub's signer may give less.
  Duration certificate_lifetime = std::chrono::hours(24 * 30);
};

struct HubLinkServices {
  kube::Client& cluster;       // the agent's own
  kube::SwitchingClient& hub;  // connected here
  Connect connect;
  const Clock& clock;
  Random& random;
  Logger log;
  // Called with the cluster's name on the hub when there is a connection, the first and every later
  // one, by the reconciler.
  std::function<void(const std::string& cluster)> on_connected;
};

inline constexpr std::string_view kHubLinkController = "hub-link";
// Its only key.
kube::Key hub_link_key();

// One controller without sources: it is told of changes of Secrets in namespace breakwater-agent by
// its key being enqueued, for it runs on the Runner of the hub and they are on the cluster. It
// looks by itself at least every ten minutes.
kube::ControllerSpec make_hub_link_controller(HubLinkSettings settings, HubLinkServices services);

// The name of the cluster on its hub as the Secrets say, without asking the hub; "" if it has not
// joined one.
Result<std::string> joined_cluster(kube::Reader& cluster);

}  // namespace breakwater::policy
