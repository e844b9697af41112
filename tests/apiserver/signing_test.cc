// CertificateSigningRequests: who may ask, decide and sign, and what each may change.
#include "apiserver/certificates.h"
#include "apiserver/signing_requests.h"
#include "base/encoding.h"
#include "base/x509.h"
#include "tests/apiserver/world.h"

namespace breakwater::apiserver::signing_test {

constexpr kube::Kind kRequest{"certificates.k8s.io", "v1", "CertificateSigningRequest",
                              "certificatesigningrequests", false};
constexpr kube::Kind kClusterRole{
    "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false, false};
constexpr kube::Kind kClusterRoleBinding{"rbac.authorization.k8s.io", "v1",  "ClusterRoleBinding",
                                         "clusterrolebindings",       false, false};

std::string request_pem(const X509Subject& subject = {"agent", {"agents"}}) {
  return *make_certificate_request(*make_private_key(), subject);
}

kube::Object request(std::string_view name, const std::string& pem, std::string_view more = "{}") {
  kube::Object object = kube::Object::make(kRequest, {"", std::string(name)});
  object.set({"spec"}, yaml(R"({signerName: kubernetes.io/kube-apiserver-client,
                                usages: [client auth], username: somebody else, uid: forged,
                                groups: [system:masters], extra: {a: [b]}})"));
  object.set({"spec", "request"}, to_base64(as_bytes(pem)));
  const Json fields = yaml(more);
  for (const auto& [field, value] : fields.members()) object.set({"spec", field}, value);
  return object;
}

void grant(World& world, std::string_view user, std::string_view rules) {
  kube::Object role = kube::Object::make(kClusterRole, {"", std::string(user)});
  role.set({"rules"}, yaml(rules));
  ASSERT_TRUE(world.admin->create(kClusterRole, role));
  kube::Object binding = kube::Object::make(kClusterRoleBinding, {"", std::string(user)});
  binding.set({"roleRef"}, Json::object({{"kind", "ClusterRole"}, {"name", user}}));
  binding.set({"subjects"}, Json::array({Json::object({{"kind", "User"}, {"name", user}})}));
  ASSERT_TRUE(world.admin->create(kClusterRoleBinding, binding));
}

template <class T>
std::string outcome_of(const Result<T>& result) {
  return result ? "" : result.error().message();
}

kube::Object with_conditions(kube::Object object, std::string_view conditions) {
  object.set({"status", "conditions"}, yaml(conditions));
  return object;
}

constexpr const char* kYes = "[{type: Approved, status: 'True', reason: r, message: m}]";
constexpr const char* kNo = "[{type: Denied, status: 'True', reason: r, message: m}]";

TEST(SigningRequests, SayWhoAskedWhateverTheySayThemselves) {
  World world;
  grant(world, "ann",
        "[{apiGroups: [certificates.k8s.io], resources: ['*'], verbs: [create, update, get]}]");
  const auto ann = world.server->client({"ann", {"crew", "system:authenticated"}, "u-1"});
  kube::Object asked = request("r", request_pem());
  asked.set({"status", "certificate"}, "bWluZQ==");
  auto made = ann->create(kRequest, asked);
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(made->spec()["username"].as_string(), "ann");
  EXPECT_EQ(made->spec()["uid"].as_string(), "u-1");
  EXPECT_EQ(to_json(made->spec()["groups"]), R"(["crew","system:authenticated"])");
  EXPECT_TRUE(made->spec()["extra"].is_null());
  EXPECT_TRUE(made->status().is_null());

  // Nothing of it can be changed later, nor approved by the way.
  kube::Object changed = with_conditions(*made, kYes);
  changed.set({"spec", "username"}, "admin");
  changed.set({"metadata", "labels", "a"}, "b");
  const auto updated = ann->update(kRequest, changed);
  ASSERT_TRUE(updated) << updated.error().to_string();
  EXPECT_EQ(updated->label("a"), "b");
  EXPECT_EQ(updated->spec(), made->spec());
  EXPECT_TRUE(updated->status().is_null());
}

TEST(SigningRequests, AreRefusedWithOneSentenceAField) {
  World world;
  const std::string good = request_pem();
  const struct {
    const char* about;
    kube::Object asked;
    std::string_view message;
  } cases[] = {
      {"garbage", request("a", "garbage"),
       "spec.request: Invalid value: it must be one PEM block of type CERTIFICATE REQUEST"},
      {"not base64", request("a", good, "{request: '%%%'}"),
       "spec.request: Invalid value: it must be base64"},
      {"no signer", request("a", good, "{signerName: ''}"), "spec.signerName: Required value"},
      {"no domain", request("a", good, "{signerName: mine}"),
       "spec.signerName: Invalid value: \"mine\": must be a fully qualified domain and path of the "
       "form 'example.com/signer-name'"},
      {"no usages", request("a", good, "{usages: []}"), "spec.usages: Required value"},
      {"unknown usage", request("a", good, "{usages: [fun]}"),
       "spec.usages[0]: Unsupported value: \"fun\": supported values: "},
      {"too short", request("a", good, "{expirationSeconds: 599}"),
       "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 "
       "seconds (10 minutes)"},
      {"masters", request("a", request_pem({"me", {"system:masters"}})),
       "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not "
       "allowed"},
  };
  for (const auto& c : cases) {
    const std::string message = outcome_of(world.admin->create(kRequest, c.asked));
    EXPECT_NE(message.find(c.message), std::string::npos) << c.about << ": " << message;
    EXPECT_EQ(message.find("BEGIN"), std::string::npos) << c.about;
  }
  EXPECT_EQ(outcome_of(world.admin->create(kRequest,
                                           request("b", good,
                                                   "{expirationSeconds: 600, usages: [client auth, "
                                                   "digital signature, key encipherment]}"))),
            "");
}

TEST(SigningRequests, ApprovalTakesTheRightForItsSigner) {
  World world;
  ASSERT_TRUE(world.admin->create(kRequest, request("r", request_pem())));
  const char* approval =
      "{apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], "
      "verbs: [update, patch]}";
  grant(world, "half", fmt::format("[{}]", approval));
  grant(world, "other",
        fmt::format("[{}, {{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: "
                    "[example.com/s], verbs: [approve]}}]",
                    approval));
  grant(world, "full",
        fmt::format("[{}, {{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: "
                    "['kubernetes.io/*'], verbs: [approve]}}]",
                    approval));
  const kube::Object verdict = with_conditions(world.admin->get(kRequest, {"", "r"}).value(), kYes);
  const auto approve = [&](const char* user, const kube::Object& with) {
    return outcome_of(
        world.server->client({user, {}, ""})->update_subresource(kRequest, with, "approval"));
  };
  EXPECT_NE(approve("nobody", verdict)
                .find("cannot update resource "
                      "\"certificatesigningrequests/approval\""),
            std::string::npos);
  const std::string_view no =
      "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: user not permitted to "
      "approve requests with signerName \"kubernetes.io/kube-apiserver-client\"";
  EXPECT_EQ(approve("half", verdict), no);
  EXPECT_EQ(approve("other", verdict), no);
  EXPECT_EQ(approve("full", verdict), "");
  // The right to approve is not the right to sign.
  EXPECT_NE(outcome_of(world.server->client({"full", {}, ""})->update_status(kRequest, verdict)),
            "");
}

TEST(SigningRequests, AVerdictStands) {
  World world;
  const kube::Object made = world.admin->create(kRequest, request("r", request_pem())).value();
  const auto patch = [&](const std::string& subresource, const std::string& conditions) {
    return world.admin->patch(kRequest, {"", "r"}, kube::PatchType::kMerge,
                              yaml(fmt::format("{{spec: {{username: x}}, status: {{certificate: "
                                               "bWluZQ==, conditions: {}}}}}",
                                               conditions)),
                              subresource);
  };
  EXPECT_NE(outcome_of(patch("approval", "[{type: Approved, status: 'False'}]")).find("status"),
            std::string::npos);
  EXPECT_NE(outcome_of(patch("approval",
                             "[{type: Approved, status: 'True'}, "
                             "{type: Denied, status: 'True'}]"))
                .find("mutually exclusive"),
            std::string::npos);
  const auto approved = patch("approval", kYes);
  ASSERT_TRUE(approved) << approved.error().to_string();
  const Json& condition = kube::find_condition(*approved, "Approved");
  EXPECT_EQ(condition["lastUpdateTime"].as_string(), "2026-11-21T04:00:00Z");
  EXPECT_EQ(condition["lastTransitionTime"].as_string(), "2026-11-21T04:00:00Z");
  // Only conditions go through approval.
  EXPECT_TRUE(approved->status()["certificate"].is_null());
  EXPECT_EQ(approved->spec(), made.spec());
  EXPECT_NE(outcome_of(patch("approval", "[]"))
                .find("may not remove a condition of type "
                      "\"Approved\""),
            std::string::npos);
  EXPECT_NE(outcome_of(patch("approval", kNo)).find("may not remove"), std::string::npos);
  EXPECT_EQ(outcome_of(patch("", kNo)), "");  // not a part of it that can be written this way
  EXPECT_EQ(world.admin->get(kRequest, {"", "r"})->status(), approved->status());
}

TEST(SigningRequests, TheCertificateComesThroughTheStatusAndStays) {
  World world;
  const KeyPair ca = make_ca("ca", world.clock.now(), std::chrono::hours(100)).value();
  const std::string pem = request_pem();
  kube::Object object = world.admin->create(kRequest, request("r", pem)).value();
  object =
      world.admin->update_subresource(kRequest, with_conditions(object, kYes), "approval").value();
  kube::Object nonsense = object;
  nonsense.set({"status", "certificate"}, to_base64(as_bytes("nonsense")));
  EXPECT_NE(outcome_of(world.admin->update_status(kRequest, nonsense))
                .find("status.certificate: Invalid value"),
            std::string::npos);
  const std::string cert =
      sign_client_request(ca, pem, world.clock.now(), std::chrono::hours(24)).value();
  kube::Object signed_object = object;
  // A signer that knows nothing of the verdict does not take it away.
  signed_object.set({"status"}, Json::object({{"certificate", to_base64(as_bytes(cert))}}));
  const auto stored = world.admin->update_status(kRequest, signed_object);
  ASSERT_TRUE(stored) << stored.error().to_string();
  EXPECT_EQ(kube::find_condition(*stored, "Approved")["reason"].as_string(), "r");
  kube::Object emptied = *stored;
  emptied.erase({"status", "certificate"});
  EXPECT_NE(outcome_of(world.admin->update_status(kRequest, emptied)).find("may not modify"),
            std::string::npos);
}

TEST(SigningRequests, ACertificateIsForTheSubjectAndTheKeyThatAsked) {
  const Time now = *parse_rfc3339("2026-11-21T04:00:00Z");
  const KeyPair ca = make_ca("ca", now, std::chrono::hours(100)).value();
  const std::string key = make_private_key().value();
  const X509Subject subject{"a:b", {"g1", "g2"}};
  const std::string pem = make_certificate_request(key, subject).value();
  const auto cert = sign_client_request(ca, pem, now, std::chrono::hours(2));
  ASSERT_TRUE(cert) << cert.error().to_string();
  EXPECT_TRUE(key_fits_certificate(key, *cert));
  EXPECT_FALSE(key_fits_certificate(*make_private_key(), *cert));
  const CertificateInfo info = read_certificate(*cert).value();
  EXPECT_EQ(info.subject, subject);
  EXPECT_EQ(format_rfc3339(info.not_before), "2026-11-21T03:55:00Z");
  EXPECT_EQ(format_rfc3339(info.not_after), "2026-11-21T06:00:00Z");
  EXPECT_FALSE(sign_client_request(ca, request_pem({"", {"g"}}), now, std::chrono::hours(2)));
  EXPECT_FALSE(sign_client_request(ca, "nonsense", now, std::chrono::hours(2)));
}

}  // namespace breakwater::apiserver::signing_test
