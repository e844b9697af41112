#include "apiserver/signing_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "apiserver/api_errors.h"
#include "base/encoding.h"
#include "base/x509.h"

namespace breakwater::apiserver {
namespace {

using kube::Object;
using Causes = std::vector<std::string>;

constexpr int64_t kShortestLife = 600;
constexpr std::array<std::string_view, 23> kUsages = {
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
};

bool is_verdict(const Json& condition) {
  const std::string& type = condition["type"].as_string();
  return type == "Approved" || type == "Denied";
}

Json stamped(Json condition, Time now) {
  for (const char* time : {"lastUpdateTime", "lastTransitionTime"}) {
    if (condition[time].as_string().empty()) condition.set(time, format_rfc3339(now));
  }
  return condition;
}

Result<CertificateRequestInfo> request_info(const Object& request) {
  const auto pem = from_base64(request.spec()["request"].as_string());
  if (!pem) return fail(Code::kInvalid, "it must be base64");
  return read_certificate_request(std::string(as_text(*pem)));
}

void check_signer_name(const std::string& name, Causes& causes) {
  if (name.empty()) {
    causes.push_back("spec.signerName: Required value");
    return;
  }
  const size_t slash = name.find('/');
  const size_t dot = name.find('.');
  if (slash == std::string::npos || slash + 1 == name.size() || dot >= slash) {
    causes.push_back(fmt::format(
        "spec.signerName: Invalid value: \"{}\": must be a fully qualified domain and path of the "
        "form 'example.com/signer-name'",
        name));
  } else if (name == "kubernetes.io/legacy-unknown") {
    causes.push_back(
        "spec.signerName: Invalid value: \"kubernetes.io/legacy-unknown\": the legacy signerName "
        "is not allowed via this API version");
  }
}

void check_usages(const Json& usages, Causes& causes) {
  if (usages.empty()) causes.push_back("spec.usages: Required value");
  for (size_t i = 0; i < usages.size(); ++i) {
    const std::string& usage = usages[i].as_string();
    if (std::find(kUsages.begin(), kUsages.end(), usage) != kUsages.end()) continue;
    causes.push_back(
        fmt::format("spec.usages[{}]: Unsupported value: \"{}\": supported values: \"{}\"", i,
                    usage, fmt::join(kUsages, "\", \"")));
  }
}

void check_spec(const Object& request, Causes& causes) {
  const auto info = request_info(request);
  if (!info) {
    causes.push_back(fmt::format("spec.request: Invalid value: {}", info.error().message()));
  }
  check_signer_name(request.spec()["signerName"].as_string(), causes);
  check_usages(request.spec()["usages"], causes);
  const Json& seconds = request.spec()["expirationSeconds"];
  if (!seconds.is_null() && seconds.as_int() < kShortestLife) {
    causes.push_back(
        fmt::format("spec.expirationSeconds: Invalid value: {}: may not specify a duration less "
                    "than 600 seconds (10 minutes)",
                    to_json(seconds)));
  }
}

void check_conditions(const Json& conditions, Causes& causes) {
  std::vector<std::string> seen;
  for (size_t i = 0; i < conditions.size(); ++i) {
    const std::string& type = conditions[i]["type"].as_string();
    const std::string at = fmt::format("status.conditions[{}]", i);
    if (type.empty()) causes.push_back(at + ".type: Required value");
    if (std::find(seen.begin(), seen.end(), type) != seen.end()) {
      causes.push_back(fmt::format("{}.type: Duplicate value: \"{}\"", at, type));
    }
    seen.push_back(type);
    const bool only_true = is_verdict(conditions[i]) || type == "Failed";
    const std::string& status = conditions[i]["status"].as_string();
    if (only_true ? status != "True"
                  : status != "True" && status != "False" && status != "Unknown") {
      causes.push_back(fmt::format("{}.status: Unsupported value: \"{}\": supported values: {}", at,
                                   status,
                                   only_true ? "\"True\"" : "\"False\", \"True\", \"Unknown\""));
    }
  }
  const auto has = [&seen](const char* type) {
    return std::find(seen.begin(), seen.end(), type) != seen.end();
  };
  if (has("Approved") && has("Denied")) {
    causes.push_back(
        "status.conditions: Invalid value: Approved and Denied conditions are mutually exclusive");
  }
}

// A verdict stands, and so does a certificate.
void check_changes(const Object& old, const Object& request, Causes& causes) {
  for (const Json& before : old.status()["conditions"].items()) {
    if (!is_verdict(before)) continue;
    const std::string& type = before["type"].as_string();
    const Json& after = kube::find_condition(request, type);
    if (after == before) continue;
    causes.push_back(
        fmt::format("status.conditions: Forbidden: updates may not {} a condition of "
                    "type \"{}\"",
                    after.is_null() ? "remove" : "modify", type));
  }
  const std::string& before = old.status()["certificate"].as_string();
  const std::string& after = request.status()["certificate"].as_string();
  if (!before.empty() && before != after) {
    causes.push_back("status.certificate: Forbidden: updates may not modify the certificate");
  }
  if (after.empty() || after == before) return;
  const auto pem = from_base64(after);
  const auto good = pem ? read_certificate(std::string(as_text(*pem)))
                        : Result<CertificateInfo>(fail(Code::kInvalid, "it must be base64"));
  if (!good) {
    causes.push_back(fmt::format("status.certificate: Invalid value: {}", good.error().message()));
  }
}

}  // namespace

bool is_signing_request(const ServedKind& kind) {
  return kind.builtin && kind.kind == "CertificateSigningRequest";
}

Object with_requester(Object request, const User& user) {
  if (!request.spec().is_object()) return request;  // check_signing_request() says the rest
  request.erase({"spec", "extra"});
  request.erase({"spec", "uid"});
  request.set({"spec", "username"}, user.name);
  request.set({"spec", "groups"}, Json(Json::Array(user.groups.begin(), user.groups.end())));
  if (!user.uid.empty()) request.set({"spec", "uid"}, user.uid);
  return request;
}

Object merged_request_status(const Object& old, const Object& object, std::string_view subresource,
                             Time now) {
  const bool approval = subresource == "approval";
  Object next = old;
  if (!approval) next.set({"status"}, object.status().is_null() ? Json::object() : object.status());
  Json conditions = Json::array();
  for (const Json& condition : (approval ? object : old).status()["conditions"].items()) {
    if (is_verdict(condition)) conditions.push_back(stamped(condition, now));
  }
  for (const Json& condition : (approval ? old : object).status()["conditions"].items()) {
    if (!is_verdict(condition)) conditions.push_back(stamped(condition, now));
  }
  if (!conditions.empty()) {
    next.set({"status", "conditions"}, std::move(conditions));
  } else if (next.status().has("conditions")) {
    next.erase({"status", "conditions"});
  }
  return next;
}

void check_signing_request(const Object& old, const Object& object, Causes& causes) {
  if (old.json().is_null()) return check_spec(object, causes);
  check_conditions(object.status()["conditions"], causes);
  check_changes(old, object, causes);
}

Result<> require_signer(kube::Reader& policy, const User& user, const ServedKind& kind,
                        const Object& request, std::string_view verb) {
  const std::string& signer = request.spec()["signerName"].as_string();
  for (const std::string& name : {signer, signer.substr(0, signer.find('/')) + "/*"}) {
    const Access access{.verb = std::string(verb),
                        .group = kind.group,
                        .resource = "signers",
                        .subresource = "",
                        .ns = "",
                        .name = name,
                        .path = ""};
    if (authorize(policy, user, access).allowed) return {};
  }
  return forbidden(
      kind, request.name(),
      fmt::format("user not permitted to {} requests with signerName \"{}\"", verb, signer));
}

Result<> refuse_masters(const ServedKind& kind, const Object& request) {
  if (request.spec()["signerName"].as_string() != kClientSigner) return {};
  const auto info = request_info(request);
  if (!info) return {};  // refused for that
  const auto& groups = info->subject.organizations;
  if (std::find(groups.begin(), groups.end(), "system:masters") == groups.end()) return {};
  return forbidden(
      kind, request.name(),
      fmt::format("use of {} signer with system:masters group is not allowed", kClientSigner));
}

}  // namespace breakwater::apiserver
