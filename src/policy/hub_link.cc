#include "policy/hub_link.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/x509.h"
#include "policy/cluster_access.h"
#include "policy/hub_credentials.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr Duration kLookAgain = std::chrono::minutes(10);
constexpr Duration kPollFirst = std::chrono::seconds(2);
constexpr Duration kPollLater = std::chrono::seconds(15);
constexpr Duration kImpatient = std::chrono::minutes(2);  // how long to poll often
constexpr Duration kRefused = std::chrono::minutes(1);

kube::Key secret_key(std::string_view name) {
  return {std::string(api::kAgentNamespace), std::string(name)};
}

Result<std::optional<Object>> find_secret(kube::Reader& cluster, std::string_view name) {
  auto secret = cluster.get(api::kSecret, secret_key(name));
  if (secret) return *secret;
  if (secret.error().is(Code::kNotFound)) return std::nullopt;
  return tl::unexpected(secret.error());
}

class HubLink final : public kube::Reconciler {
 public:
  HubLink(HubLinkSettings settings, HubLinkServices services)
      : settings_(settings), services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key&) override {
    const std::optional<Object> invited =
        TRY(find_secret(services_.cluster, api::kBootstrapKubeconfigSecret));
    const std::optional<Object> kept =
        TRY(find_secret(services_.cluster, api::kHubKubeconfigSecret));
    if (!invited && !kept) return kube::Outcome::again_after(kLookAgain);
    credentials_ = kept ? read_credentials(*kept) : HubCredentials();
    secret_ = kept;
    bootstrap_ = std::nullopt;
    if (invited) {
      auto bootstrap = read_bootstrap(*invited);
      if (bootstrap) {
        bootstrap_ = *std::move(bootstrap);
      } else {
        say(invited, bootstrap.error().message());
      }
    }
    const bool valid = services_.clock.now() < credentials_.not_after();
    if (valid) {
      TRY(connect());
    } else {
      services_.hub.use(nullptr);
      connected_with_.clear();
    }
    return next_certificate(invited, valid);
  }

 private:
  // Decides whether a certificate is needed, and from whom.
  kube::Outcome next_certificate(const std::optional<Object>& invited, bool valid) {
    const bool new_invitation = bootstrap_ && bootstrap_->hash != credentials_.bootstrap_hash;
    const Time now = services_.clock.now();
    if (valid && !new_invitation && now < credentials_.renew_at()) {
      say(invited, fmt::format("connected as cluster {}", credentials_.cluster));
      return kube::Outcome::again_after(
          std::min<Duration>(credentials_.renew_at() - now, kLookAgain));
    }
    if (valid && !new_invitation) return ask(invited, services_.hub, std::nullopt);
    if (!bootstrap_) {
      services_.log.warning("the certificate for the hub has expired and there is no invitation",
                            {{"cluster", credentials_.cluster}});
      return kube::Outcome::again_after(kLookAgain);
    }
    auto client = services_.connect(bootstrap_->config);
    if (!client) {
      say(invited, "cannot use the bootstrap kubeconfig: " + client.error().message());
      return tl::unexpected(client.error());
    }
    return ask(invited, **client, bootstrap_);
  }

  // Takes the request one step further; as `bootstrap`, or as the agent itself.
  kube::Outcome ask(const std::optional<Object>& invited, kube::Client& hub,
                    const std::optional<Bootstrap>& bootstrap) {
    const std::string cluster = bootstrap ? bootstrap->cluster : credentials_.cluster;
    const std::string invitation = bootstrap ? bootstrap->hash : "";
    // What we say about a refusal is a change that wakes us.
    const Duration patience = refused_until_ - services_.clock.monotonic();
    if (patience > Duration::zero() && refused_invitation_ == invitation) {
      return kube::Outcome::again_after(patience);
    }
    if (credentials_.pending_request.empty() || credentials_.pending_key_pem.empty() ||
        credentials_.pending_bootstrap != invitation) {
      TRY(prepare(cluster, invitation));
    }
    auto request = ensure_request(hub, cluster);
    if (!request) {
      say(invited,
          fmt::format("cannot ask the hub for a certificate: {}", request.error().message()));
      return tl::unexpected(request.error());
    }
    for (const Json& condition : request->status()["conditions"].items()) {
      const std::string& type = condition["type"].as_string();
      if (type == "Denied" || type == "Failed") return refused(invited, condition);
    }
    const auto pem = TRY(from_base64(request->status()["certificate"].as_string()));
    if (pem.empty()) return waits(invited, cluster);
    return take(std::string(as_text(pem)), bootstrap);
  }

  Result<> prepare(const std::string& cluster, const std::string& invitation) {
    credentials_.pending_key_pem = TRY(make_private_key());
    credentials_.pending_request = cluster + "-" + name_suffix(services_.random, 8);
    credentials_.pending_bootstrap = invitation;
    if (credentials_.cluster.empty()) credentials_.cluster = cluster;
    asking_since_ = services_.clock.monotonic();
    return save();
  }

  Result<Object> ensure_request(kube::Client& hub, const std::string& cluster) {
    const kube::Key key{"", credentials_.pending_request};
    auto found = hub.get(api::kCertificateSigningRequest, key);
    if (found || !found.error().is(Code::kNotFound)) return found;
    const std::string group = agent_group(cluster);
    const std::string pem = TRY(make_certificate_request(
        credentials_.pending_key_pem, {group + ":" + std::string(kAgent), {group}}));
    Object request = Object::make(api::kCertificateSigningRequest, key);
    request.set_label(api::kCsrClusterLabel, cluster);
    const auto lifetime =
        std::chrono::duration_cast<std::chrono::seconds>(settings_.certificate_lifetime);
    request.set(
        {"spec"},
        Json::object(
            {{"request", to_base64(as_bytes(pem))},
             {"signerName", api::kClientSigner},
             {"expirationSeconds", static_cast<int64_t>(lifetime.count())},
             {"usages", Json::array({"digital signature", "key encipherment", "client auth"})}}));
    auto created = hub.create(api::kCertificateSigningRequest, request);
    if (!created) return created;
    services_.log.info("asked the hub for a certificate",
                       {{"cluster", cluster}, {"request", key.name}});
    return created;
  }

  kube::Outcome waits(const std::optional<Object>& invited, const std::string& cluster) {
    say(invited, fmt::format("waits until the hub accepts cluster {}: an admin of the hub sets "
                             "spec.hubAcceptsClient of ManagedCluster {} (request {})",
                             cluster, cluster, credentials_.pending_request));
    const bool early = services_.clock.monotonic() - asking_since_ < kImpatient;
    return kube::Outcome::again_after(early ? kPollFirst : kPollLater);
  }

  kube::Outcome refused(const std::optional<Object>& invited, const Json& condition) {
    say(invited, fmt::format("the hub refused request {}: {}", credentials_.pending_request,
                             condition["message"].as_string()));
    refused_invitation_ = credentials_.pending_bootstrap;
    refused_until_ = services_.clock.monotonic() + kRefused;
    forget_pending();
    TRY(save());
    return kube::Outcome::again_after(kRefused);
  }

  kube::Outcome take(const std::string& cert_pem, const std::optional<Bootstrap>& bootstrap) {
    if (!key_fits_certificate(credentials_.pending_key_pem, cert_pem)) {
      services_.log.warning("the hub's certificate is for another key; asking anew",
                            {{"request", credentials_.pending_request}});
      forget_pending();
      TRY(save());
      return kube::Outcome::again_after(kPollFirst);
    }
    credentials_.cert_pem = cert_pem;
    credentials_.key_pem = credentials_.pending_key_pem;
    if (bootstrap) {
      credentials_.cluster = bootstrap->cluster;
      credentials_.server = bootstrap->config.server;
      credentials_.ca_pem = bootstrap->config.ca_pem;
      credentials_.bootstrap_hash = bootstrap->hash;
    }
    forget_pending();
    TRY(save());
    services_.log.info(
        "has a certificate for the hub",
        {{"cluster", credentials_.cluster}, {"until", format_rfc3339(credentials_.not_after())}});
    return kube::Outcome::again_after(Duration::zero());  // reads it, as after a restart
  }

  Result<> connect() {
    if (connected_with_ == credentials_.cert_pem) return {};
    auto client =
        TRY(while_doing(services_.connect(credentials_.config()), "connecting to the hub"));
    services_.hub.use(std::move(client));
    connected_with_ = credentials_.cert_pem;
    services_.on_connected(credentials_.cluster);
    return {};
  }

  void forget_pending() {
    credentials_.pending_key_pem.clear();
    credentials_.pending_request.clear();
    credentials_.pending_bootstrap.clear();
  }

  Result<> save() {
    Object next =
        secret_ ? *secret_ : Object::make(api::kSecret, secret_key(api::kHubKubeconfigSecret));
    write_credentials(credentials_, next);
    if (!secret_) next.set({"type"}, "Opaque");
    if (secret_) {
      secret_ = TRY(services_.cluster.update(api::kSecret, next));
    } else {
      secret_ = TRY(services_.cluster.create(api::kSecret, next));
    }
    return {};
  }

  // Best effort: what is said is for people.
  void say(const std::optional<Object>& invited, const std::string& message) {
    if (message != said_) services_.log.info("hub link", {{"state", message}});
    said_ = message;
    if (!invited || invited->annotation(api::kHubLinkAnnotation) == message) return;
    Json patch = Json::object();
    patch.set({"metadata", "annotations", api::kHubLinkAnnotation}, message);
    auto written =
        services_.cluster.patch(api::kSecret, invited->key(), kube::PatchType::kMerge, patch);
    if (!written) {
      services_.log.debug("cannot say how the hub link is",
                          {{"error", written.error().to_string()}});
    }
  }

  static constexpr std::string_view kAgent = "breakwater-agent";
  const HubLinkSettings settings_;
  const HubLinkServices services_;
  // Of the current run.
  HubCredentials credentials_;
  std::optional<Object> secret_;
  std::optional<Bootstrap> bootstrap_;
  // Between runs.
  std::string connected_with_;  // the certificate of the connection
  std::string said_;
  Duration asking_since_{0};
  std::string refused_invitation_;
  Duration refused_until_{0};
};

}  // namespace

kube::Key hub_link_key() { return secret_key(api::kHubKubeconfigSecret); }

kube::ControllerSpec make_hub_link_controller(HubLinkSettings settings, HubLinkServices services) {
  kube::ControllerSpec controller;
  controller.name = kHubLinkController;
  controller.reconciler = std::make_unique<HubLink>(settings, std::move(services));
  return controller;
}

Result<std::string> joined_cluster(kube::Reader& cluster) {
  if (const auto kept = TRY(find_secret(cluster, api::kHubKubeconfigSecret))) {
    const HubCredentials credentials = read_credentials(*kept);
    if (!credentials.cert_pem.empty()) return credentials.cluster;
  }
  return std::string();
}

}  // namespace breakwater::policy
