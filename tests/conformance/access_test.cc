// What every client must be able to rely on when it asks for certificates and about access.
#include "base/encoding.h"
#include "base/x509.h"
#include "tests/conformance/fixtures.h"

namespace breakwater::conformance {
namespace {

constexpr kube::Kind kRequests{"certificates.k8s.io", "v1", "CertificateSigningRequest",
                               "certificatesigningrequests", false};
constexpr kube::Kind kReviews{"authorization.k8s.io", "v1", "SubjectAccessReview",
                              "subjectaccessreviews", false};

class AccessConformance : public Conformance {
 protected:
  // Nobody signs for this signer, so that only the API itself answers.
  Result<Object> ask(const std::string& name, std::string_view more = "{}") {
    Object request = Object::make(kRequests, {"", name});
    request.set({"spec"}, yaml("{signerName: conformance.test/none, usages: [client auth], "
                               "username: forged, groups: [forged]}"));
    const std::string key = make_private_key().value();
    const std::string pem = make_certificate_request(key, {"agent", {"agents"}}).value();
    request.set({"spec", "request"}, to_base64(as_bytes(pem)));
    const Json fields = yaml(more);
    for (const auto& [field, value] : fields.members()) request.set({"spec", field}, value);
    return client_.create(kRequests, request);
  }
  Result<Object> approve(Object request, std::string_view type = "Approved") {
    request.set(
        {"status", "conditions"},
        Json::array({Json::object(
            {{"type", type}, {"status", "True"}, {"reason", "Test"}, {"message", "because"}})}));
    return client_.update_subresource(kRequests, request, "approval");
  }
};

TEST_P(AccessConformance, RequestsSayWhoAskedAndDoNotChange) {
  const auto made = ask("r");
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_NE(made->spec()["username"].as_string(), "");
  EXPECT_NE(made->spec()["username"].as_string(), "forged");
  EXPECT_EQ(to_json(made->spec()["groups"]).find("forged"), std::string::npos);
  Object changed = *made;
  changed.set({"spec", "username"}, "forged");
  changed.set({"metadata", "labels", "a"}, "b");
  const auto updated = client_.update(kRequests, changed);
  ASSERT_TRUE(updated) << updated.error().to_string();
  EXPECT_EQ(updated->spec(), made->spec());
  EXPECT_EQ(updated->label("a"), "b");
}

TEST_P(AccessConformance, RequestsAreValidated) {
  for (const char* more : {"{request: aGFsbG8=}", "{signerName: ''}", "{signerName: mine}",
                           "{usages: []}", "{usages: [fun]}", "{expirationSeconds: 599}"}) {
    const auto made = ask("bad", more);
    ASSERT_FALSE(made) << more;
    EXPECT_TRUE(made.error().is(Code::kInvalid)) << made.error().to_string();
  }
}

TEST_P(AccessConformance, AVerdictComesThroughApprovalOnceAndStays) {
  const Object request = ask("r").value();
  Object by_status = request;
  by_status.set({"status", "conditions"},
                Json::array({Json::object({{"type", "Approved"}, {"status", "True"}})}));
  (void)client_.update_status(kRequests, by_status);
  EXPECT_TRUE(kube::find_condition(*client_.get(kRequests, {"", "r"}), "Approved").is_null());
  const auto approved = approve(*client_.get(kRequests, {"", "r"}));
  ASSERT_TRUE(approved) << approved.error().to_string();
  const Json& condition = kube::find_condition(*approved, "Approved");
  EXPECT_TRUE(parse_rfc3339(condition["lastUpdateTime"].as_string()));
  EXPECT_TRUE(approved->status()["certificate"].is_null());
  // A stale one conflicts, a fresh one may not turn it round.
  EXPECT_TRUE(approve(request).error().is(Code::kConflict));
  EXPECT_TRUE(approve(*approved, "Denied").error().is(Code::kInvalid));
  const auto patched = client_.patch(kRequests, {"", "r"}, PatchType::kMerge,
                                     yaml("{status: {conditions: []}}"), "approval");
  ASSERT_FALSE(patched);
  EXPECT_TRUE(patched.error().is(Code::kInvalid)) << patched.error().to_string();
}

TEST_P(AccessConformance, ReviewsAnswerAndAreNotStored) {
  const auto may = [&](std::string_view user, std::string_view groups) {
    Object review = Object::make(kReviews, {});
    review.set({"spec"}, yaml(fmt::format("{{user: {}, groups: {}, resourceAttributes: {{verb: "
                                          "get, resource: secrets, namespace: conf}}}}",
                                          user, groups)));
    const auto answer = client_.create(kReviews, review);
    EXPECT_TRUE(answer) << answer.error().to_string();
    return answer && answer->status()["allowed"].as_bool();
  };
  EXPECT_FALSE(may("nobody", "[]"));
  EXPECT_TRUE(may("root", "[system:masters]"));
  Object nothing = Object::make(kReviews, {});
  nothing.set({"spec", "user"}, "ann");
  const auto answer = client_.create(kReviews, nothing);
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(Code::kInvalid)) << answer.error().to_string();
}

INSTANTIATE_TEST_SUITE_P(All, AccessConformance, testing::ValuesIn(subjects()),
                         [](const auto& made) { return made.param.name; });

}  // namespace
}  // namespace breakwater::conformance
