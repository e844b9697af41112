// Locations, credentials and URLs as users write them.
#include "blob/s3_location.h"

#include <gtest/gtest.h>

#include "blob/s3_xml.h"

namespace breakwater::blob {
namespace {

constexpr char kGoodKeys[] = "[default]\naws_access_key_id=AKIA\naws_secret_access_key=s3cr3t\n";

StoreLocation aws_location(std::map<std::string, std::string> config = {}) {
  return {kS3Provider, "bucket", "prefix", std::move(config), kGoodKeys};
}

TEST(Credentials, ProfilesOfAFile) {
  const std::string file =
      "\xef\xbb\xbf# made by hand\r\n"
      "[default]\r\n"
      "aws_access_key_id = AKIADEFAULT\r\n"
      "aws_secret_access_key = a/b+c=d\r\n"
      "s3 =\n"
      "  max_concurrent_requests = 20\n"
      "\n"
      "[ profile two ]\n"
      "; another\n"
      "aws_access_key_id=\"AKIATWO\"\n"
      "  aws_secret_access_key=indented\n"
      "aws_session_token=tok==\n"
      "region = eu-central-1\n";
  const auto one = parse_credentials(file, "default");
  ASSERT_TRUE(one) << one.error().to_string();
  EXPECT_EQ(one->access_key_id, "AKIADEFAULT");
  EXPECT_EQ(one->secret_access_key, "a/b+c=d");
  EXPECT_EQ(one->session_token, "");
  const auto two = parse_credentials(file, "two");
  ASSERT_TRUE(two) << two.error().to_string();
  EXPECT_EQ(two->access_key_id, "AKIATWO");
  EXPECT_EQ(two->secret_access_key, "indented");
  EXPECT_EQ(two->session_token, "tok==");
}

TEST(Credentials, ErrorsNameTheLineOrFieldButNoContent) {
  const struct {
    std::string text, message;
  } cases[] = {
      {"", "the credentials have no profile default"},
      {"[other]\naws_access_key_id=planted\n", "the credentials have no profile default"},
      {"aws_access_key_id=planted\n", "line 1 of the credentials stands before any [profile]"},
      {"[default]\n\nplanted\n", "line 3 of the credentials is neither [profile] nor name = value"},
      {"[default\naws_access_key_id=planted\n", "line 1 of the credentials has no ]"},
      {"[default]\naws_access_key_id=planted\n",
       "profile default of the credentials has no aws_secret_access_key"},
      {"[default]\naws_secret_access_key=planted\n",
       "profile default of the credentials has no aws_access_key_id"},
      {"[default]\nrole_arn=planted\n",
       "profile default of the credentials has role_arn, which is not supported: give "
       "aws_access_key_id and aws_secret_access_key"},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = parse_credentials(text, "default");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().to_string(), message);
  }
}

TEST(S3Location, VelerosConfig) {
  StoreLocation location = aws_location({{"region", "eu-west-1"},
                                         {"s3Url", "https://s3.example.com:9000/"},
                                         {"s3ForcePathStyle", "true"},
                                         {"publicUrl", "https://elsewhere"},
                                         {"insecureSkipTLSVerify", "true"},
                                         {"kmsKeyId", "key-1"},
                                         {"profile", "default"}});
  location.ca_cert = "PEM";
  const auto settings = s3_settings_of(location);
  ASSERT_TRUE(settings) << settings.error().to_string();
  EXPECT_EQ(settings->endpoint, "https://s3.example.com:9000");
  EXPECT_EQ(settings->region, "eu-west-1");
  EXPECT_TRUE(settings->path_style);
  EXPECT_TRUE(settings->insecure);
  EXPECT_EQ(settings->ca_pem, "PEM");
  EXPECT_EQ(settings->credentials.secret_access_key, "s3cr3t");
  EXPECT_EQ(settings->put_headers.at("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(settings->put_headers.at("x-amz-server-side-encryption-aws-kms-key-id"), "key-1");
  EXPECT_FALSE(s3_settings_of(aws_location({{"s3Url", "https://s3.example.com"}}))->path_style);
  EXPECT_TRUE(s3_settings_of(aws_location({{"s3Url", "http://127.0.0.1:1"}}))->path_style);
}

TEST(S3Location, AProfileMayNameTheServer) {
  StoreLocation location = aws_location();
  location.credentials =
      std::string(kGoodKeys) +
      "  endpoint_url = http://127.0.0.1:9000/\n[other]\nendpoint_url=https://other.example.com\n"
      "aws_access_key_id=a\naws_secret_access_key=b\n";
  auto settings = s3_settings_of(location);
  ASSERT_TRUE(settings) << settings.error().to_string();
  EXPECT_EQ(settings->endpoint, "http://127.0.0.1:9000");
  EXPECT_TRUE(settings->path_style);
  ASSERT_TRUE(take_endpoint(location));
  EXPECT_EQ(location.config.at("s3Url"), "http://127.0.0.1:9000/");

  // What the location says itself comes first.
  location.config["s3Url"] = "https://s3.example.com";
  EXPECT_EQ(s3_settings_of(location)->endpoint, "https://s3.example.com");
  location.config = {{"profile", "other"}};
  EXPECT_EQ(s3_settings_of(location)->endpoint, "https://other.example.com");
  EXPECT_EQ(s3_settings_of(aws_location())->endpoint, "");
  StoreLocation directory{kLocalProvider, "bucket", "", {}, location.credentials};
  ASSERT_TRUE(take_endpoint(directory));
  EXPECT_TRUE(directory.config.empty());
}

TEST(S3Location, RefusesWhatCannotWork) {
  const struct {
    std::map<std::string, std::string> config;
    std::string message;
  } cases[] = {
      {{{"s3URL", "https://h"}}, "config.s3URL is not known for provider aws"},
      {{{"s3ForcePathStyle", "yes"}}, "config.s3ForcePathStyle must be \"true\" or \"false\""},
      {{{"profile", "absent"}}, "the credentials have no profile absent"},
      {{{"customerKeyEncryptionFile", "/key"}},
       "config.customerKeyEncryptionFile is not supported: leave encryption to the server"},
      {{{"s3Url", "ftp://h"}},
       "\"ftp://h\" is not the URL of an S3 server, like https://host:port"},
      {{{"s3Url", "https://h/path"}},
       "\"https://h/path\" is not the URL of an S3 server, like https://host:port"},
      {{{"s3Url", "http://minio.example.com:9000"}},
       "http://minio.example.com:9000 must be https: it is on another machine "
       "(insecureSkipTLSVerify \"true\" accepts plain http)"},
  };
  SystemRandom random;
  for (const auto& [config, message] : cases) {
    const auto opened = open_store(aws_location(config), random);
    ASSERT_FALSE(opened) << message;
    EXPECT_EQ(opened.error().to_string(), message);
  }
  StoreLocation without = aws_location();
  without.credentials.clear();
  EXPECT_EQ(open_store(without, random).error().to_string(),
            "bucket bucket needs credentials: an access key and its secret");
  StoreLocation bucket = aws_location();
  bucket.bucket = "a/b";
  EXPECT_EQ(open_store(bucket, random).error().to_string(),
            "\"a/b\" is not the name of an S3 bucket");
  EXPECT_TRUE(open_store(aws_location(), random));
  EXPECT_TRUE(open_store(
      aws_location({{"s3Url", "http://minio.example.com:9000"}, {"insecureSkipTLSVerify", "true"}}),
      random));
}

TEST(S3Location, FromABackupStorageLocation) {
  const auto spec = *parse_json(
      R"({"provider":"aws","objectStorage":{"bucket":"b","prefix":"/a/b/","caCert":"UEVN"},)"
      R"("config":{"region":"r"}})");
  const auto location = location_of_spec(spec);
  ASSERT_TRUE(location);
  EXPECT_EQ(location->provider, "aws");
  EXPECT_EQ(location->bucket, "b");
  EXPECT_EQ(location->prefix, "a/b");
  EXPECT_EQ(location->ca_cert, "PEM");
  EXPECT_EQ(location->config.at("region"), "r");
  EXPECT_TRUE(location_of_spec(*parse_json(R"({"objectStorage":{"caCert":"?"}})"))
                  .error()
                  .is(Code::kInvalid));
}

TEST(ResticUrl, AddressesTheSameBucket) {
  const struct {
    std::string url, endpoint, bucket, prefix;
    bool path_style;
  } cases[] = {
      {"s3:https://h:9000/bkt/p/q", "https://h:9000", "bkt", "p/q", true},
      {"s3:http://127.0.0.1:9000/bkt", "http://127.0.0.1:9000", "bkt", "", true},
      {"s3:h/bkt/p/", "https://h", "bkt", "p", true},
      {"s3://h/bkt/p", "https://h", "bkt", "p", true},
      {"s3:s3.amazonaws.com/bkt/p", "https://s3.amazonaws.com", "bkt", "p", false},
      {"s3:https://s3.eu-west-1.amazonaws.com/bkt", "https://s3.eu-west-1.amazonaws.com", "bkt", "",
       false},
  };
  for (const auto& [url, endpoint, bucket, prefix, path_style] : cases) {
    auto location = location_of_restic_url(url, "");
    ASSERT_TRUE(location) << url;
    EXPECT_EQ(location->config.at("s3Url"), endpoint) << url;
    EXPECT_EQ(location->bucket, bucket) << url;
    EXPECT_EQ(location->prefix, prefix) << url;
    EXPECT_EQ(location->config.contains("s3ForcePathStyle"), path_style) << url;
    location->credentials = kGoodKeys;
    SystemRandom random;
    EXPECT_TRUE(open_store(*location, random)) << url;
  }
  for (const char* bad :
       {"s3:", "s3:h", "s3:https://h", "s3:h/", "s3:/bkt/p", "s3:u:p@h/b", "b2:x"}) {
    EXPECT_TRUE(location_of_restic_url(bad, "").error().is(Code::kInvalid)) << bad;
  }
}

TEST(S3Xml, WhatServersSend) {
  const auto page = parse_xml(
      "<?xml version=\"1.0\"?>\n<!-- x --><a:List xmlns:a='u'><Key>a&amp;b&#x20;&#228;</Key>"
      "<Empty/><Key><![CDATA[<c>]]></Key></a:List>\n");
  ASSERT_TRUE(page) << page.error().to_string();
  EXPECT_EQ(page->name, "List");
  ASSERT_EQ(page->children.size(), 3u);
  EXPECT_EQ(page->text_of("Key"), "a&b \xc3\xa4");
  EXPECT_EQ(page->children[2].text, "<c>");
  EXPECT_EQ(page->text_of("Absent"), "");
  EXPECT_EQ(parse_xml("<a>" + xml_escape("<&>\"'") + "</a>")->text, "<&>\"'");
}

TEST(S3Xml, RefusesWhatIsNone) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  for (const std::string& bad :
       {std::string(), std::string("text"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a/><b/>"), std::string("<a>&nope;</a>"), std::string("<a>&#xffffffff;</a>"),
        std::string("<!DOCTYPE a><a/>"), std::string("<a b></a>"), std::string("<a b=\"c></a>"),
        std::string("<a><![CDATA[x</a>"), deep}) {
    EXPECT_TRUE(parse_xml(bad).error().is(Code::kInvalid)) << bad;
  }
}

}  // namespace
}  // namespace breakwater::blob
