// What an agent keeps to reach its hub, as two Secrets of its own cluster (namespace
// breakwater-agent).
//
//   bootstrap-hub-kubeconfig  put there by `breakwater join`: kubeconfig, cluster-name
//   hub-kubeconfig-secret     kept by the agent: kubeconfig, cluster-name, agent-name, tls.crt,
//                             tls.key, and while it asks for a certificate pending.key and
//                             pending.request (the name of the CertificateSigningRequest)
//
// Values are secrets: they go into no message.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"

namespace breakwater::policy {

struct Bootstrap {
  std::string cluster;
  kube::ClientConfig config;
  std::string hash;  // changes with the content; tells a new invitation from the old one
};

struct HubCredentials {
  std::string cluster;
  std::string cert_pem, key_pem;  // "" until the first certificate
  std::string server, ca_pem;
  std::string bootstrap_hash;  // of the invitation that the certificate came from
  // The request that is on its way, and the invitation that it is for ("" for a renewal).
  std::string pending_key_pem, pending_request, pending_bootstrap;

  // Until when the certificate is good; the epoch if there is none or it cannot be read.
  Time not_after() const;
  // When 80 % of its lifetime have passed.
  Time renew_at() const;
  kube::ClientConfig config() const;
};

// The Secret's meaning; kInvalid names Secret and key, never a value. The cluster's name is the
// key cluster-name, else the namespace of the kubeconfig's context.
Result<Bootstrap> read_bootstrap(const kube::Object& secret);
// A Secret to be written, for `breakwater join`.
kube::Object bootstrap_secret(const std::string& kubeconfig, const std::string& cluster);

HubCredentials read_credentials(const kube::Object& secret);
// Puts `credentials` into the Secret; other members are left alone.
void write_credentials(const HubCredentials& credentials, kube::Object& secret);

// A value of a Secret, decoded; "" if it is absent or not base64.
std::string secret_value(const kube::Object& secret, std::string_view key);

}  // namespace breakwater::policy
