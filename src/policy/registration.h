// The hub's end of joining: which clusters may come in, and how they are.
//
// A cluster's agent asks for a certificate (CertificateSigningRequest, signer
// kubernetes.io/kube-apiserver-client, label open-cluster-management.io/cluster-name). It gets it
// if its ManagedCluster exists and an admin has set spec.hubAcceptsClient; until then the request
// waits. A request that could never be right is denied with the reason.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"

namespace breakwater::policy {

// What to do about a certificate request.
struct CsrVerdict {
  enum class Kind {
    kIgnore,   // not an agent's, or decided already
    kWait,     // for the admin
    kApprove,  //
    kDeny,
  };
  Kind kind = Kind::kIgnore;
  std::string message = {};  // for people; "" when ignored
};

// `cluster` is the ManagedCluster that the request's label names, or null if there is none. The
// requester, as the API server recorded it, must be a bootstrap token of that very cluster, or its
// agent that renews; subject, usages and label must be those of that cluster's agent.
CsrVerdict judge_request(const kube::Object& csr, const kube::Object* cluster);

struct RegistrationServices {
  kube::Reader& reader;
  kube::Client& client;
  const Clock& clock;
  Logger log;
};

// For the Runner of the hub. Two controllers:
//   csr-approval     decides requests
//   managed-cluster  keeps namespace, roles and bindings of an accepted cluster in place and takes
//                    the bindings of others; conditions HubAcceptedManagedCluster,
//                    ManagedClusterJoined, ManagedClusterConditionAvailable; taints unreachable and
//                    unavailable; label clusterID. A finalizer keeps a deleted ManagedCluster until
//                    its replicated Policies are gone, so that its agent can clean up
// A cluster is Available while its Lease changes within 5 × spec.leaseDurationSeconds of the hub's
// own clock: clocks of other machines are not trusted. What the services refer to outlives the
// controllers.
std::vector<kube::ControllerSpec> make_registration_controllers(RegistrationServices services);

}  // namespace breakwater::policy
