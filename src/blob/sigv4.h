// AWS Signature Version 4 in the Authorization header, as S3 wants it.
//
// Pure functions of their arguments. The rules are AWS's ("Create a signed AWS API request"): for
// S3 each byte of the path is encoded once. What is sent must be what was signed, so the same
// encode_query() makes the URL.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/time.h"

namespace breakwater::blob {

struct S3Credentials {
  std::string access_key_id;
  std::string secret_access_key;  // secret
  std::string session_token;      // secret; "" unless the keys are temporary
};

struct SigningScope {
  std::string region;
  std::string service = "s3";
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

struct RequestToSign {
  std::string method;  // "GET"
  std::string path;    // percent-encoded, begins with '/'
  QueryParameters query;
  std::map<std::string, std::string> headers;  // names in lower case; all are signed; has "host"
  std::string payload_hash;                    // SHA-256 of the body in hex
};

// "a=1&b=": sorted by encoded name and value, without '?'.
std::string encode_query(const QueryParameters& query);

// "20130524T000000Z"
std::string format_amz_date(Time time);

// Adds the headers x-amz-date, x-amz-security-token (if there is a token), and authorization.
// x-amz-content-sha256 is the caller's to set: S3 demands it, AWS's own examples lack it.
void sign(RequestToSign& request, const S3Credentials& credentials, const SigningScope& scope,
          Time now);

}  // namespace breakwater::blob
