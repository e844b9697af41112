#include "policy/invitation.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "policy/cluster_access.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr const char* kSystem = "kube-system";

// Lower-case letters and digits, as bootstrap tokens are made of.
std::string random_text(Random& random, size_t length) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string text;
  while (text.size() < length) text += kAlphabet[random.below(kAlphabet.size())];
  return text;
}

Result<> make_cluster(kube::Client& hub, const std::string& name, bool accept) {
  Object cluster = Object::make(api::kManagedCluster, {"", name});
  cluster.set_label(api::kClusterSetLabel, "default");
  cluster.set({"spec", "hubAcceptsClient"}, accept);
  cluster.set({"spec", "leaseDurationSeconds"}, 60);
  auto created = hub.create(api::kManagedCluster, cluster);
  if (created) return {};
  if (!created.error().is(Code::kAlreadyExists)) return tl::unexpected(created.error());
  auto edited =
      kube::edit(hub, api::kManagedCluster, {"", name}, false, [&](Object& live) -> Result<bool> {
        if (live.is_deleting()) {
          return fail(Code::kConflict,
                      "ManagedCluster {} is being removed; wait until it is "
                      "gone",
                      name);
        }
        if (!accept || live.spec()["hubAcceptsClient"].as_bool()) return false;
        live.set({"spec", "hubAcceptsClient"}, true);
        return true;
      });
  if (!edited) return tl::unexpected(edited.error());
  return {};
}

Result<std::string> make_token(kube::Client& hub, const std::string& name, Time expiration,
                               Random& random) {
  const std::string id = random_text(random, 6);
  const std::string secret = random_text(random, 16);
  Object token = Object::make(api::kSecret, {kSystem, "bootstrap-token-" + id});
  token.set_label(api::kManagedByLabel, api::kManagedBy);
  token.set_label(api::kCsrClusterLabel, name);
  token.set({"type"}, api::kBootstrapTokenType);
  const auto put = [&token](std::string_view key, const std::string& value) {
    token.set({"data", key}, to_base64(as_bytes(value)));
  };
  put("token-id", id);
  put("token-secret", secret);
  put("description", "Lets the agent of cluster " + name + " ask for its certificate");
  put("expiration", format_rfc3339(expiration));
  put("usage-bootstrap-authentication", "true");
  put("auth-extra-groups", bootstrap_group(name));
  TRY(hub.create(api::kSecret, token));
  return id + "." + secret;
}

}  // namespace

Result<std::string> invite_cluster(kube::Client& hub, const std::string& name,
                                   const kube::ClientConfig& address,
                                   const InvitationSettings& settings, Time now, Random& random) {
  if (!is_cluster_name(name)) {
    return fail(Code::kInvalid,
                "\"{}\" is no name for a cluster: use lower-case letters, digits and '-', and no "
                "name of a namespace of the hub's own",
                name);
  }
  TRY(while_doing(make_cluster(hub, name, settings.accept), "making ManagedCluster {}", name));
  std::vector<Grant> grants = bootstrap_objects(name);
  if (settings.accept) {
    for (Grant& grant : access_objects(name)) grants.push_back(std::move(grant));
  }
  TRY(apply_grants(hub, hub, grants));
  kube::ClientConfig config;
  config.server = address.server;
  config.ca_pem = address.ca_pem;
  config.insecure_skip_verify = address.insecure_skip_verify;
  config.default_namespace = name;
  config.token = TRY(while_doing(make_token(hub, name, now + settings.token_lifetime, random),
                                 "making a bootstrap token"));
  return kube::write_kubeconfig(name, config);
}

Result<> store_invitation(kube::Client& cluster, const Object& secret) {
  const Object ns = Object::make(api::kNamespace, {"", secret.ns()});
  auto made = cluster.create(api::kNamespace, ns);
  if (!made && !made.error().is(Code::kAlreadyExists)) return tl::unexpected(made.error());
  auto created = cluster.create(api::kSecret, secret);
  if (created) return {};
  if (!created.error().is(Code::kAlreadyExists)) return tl::unexpected(created.error());
  auto edited =
      kube::edit(cluster, api::kSecret, secret.key(), false, [&](Object& live) -> Result<bool> {
        live.set({"data"}, secret["data"]);
        live.erase({"metadata", "annotations", api::kHubLinkAnnotation});
        return true;
      });
  if (!edited) return tl::unexpected(edited.error());
  return {};
}

Result<> withdraw_invitations(kube::Client& hub, const std::string& name) {
  const auto ours = kube::LabelSelector::equals(api::kCsrClusterLabel, name);
  for (const Object& token : TRY(hub.list(api::kSecret, kSystem, ours))) {
    if (token["type"].as_string() != api::kBootstrapTokenType) continue;
    TRY(kube::remove_if_exists(hub, api::kSecret, token.key()));
  }
  return {};
}

}  // namespace breakwater::policy
