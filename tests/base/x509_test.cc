// Keys and certificate requests, as agents make them and API servers read them.
#include "base/x509.h"

#include <gtest/gtest.h>

namespace breakwater::x509_test {

const X509Subject kAgent{"system:open-cluster-management:cls1:a-ü",
                         {"system:open-cluster-management:cls1", "others"}};

TEST(X509, ARequestSaysWhomItIsFor) {
  const auto key = make_private_key();
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const auto request = make_certificate_request(*key, kAgent);
  ASSERT_TRUE(request) << request.error().to_string();
  const auto info = read_certificate_request(*request);
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->subject, kAgent);
  EXPECT_FALSE(info->has_alternative_names);
}

TEST(X509, WhatIsNoRequestIsRefusedWithOneSentence) {
  const std::string key = *make_private_key();
  const std::string request = *make_certificate_request(key, kAgent);
  std::string forged = request;  // another character in the middle of the base64
  forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& text : {std::string(), std::string("nonsense"), key, request + request,
                                  forged, request.substr(0, request.size() / 2)}) {
    const auto info = read_certificate_request(text);
    ASSERT_FALSE(info) << text;
    EXPECT_TRUE(info.error().is(Code::kInvalid));
    EXPECT_EQ(info.error().to_string().find("BEGIN"), std::string::npos);
  }
  EXPECT_FALSE(make_certificate_request("nonsense", kAgent));
  EXPECT_FALSE(read_certificate(request));
}

}  // namespace breakwater::x509_test
