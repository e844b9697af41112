// Signatures that AWS publishes: its signature version 4 test suite, and the examples of "Signature
// Calculations for the Authorization Header" in the S3 reference.
#include "blob/sigv4.h"

#include <gtest/gtest.h>

namespace breakwater::blob {
namespace {

constexpr char kNothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct SigningCase {
  std::string name;
  std::string method;
  std::string path;
  QueryParameters query;
  std::map<std::string, std::string> headers;
  std::string payload_hash;
  std::string signature;
};

void expect_signatures(const std::vector<SigningCase>& cases, const S3Credentials& keys,
                       const SigningScope& scope, const char* time, const char* host) {
  for (const SigningCase& one : cases) {
    RequestToSign request{one.method, one.path, one.query, one.headers, one.payload_hash};
    request.headers["host"] = host;
    sign(request, keys, scope, *parse_rfc3339(time));
    const std::string& text = request.headers["authorization"];
    EXPECT_EQ(text.substr(text.find("Signature=") + 10), one.signature) << one.name << "\n" << text;
  }
}

TEST(SigV4, AwsTestSuite) {
  const std::vector<SigningCase> cases = {
      {"get-vanilla",
       "GET",
       "/",
       {},
       {},
       kNothing,
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/",
       {{"Param2", "value2"}, {"Param1", "value1"}},
       {},
       kNothing,
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-empty-query-key",
       "GET",
       "/",
       {{"Param1", "value1"}},
       {},
       kNothing,
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-unreserved",
       "GET",
       "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
       {},
       {},
       kNothing,
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8",
       "GET",
       "/%E1%88%B4",
       {},
       {},
       kNothing,
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"post-vanilla",
       "POST",
       "/",
       {},
       {},
       kNothing,
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
  };
  expect_signatures(cases, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""},
                    {"us-east-1", "service"}, "2015-08-30T12:36:00Z", "example.amazonaws.com");
}

TEST(SigV4, ExamplesOfTheS3Reference) {
  const std::map<std::string, std::string> nothing = {{"x-amz-content-sha256", kNothing}};
  const std::string welcome = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
  const std::vector<SigningCase> cases = {
      {"get a range",
       "GET",
       "/test.txt",
       {},
       {{"x-amz-content-sha256", kNothing}, {"range", "bytes=0-9"}},
       kNothing,
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {"put",
       "PUT",
       "/test%24file.text",
       {},
       {{"x-amz-content-sha256", welcome},
        {"date", "Fri, 24 May 2013 00:00:00 GMT"},
        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
       welcome,
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"a parameter without a value",
       "GET",
       "/",
       {{"lifecycle", ""}},
       nothing,
       kNothing,
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"list",
       "GET",
       "/",
       {{"prefix", "J"}, {"max-keys", "2"}},
       nothing,
       kNothing,
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  expect_signatures(cases, {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""},
                    {"us-east-1", "s3"}, "2013-05-24T00:00:00Z", "examplebucket.s3.amazonaws.com");
}

TEST(SigV4, SignsTheSessionTokenAndTrimsValues) {
  RequestToSign request{"GET", "/", {}, {{"host", "h"}, {"x-amz-tagging", "  a   b "}}, kNothing};
  RequestToSign trimmed = request;
  trimmed.headers["x-amz-tagging"] = "a b";
  const Time now = *parse_rfc3339("2026-11-21T07:00:00Z");
  sign(request, {"key", "secret", "token"}, {"us-east-1"}, now);
  sign(trimmed, {"key", "secret", "token"}, {"us-east-1"}, now);
  EXPECT_EQ(request.headers["authorization"], trimmed.headers["authorization"]);
  EXPECT_EQ(request.headers["x-amz-security-token"], "token");
  EXPECT_EQ(request.headers["x-amz-date"], "20261121T070000Z");
  EXPECT_NE(request.headers["authorization"].find(
                "SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-tagging,"),
            std::string::npos);
}

TEST(SigV4, QueriesAreSortedAndEncoded) {
  EXPECT_EQ(encode_query({{"prefix", "a/b c"}, {"delimiter", "/"}, {"uploads", ""}}),
            "delimiter=%2F&prefix=a%2Fb%20c&uploads=");
  EXPECT_EQ(encode_query({}), "");
}

}  // namespace
}  // namespace breakwater::blob
