// Certificates for approved requests, and an end to requests and bootstrap tokens.
#include "sandbox/signer.h"

#include "apiserver/certificates.h"
#include "base/encoding.h"
#include "base/x509.h"
#include "tests/sandbox/world.h"

namespace breakwater::sandbox_test {
namespace {

// The world's clock, for controllers that are made before the world is there.
class WorldClock final : public Clock {
 public:
  Time now() const override { return world->clock().now(); }
  Duration monotonic() const override { return world->clock().monotonic(); }
  World* world = nullptr;
};

class Signing : public testing::Test {
 protected:
  Signing()
      : ca_(apiserver::make_ca("test", Time(std::chrono::seconds(1'790'000'000)),
                               std::chrono::hours(24 * 3650))
                .value()),
        world_([this](kube::Reader& reader, kube::Client& client) {
          return sandbox::make_signer_controllers({reader, client, clock_, ca_, Logger()});
        }) {
    clock_.world = &world_;
  }

  void ask(const std::string& name, const std::string& more = "{}") {
    Object request = Object::make(api::kCertificateSigningRequest, {"", name});
    request.set({"spec"}, parse_json(R"({"signerName": "kubernetes.io/kube-apiserver-client",
                                         "usages": ["client auth", "digital signature"]})")
                              .value());
    const std::string pem = make_certificate_request(key_, {"agent", {"agents"}}).value();
    request.set({"spec", "request"}, to_base64(as_bytes(pem)));
    const Json fields = parse_json(more).value();
    for (const auto& [field, value] : fields.members()) request.set({"spec", field}, value);
    world_.create(api::kCertificateSigningRequest, request);
  }
  void decide(const std::string& name, const std::string& type) {
    const Json patch =
        parse_json(fmt::format(R"({{"status": {{"conditions": [{{"type": "{}", "status": "True",
                                   "reason": "Test", "message": "because"}}]}}}})",
                               type))
            .value();
    const auto patched = world_.client().patch(api::kCertificateSigningRequest, {"", name},
                                               kube::PatchType::kMerge, patch, "approval");
    EXPECT_TRUE(patched) << patched.error().to_string();
  }
  std::string certificate(const std::string& name) {
    const std::string text =
        world_.get(api::kCertificateSigningRequest, {"", name}).status()["certificate"].as_string();
    return std::string(as_text(from_base64(text).value()));
  }
  bool has_certificate(const std::string& name) { return !certificate(name).empty(); }
  bool exists(const std::string& name) {
    return world_.exists(api::kCertificateSigningRequest, {"", name});
  }

  void pass(Duration time) {
    world_.run(std::chrono::seconds(1));
    world_.clock().advance(time);
    world_.run(std::chrono::seconds(1));
  }

  const apiserver::KeyPair ca_;
  const std::string key_ = make_private_key().value();
  WorldClock clock_;
  World world_;
};

TEST_F(Signing, AnApprovedRequestGetsACertificateForItsTime) {
  const struct {
    const char* more;
    Duration life;
  } cases[] = {{"{}", std::chrono::hours(24)},
               {R"({"expirationSeconds": 600})", std::chrono::minutes(10)},
               {R"({"expirationSeconds": 2000000000})", std::chrono::hours(24 * 365)}};
  int number = 0;
  for (const auto& c : cases) {
    const std::string name = fmt::format("r{}", ++number);
    ask(name, c.more);
    decide(name, "Approved");
    const Time now = world_.clock().now();
    ASSERT_TRUE(world_.run_until([&] { return has_certificate(name); })) << c.more;
    const CertificateInfo info = read_certificate(certificate(name)).value();
    EXPECT_EQ(info.subject, (X509Subject{"agent", {"agents"}}));
    EXPECT_EQ(format_rfc3339(info.not_after), format_rfc3339(now + c.life)) << c.more;
    EXPECT_TRUE(key_fits_certificate(key_, certificate(name)));
  }
}

TEST_F(Signing, OnlyApprovedRequestsForItsSignerAreSigned) {
  ask("pending");
  ask("denied");
  decide("denied", "Denied");
  ask("other", R"({"signerName": "example.com/signer"})");
  decide("other", "Approved");
  ask("usages", R"({"usages": ["server auth"]})");
  decide("usages", "Approved");
  ask("good");
  decide("good", "Approved");
  ASSERT_TRUE(world_.run_until([&] { return has_certificate("good"); }));
  for (const char* name : {"pending", "denied", "other", "usages"}) {
    EXPECT_FALSE(has_certificate(name)) << name;
  }
  const Json& failed =
      kube::find_condition(world_.get(api::kCertificateSigningRequest, {"", "usages"}), "Failed");
  EXPECT_EQ(failed["message"].as_string(), "spec.usages must contain \"client auth\"");
}

TEST_F(Signing, RequestsEndAnHourAfterTheirVerdictOrAfterADay) {
  ask("pending");
  ask("denied");
  decide("denied", "Denied");
  ask("good");
  decide("good", "Approved");
  pass(std::chrono::minutes(59));
  EXPECT_TRUE(exists("denied") && exists("good") && exists("pending"));
  pass(std::chrono::minutes(2));
  EXPECT_FALSE(exists("denied") || exists("good"));
  EXPECT_TRUE(exists("pending"));
  pass(std::chrono::hours(24));
  EXPECT_FALSE(exists("pending"));
}

TEST_F(Signing, ACrashBetweenAnyTwoWritesLosesNothing) {
  for (int64_t k = 0; k < 3; ++k) {
    const std::string name = fmt::format("r{}", k);
    world_.crash_after(k);
    ask(name);
    decide(name, "Approved");
    EXPECT_TRUE(world_.run_until([&] { return has_certificate(name); })) << k;
  }
}

TEST_F(Signing, BootstrapTokensGoWhenTheyHaveExpired) {
  const auto add = [&](const char* name, const char* type, Duration life) {
    Object secret = Object::make(api::kSecret, {"kube-system", name});
    secret.set({"type"}, type);
    secret.set({"stringData", "expiration"}, format_rfc3339(world_.clock().now() + life));
    world_.create(api::kSecret, secret);
  };
  const std::string token = "bootstrap.kubernetes.io/token";
  add("bootstrap-token-aaaaaa", token.c_str(), std::chrono::minutes(10));
  add("bootstrap-token-bbbbbb", token.c_str(), std::chrono::hours(10));
  add("other", "Opaque", std::chrono::minutes(10));
  pass(std::chrono::minutes(9));
  EXPECT_TRUE(world_.exists(api::kSecret, {"kube-system", "bootstrap-token-aaaaaa"}));
  pass(std::chrono::minutes(2));
  EXPECT_FALSE(world_.exists(api::kSecret, {"kube-system", "bootstrap-token-aaaaaa"}));
  EXPECT_TRUE(world_.exists(api::kSecret, {"kube-system", "bootstrap-token-bbbbbb"}));
  EXPECT_TRUE(world_.exists(api::kSecret, {"kube-system", "other"}));
}

}  // namespace
}  // namespace breakwater::sandbox_test
