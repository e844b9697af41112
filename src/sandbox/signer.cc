#include "sandbox/signer.h"

#include <algorithm>

#include "api/kinds.h"
#include "apiserver/signing_requests.h"
#include "apiserver/tokens.h"
#include "base/encoding.h"

namespace breakwater::sandbox {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

constexpr Duration kDefaultLife = std::chrono::hours(24);
constexpr Duration kLongestLife = std::chrono::hours(24 * 365);
constexpr Duration kKeepDecided = std::chrono::hours(1);
constexpr Duration kKeepPending = std::chrono::hours(24);
constexpr const char* kTokenNamespace = "kube-system";

Duration life_of(const Object& request) {
  const Json& seconds = request.spec()["expirationSeconds"];
  if (seconds.is_null()) return kDefaultLife;
  return std::min<Duration>(std::chrono::seconds(seconds.as_int()), kLongestLife);
}

bool asks_for_client(const Object& request) {
  for (const Json& usage : request.spec()["usages"].items()) {
    if (usage.as_string() == "client auth") return true;
  }
  return false;
}

// When the request was decided; nothing while it is pending.
std::optional<Time> decided_at(const Object& request) {
  for (const char* type : {"Approved", "Denied", "Failed"}) {
    const Json& condition = kube::find_condition(request, type);
    if (condition.is_null()) continue;
    return parse_rfc3339(condition["lastUpdateTime"].as_string()).value_or(request.created());
  }
  return std::nullopt;
}

class Signer final : public kube::Reconciler {
 public:
  explicit Signer(SignerContext context) : context_(std::move(context)) {}

  Outcome reconcile(const Key& key) override {
    auto request = context_.reader.get(api::kCertificateSigningRequest, key);
    if (!request && request.error().is(Code::kNotFound)) return Outcome::done();
    if (!request) return tl::unexpected(std::move(request).error());
    const std::optional<Time> decided = decided_at(*request);
    const Time end = decided ? *decided + kKeepDecided : request->created() + kKeepPending;
    const Time now = context_.clock.now();
    if (end <= now) {
      kube::DeleteOptions options;
      options.uid = request->uid();
      TRY(kube::remove_if_exists(context_.client, api::kCertificateSigningRequest, key, options));
      return Outcome::done();
    }
    if (wants_certificate(*request)) TRY(sign(*request));
    return Outcome::again_after(end - now);
  }

 private:
  static bool wants_certificate(const Object& request) {
    return request.spec()["signerName"].as_string() == apiserver::kClientSigner &&
           request.status()["certificate"].as_string().empty() &&
           !kube::find_condition(request, "Approved").is_null() &&
           kube::find_condition(request, "Failed").is_null();
  }

  Result<std::string> certificate_for(const Object& request) const {
    if (!asks_for_client(request)) {
      return fail(Code::kInvalid, "spec.usages must contain \"client auth\"");
    }
    const Bytes pem = TRY(from_base64(request.spec()["request"].as_string()));
    return apiserver::sign_client_request(context_.ca, std::string(as_text(pem)),
                                          context_.clock.now(), life_of(request));
  }

  Result<> sign(Object request) {
    const auto certificate = certificate_for(request);
    if (certificate) {
      request.set({"status", "certificate"}, to_base64(as_bytes(*certificate)));
    } else {
      kube::set_condition(request, "Failed", "True", "SignerValidationFailure",
                          certificate.error().message(), context_.clock.now());
    }
    // Over a newer request this is a conflict, and the newer one is looked at next.
    TRY(context_.client.update_status(api::kCertificateSigningRequest, request));
    context_.log.info(certificate ? "certificate issued" : "certificate refused",
                      {{"request", request.name()}});
    return {};
  }

  const SignerContext context_;
};

class TokenCleaner final : public kube::Reconciler {
 public:
  explicit TokenCleaner(SignerContext context) : context_(std::move(context)) {}

  Outcome reconcile(const Key& key) override {
    const auto secret = context_.reader.get(api::kSecret, key);
    if (!secret || (*secret)["type"].as_string() != apiserver::kBootstrapTokenType) {
      return Outcome::done();
    }
    const std::optional<Time> expiry = apiserver::bootstrap_token_expiry(*secret);
    if (!expiry) return Outcome::done();
    const Time now = context_.clock.now();
    if (*expiry > now) return Outcome::again_after(*expiry - now);
    kube::DeleteOptions options;
    options.uid = secret->uid();
    options.resource_version = secret->resource_version();
    TRY(kube::remove_if_exists(context_.client, api::kSecret, key, options));
    return Outcome::done();
  }

 private:
  const SignerContext context_;
};

}  // namespace

std::vector<kube::ControllerSpec> make_signer_controllers(const SignerContext& context) {
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(
      {"csr-signer", std::make_unique<Signer>(context), {{api::kCertificateSigningRequest, ""}}});
  controllers.push_back({"token-cleaner",
                         std::make_unique<TokenCleaner>(context),
                         {{api::kSecret, kTokenNamespace}}});
  return controllers;
}

}  // namespace breakwater::sandbox
