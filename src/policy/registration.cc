#include "policy/registration.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "base/x509.h"
#include "kube/names.h"
#include "policy/cluster_access.h"
#include "policy/registration_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;

bool has_word(const Json& list, std::string_view word) {
  const auto& items = list.items();
  return std::any_of(items.begin(), items.end(),
                     [&](const Json& item) { return item.as_string() == word; });
}

bool decided(const Object& csr) {
  return !csr.status()["conditions"].empty() || !csr.status()["certificate"].as_string().empty();
}

// Why this is no request of an agent of `cluster`; nothing if it is one.
Result<> check_subject(const X509Subject& subject, const std::string& cluster) {
  const std::string group = agent_group(cluster);
  if (subject.organizations != std::vector<std::string>{group}) {
    return fail(Code::kForbidden, "the certificate's O must be {} and nothing else", group);
  }
  const std::string prefix = group + ":";
  const std::string& name = subject.common_name;
  if (!name.starts_with(prefix) || !kube::is_dns_label(name.substr(prefix.size()))) {
    return fail(Code::kForbidden, "the certificate's CN must be {}<agent>", prefix);
  }
  return {};
}

Result<> check_usages(const Json& usages) {
  for (const Json& usage : usages.items()) {
    const std::string& word = usage.as_string();
    if (word != "client auth" && word != "digital signature" && word != "key encipherment") {
      return fail(Code::kForbidden, "the usage \"{}\" is not for a client", word);
    }
  }
  if (!has_word(usages, "client auth")) {
    return fail(Code::kForbidden, "spec.usages must name \"client auth\"");
  }
  return {};
}

Result<> check_request(const Object& csr, const std::string& cluster) {
  const Json& spec = csr.spec();
  const Bytes pem = TRY(from_base64(spec["request"].as_string()));
  const auto info = TRY(read_certificate_request(std::string(as_text(pem))));
  TRY(check_subject(info.subject, cluster));
  if (info.has_alternative_names) {
    return fail(Code::kForbidden, "a client's certificate has no alternative names");
  }
  TRY(check_usages(spec["usages"]));
  if (has_word(spec["groups"], bootstrap_group(cluster))) return {};
  if (spec["username"].as_string() == info.subject.common_name &&
      has_word(spec["groups"], agent_group(cluster))) {
    return {};
  }
  return fail(Code::kForbidden, "{} is not of cluster {}", spec["username"].as_string(), cluster);
}

// Requests of others, a cluster's kubelets for instance, are none of our business.
bool from_an_agent(const Object& csr) {
  const Json& groups = csr.spec()["groups"];
  return std::any_of(groups.items().begin(), groups.items().end(), [](const Json& group) {
    return group.as_string().starts_with(api::kBootstrapGroupPrefix) ||
           group.as_string().starts_with(api::kAgentUserPrefix);
  });
}

class CsrReconciler final : public kube::Reconciler {
 public:
  explicit CsrReconciler(RegistrationServices services) : services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key& key) override {
    auto found = services_.reader.get(api::kCertificateSigningRequest, key);
    if (!found && found.error().is(Code::kNotFound)) return kube::Outcome::done();
    const Object csr = TRY(std::move(found));
    if (csr.label(api::kCsrClusterLabel).empty() || decided(csr)) return kube::Outcome::done();
    auto cluster =
        services_.reader.get(api::kManagedCluster, {"", csr.label(api::kCsrClusterLabel)});
    if (!cluster && !cluster.error().is(Code::kNotFound)) return tl::unexpected(cluster.error());
    const CsrVerdict verdict = judge_request(csr, cluster ? &*cluster : nullptr);
    switch (verdict.kind) {
      case CsrVerdict::Kind::kIgnore:
        break;
      case CsrVerdict::Kind::kWait:
        services_.log.info("a cluster waits to be let in",
                           {{"request", csr.name()}, {"why", verdict.message}});
        break;
      case CsrVerdict::Kind::kApprove:
        TRY(decide(csr, "Approved", "ClusterAccepted", verdict.message));
        break;
      case CsrVerdict::Kind::kDeny:
        TRY(decide(csr, "Denied", "NotThisCluster", verdict.message));
        break;
    }
    return kube::Outcome::done();
  }

 private:
  Result<> decide(const Object& csr, const char* type, const char* reason,
                  const std::string& message) {
    const std::string now = format_rfc3339(services_.clock.now());
    const Json condition = Json::object({{"type", type},
                                         {"status", "True"},
                                         {"reason", reason},
                                         {"message", message},
                                         {"lastUpdateTime", now},
                                         {"lastTransitionTime", now}});
    Json patch = Json::object();
    // Decides only about what was judged.
    patch.set({"metadata", "resourceVersion"}, csr.resource_version());
    patch.set({"status", "conditions"}, Json::array({condition}));
    TRY(services_.client.patch(api::kCertificateSigningRequest, csr.key(), kube::PatchType::kMerge,
                               patch, "approval"));
    services_.log.info("decided a certificate request",
                       {{"request", csr.name()}, {"decision", type}, {"why", message}});
    return {};
  }

  const RegistrationServices services_;
};

// The requests of a cluster wait for what its ManagedCluster says.
std::vector<kube::Key> requests_of(kube::Reader& reader, const Object& cluster) {
  std::vector<kube::Key> keys;
  const auto requests =
      reader.list(api::kCertificateSigningRequest, "",
                  kube::LabelSelector::equals(api::kCsrClusterLabel, cluster.name()));
  if (!requests) return keys;  // each is looked at when the list has arrived
  for (const Object& request : *requests) {
    if (!decided(request)) keys.push_back(request.key());
  }
  return keys;
}

}  // namespace

CsrVerdict judge_request(const Object& csr, const Object* cluster) {
  using Kind = CsrVerdict::Kind;
  const std::string& name = csr.label(api::kCsrClusterLabel);
  if (name.empty() || decided(csr) || !from_an_agent(csr)) return {};
  if (csr.spec()["signerName"].as_string() != api::kClientSigner) return {};
  if (const auto checked = check_request(csr, name); !checked) {
    return {Kind::kDeny, checked.error().message()};
  }
  if (cluster == nullptr || cluster->is_deleting()) {
    return {Kind::kWait, fmt::format("there is no ManagedCluster {}", name)};
  }
  if (!cluster->spec()["hubAcceptsClient"].as_bool()) {
    return {Kind::kWait,
            fmt::format("spec.hubAcceptsClient of ManagedCluster {} is not true", name)};
  }
  return {Kind::kApprove, fmt::format("cluster {} is accepted", name)};
}

std::vector<kube::ControllerSpec> make_registration_controllers(RegistrationServices services) {
  kube::ControllerSpec approval;
  approval.name = "csr-approval";
  approval.reconciler = std::make_unique<CsrReconciler>(services);
  kube::Reader& reader = services.reader;
  approval.sources = {{api::kCertificateSigningRequest, ""},
                      {api::kManagedCluster, "",
                       [&reader](const Object& cluster) { return requests_of(reader, cluster); }}};
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(std::move(approval));
  controllers.push_back(make_managed_cluster_controller(std::move(services)));
  return controllers;
}

}  // namespace breakwater::policy
