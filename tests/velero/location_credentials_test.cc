// A BackupStorageLocation's store gets its keys and its authority from the Secrets that it points
// to.
#include <gtest/gtest.h>

#include <map>

#include "api/kinds.h"
#include "base/encoding.h"
#include "base/random.h"
#include "velero/engine.h"

namespace breakwater::velero_test {
namespace {

class SecretsOnly final : public kube::Reader {
 public:
  void add(const std::string& name, const std::string& key, const std::string& value) {
    kube::Object secret = kube::Object::make(api::kSecret, {"velero", name});
    secret.set({"data"}, Json::object({{key, to_base64(as_bytes(value))}}));
    secrets_.insert_or_assign(secret.key().to_string(), secret);
  }

  Result<kube::Object> get(const kube::Kind&, const kube::Key& key, const kube::Call&) override {
    const auto found = secrets_.find(key.to_string());
    if (found == secrets_.end()) return fail(Code::kNotFound, "{} not found", key.to_string());
    return found->second;
  }
  Result<std::vector<kube::Object>> list(const kube::Kind&, const std::string&,
                                         const kube::LabelSelector&, const kube::Call&) override {
    return fail(Code::kUnsupported, "only one by one");
  }

 private:
  std::map<std::string, kube::Object> secrets_;
};

kube::Object aws_storage() {
  kube::Object location = kube::Object::make(api::kBackupStorageLocation, {"velero", "dpa-1"});
  location.set({"spec"}, *parse_json(R"({"provider":"aws","config":{"region":"minio",)"
                                     R"("s3Url":"https://s3.example.com"},"objectStorage":)"
                                     R"({"bucket":"velero","prefix":"cls1"}})"));
  return location;
}

class LocationCredentials : public testing::Test {
 protected:
  std::string open(const kube::Object& location) {
    const auto opened = velero::make_store_factory(random_, secrets_)(location);
    return opened ? (*opened)->describe() : opened.error().to_string();
  }

  SystemRandom random_;
  SecretsOnly secrets_;
};

constexpr char kKeysFile[] = "[default]\naws_access_key_id=A\naws_secret_access_key=planted\n";
constexpr char kOpened[] = "s3 bucket velero at s3.example.com below cls1/";

TEST_F(LocationCredentials, OfTheSecretThatIsNamedOrOadpsDefault) {
  kube::Object location = aws_storage();
  EXPECT_EQ(open(location),
            "while reading spec.credential: Secret velero/cloud-credentials does not exist");
  secrets_.add("cloud-credentials", "cloud", kKeysFile);
  EXPECT_EQ(open(location), kOpened);
  location.set({"spec", "credential"}, Json::object({{"name", "own"}, {"key", "file"}}));
  secrets_.add("own", "other", kKeysFile);
  EXPECT_EQ(open(location),
            "while reading spec.credential: Secret velero/own has no key file or it is empty");
  secrets_.add("own", "file", "aws_secret_access_key=planted");
  EXPECT_EQ(open(location), "line 1 of the credentials stands before any [profile]");
  secrets_.add("own", "file", kKeysFile);
  EXPECT_EQ(open(location), kOpened);
}

TEST_F(LocationCredentials, AnAuthorityOfASecret) {
  secrets_.add("cloud-credentials", "cloud", kKeysFile);
  kube::Object location = aws_storage();
  location.set({"spec", "objectStorage", "caCertRef"},
               Json::object({{"name", "authority"}, {"key", "ca.crt"}}));
  EXPECT_EQ(open(location),
            "while reading spec.objectStorage.caCertRef: Secret velero/authority does not exist");
  secrets_.add("authority", "ca.crt", "PEM");
  EXPECT_EQ(open(location), kOpened);
  location.set({"spec", "objectStorage", "caCert"}, "no base64!");
  EXPECT_EQ(open(location), "objectStorage.caCert is not base64");
}

TEST_F(LocationCredentials, ADirectoryNeedsNone) {
  kube::Object location = aws_storage();
  location.set({"spec", "provider"}, "breakwater.dev/local");
  location.set({"spec", "config"}, Json::object({{"path", "/backups"}}));
  EXPECT_EQ(open(location), "directory /backups/velero below cls1/");
}

}  // namespace
}  // namespace breakwater::velero_test
