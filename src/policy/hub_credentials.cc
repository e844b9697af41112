#include "policy/hub_credentials.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/x509.h"
#include "kube/names.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr std::string_view kAgentName = "breakwater-agent";

void put(Object& secret, std::string_view key, const std::string& value) {
  if (value.empty()) {
    secret.erase({"data", key});
  } else {
    secret.set({"data", key}, to_base64(as_bytes(value)));
  }
}

std::optional<CertificateInfo> info_of(const std::string& cert_pem) {
  if (cert_pem.empty()) return std::nullopt;
  auto info = read_certificate(cert_pem);
  return info ? std::optional(*std::move(info)) : std::nullopt;
}

}  // namespace

std::string secret_value(const Object& secret, std::string_view key) {
  const auto bytes = from_base64(secret["data"][key].as_string());
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

Time HubCredentials::not_after() const {
  const auto info = info_of(cert_pem);
  return info ? info->not_after : Time();
}

Time HubCredentials::renew_at() const {
  const auto info = info_of(cert_pem);
  if (!info) return Time();
  return info->not_before + (info->not_after - info->not_before) / 10 * 8;
}

kube::ClientConfig HubCredentials::config() const {
  kube::ClientConfig config;
  config.server = server;
  config.ca_pem = ca_pem;
  config.client_cert_pem = cert_pem;
  config.client_key_pem = key_pem;
  config.default_namespace = cluster;
  return config;
}

Result<Bootstrap> read_bootstrap(const Object& secret) {
  const std::string where = "Secret " + secret.key().to_string();
  const std::string text = secret_value(secret, "kubeconfig");
  if (text.empty()) return fail(Code::kInvalid, "{}: kubeconfig is missing", where);
  Bootstrap bootstrap;
  bootstrap.config = TRY(kube::parse_kubeconfig(text, where));
  const std::string name = secret_value(secret, "cluster-name");
  bootstrap.cluster = name.empty() ? bootstrap.config.default_namespace : name;
  if (!kube::is_dns_label(bootstrap.cluster)) {
    return fail(Code::kInvalid, "{}: \"{}\" is no name of a cluster", where, bootstrap.cluster);
  }
  const Sha256Digest digest = sha256(as_bytes(text));
  bootstrap.hash = to_hex(digest).substr(0, 16);
  return bootstrap;
}

Object bootstrap_secret(const std::string& kubeconfig, const std::string& cluster) {
  Object secret = Object::make(api::kSecret, {std::string(api::kAgentNamespace),
                                              std::string(api::kBootstrapKubeconfigSecret)});
  secret.set_label(api::kManagedByLabel, api::kManagedBy);
  secret.set({"type"}, "Opaque");
  put(secret, "kubeconfig", kubeconfig);
  put(secret, "cluster-name", cluster);
  return secret;
}

HubCredentials read_credentials(const Object& secret) {
  HubCredentials credentials;
  credentials.cluster = secret_value(secret, "cluster-name");
  credentials.cert_pem = secret_value(secret, "tls.crt");
  credentials.key_pem = secret_value(secret, "tls.key");
  credentials.bootstrap_hash = secret_value(secret, "bootstrap-hash");
  credentials.pending_key_pem = secret_value(secret, "pending.key");
  credentials.pending_request = secret_value(secret, "pending.request");
  credentials.pending_bootstrap = secret_value(secret, "pending.bootstrap");
  const auto config =
      kube::parse_kubeconfig(secret_value(secret, "kubeconfig"), api::kHubKubeconfigSecret);
  if (config) {
    credentials.server = config->server;
    credentials.ca_pem = config->ca_pem;
  }
  if (!config || !key_fits_certificate(credentials.key_pem, credentials.cert_pem)) {
    credentials.cert_pem.clear();
    credentials.key_pem.clear();
  }
  return credentials;
}

void write_credentials(const HubCredentials& credentials, Object& secret) {
  secret.set_label(api::kManagedByLabel, api::kManagedBy);
  put(secret, "cluster-name", credentials.cluster);
  put(secret, "agent-name", std::string(kAgentName));
  put(secret, "tls.crt", credentials.cert_pem);
  put(secret, "tls.key", credentials.key_pem);
  put(secret, "bootstrap-hash", credentials.bootstrap_hash);
  put(secret, "pending.key", credentials.pending_key_pem);
  put(secret, "pending.request", credentials.pending_request);
  put(secret, "pending.bootstrap", credentials.pending_bootstrap);
  const bool complete = !credentials.cert_pem.empty() && !credentials.server.empty();
  put(secret, "kubeconfig",
      complete ? kube::write_kubeconfig(credentials.cluster, credentials.config()) : "");
}

}  // namespace breakwater::policy
