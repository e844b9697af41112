#include "blob/sigv4.h"

#include <algorithm>

#include "base/hash.h"

namespace breakwater::blob {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// Without blanks at the ends, and with one for several within.
std::string trimmed(std::string_view value) {
  std::string result;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

std::string signed_names(const RequestToSign& request) {
  std::string names;
  for (const auto& [name, value] : request.headers) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

std::string canonical_request(const RequestToSign& request) {
  std::string headers;
  for (const auto& [name, value] : request.headers) {
    headers += fmt::format("{}:{}\n", name, trimmed(value));
  }
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path,
                     encode_query(request.query), headers, signed_names(request),
                     request.payload_hash);
}

}  // namespace

std::string encode_query(const QueryParameters& query) {
  QueryParameters encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(url_encode(name), url_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text += name + '=' + value;
  }
  return text;
}

std::string format_amz_date(Time time) {
  const std::string compact = format_compact(time);
  return compact.substr(0, 8) + 'T' + compact.substr(8) + 'Z';
}

void sign(RequestToSign& request, const S3Credentials& credentials, const SigningScope& scope,
          Time now) {
  const std::string date = format_amz_date(now);
  const std::string day = date.substr(0, 8);
  request.headers["x-amz-date"] = date;
  if (!credentials.session_token.empty()) {
    request.headers["x-amz-security-token"] = credentials.session_token;
  }
  request.headers.erase("authorization");
  const std::string where = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string text = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, where,
                                       to_hex(sha256(as_bytes(canonical_request(request)))));
  Sha256Digest key = hmac_sha256(as_bytes("AWS4" + credentials.secret_access_key), as_bytes(day));
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    key = hmac_sha256(key, as_bytes(part));
  }
  request.headers["authorization"] = fmt::format(
      "{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, credentials.access_key_id,
      where, signed_names(request), to_hex(hmac_sha256(key, as_bytes(text))));
}

}  // namespace breakwater::blob
