// Inviting a cluster to a hub: what `breakwater cluster add` makes there, and how it is taken back.
#pragma once

#include <string>

#include "base/random.h"
#include "base/time.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"

namespace breakwater::policy {

struct InvitationSettings {
  bool accept = true;  // false: an admin sets spec.hubAcceptsClient later
  Duration token_lifetime = std::chrono::hours(24);
};

// Makes the ManagedCluster `name` (in the ManagedClusterSet default unless it is in one), its
// namespace and rights, and a bootstrap token; returns a kubeconfig that holds the token: a secret.
// `hub` must be an admin; `address` says where clusters reach the hub (server, ca_pem). A cluster
// that exists gets a further token. kInvalid for a name that is no DNS label.
Result<std::string> invite_cluster(kube::Client& hub, const std::string& name,
                                   const kube::ClientConfig& address,
                                   const InvitationSettings& settings, Time now, Random& random);

// Leaves an invitation (policy/hub_credentials.h: bootstrap_secret()) in a cluster for its agent;
// what `breakwater join` does. An earlier one is replaced.
Result<> store_invitation(kube::Client& cluster, const kube::Object& secret);

// Removes all bootstrap tokens of a cluster.
Result<> withdraw_invitations(kube::Client& hub, const std::string& name);

}  // namespace breakwater::policy
