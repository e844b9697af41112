// The part of the server that judges a request before it is carried out. It derives everything from
// the bytes that arrived and shares no code with what signs (but the hash functions).
#include <algorithm>
#include <set>
#include <sstream>

#include "base/hash.h"
#include "blob/s3_xml.h"
#include "tests/blob/s3_test_server.h"

namespace breakwater::blob {
namespace {

using Wrong = std::unique_ptr<S3Answer>;

Wrong wrong(int status, const std::string& code, const std::string& more = "") {
  return std::make_unique<S3Answer>(s3_error(status, code, more));
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool is_strictly_encoded(const std::string& text, bool path) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string("-._~").find(c) != std::string::npos;
    if (plain || (path && c == '/')) continue;
    if (c != '%' || i + 2 >= text.size()) return false;
    for (const size_t digit : {i + 1, i + 2}) {
      if (std::string("0123456789ABCDEF").find(text[digit]) == std::string::npos) return false;
    }
    i += 2;
  }
  return true;
}

std::string header(const S3Request& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

// "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…"
std::map<std::string, std::string> fields_of(const std::string& authorization) {
  std::map<std::string, std::string> fields;
  const size_t blank = authorization.find(' ');
  if (authorization.substr(0, blank) != "AWS4-HMAC-SHA256") return fields;
  for (std::string field : split(authorization.substr(blank + 1), ',')) {
    while (field.starts_with(' ')) field.erase(0, 1);
    const size_t equals = field.find('=');
    if (equals != std::string::npos) fields[field.substr(0, equals)] = field.substr(equals + 1);
  }
  return fields;
}

std::string string_to_sign(const S3Request& request, const std::string& signed_headers,
                           const std::string& scope) {
  std::vector<std::string> pairs = split(request.raw_query, '&');
  for (std::string& pair : pairs) {
    if (pair.find('=') == std::string::npos) pair += '=';
  }
  std::sort(pairs.begin(), pairs.end());
  std::string canonical = request.method + "\n" + request.path + "\n";
  for (size_t i = 0; i < pairs.size(); ++i) canonical += (i == 0 ? "" : "&") + pairs[i];
  canonical += "\n";
  for (const std::string& name : split(signed_headers, ';')) {
    canonical += name + ":" + header(request, name) + "\n";
  }
  canonical += "\n" + signed_headers + "\n" + header(request, "x-amz-content-sha256");
  return "AWS4-HMAC-SHA256\n" + header(request, "x-amz-date") + "\n" + scope + "\n" +
         to_hex(sha256(as_bytes(canonical)));
}

Wrong check_digests(const S3Request& request) {
  const std::string hash = header(request, "x-amz-content-sha256");
  if (hash.empty()) return wrong(400, "InvalidRequest");
  if (hash != to_hex(sha256(as_bytes(request.body))))
    return wrong(400, "XAmzContentSHA256Mismatch");
  const std::string sum = header(request, "content-md5");
  if (!sum.empty() && sum != to_base64(md5(as_bytes(request.body)))) return wrong(400, "BadDigest");
  return nullptr;
}

// All parameters of the requests that this server knows.
Wrong check_query(const S3Request& request) {
  static const std::set<std::string> kKnown = {
      "list-type",     "prefix",  "delimiter", "max-keys",  "continuation-token",
      "encoding-type", "uploads", "uploadId",  "partNumber"};
  for (const std::string& pair : split(request.raw_query, '&')) {
    const std::string name = pair.substr(0, pair.find('='));
    const std::string value = pair.substr(std::min(name.size() + 1, pair.size()));
    if (!is_strictly_encoded(name, false) || !is_strictly_encoded(value, false)) {
      return wrong(400, "InvalidURI");
    }
    if (!kKnown.contains(name)) return wrong(400, "InvalidArgument");
  }
  return nullptr;
}

}  // namespace

Wrong S3TestServer::find_wrong_signature(const S3Request& request) const {
  auto fields = fields_of(header(request, "authorization"));
  const std::vector<std::string> credential = split(fields["Credential"], '/');
  const std::vector<std::string> names = split(fields["SignedHeaders"], ';');
  if (credential.size() != 5 || fields.size() != 3 || credential[3] != "s3" ||
      credential[4] != "aws4_request" || !std::is_sorted(names.begin(), names.end())) {
    return wrong(400, "AuthorizationHeaderMalformed");
  }
  if (credential[0] != settings_.access_key) return wrong(403, "InvalidAccessKeyId");
  if (credential[2] != settings_.region) {
    return wrong(400, "AuthorizationHeaderMalformed", "<Region>" + settings_.region + "</Region>");
  }
  const std::set<std::string> covered(names.begin(), names.end());
  for (const auto& [name, value] : request.headers) {
    const bool must = name == "host" || name == "content-md5" || name.starts_with("x-amz-");
    if (must && !covered.contains(name)) return wrong(403, "AccessDenied");
  }
  if (header(request, "x-amz-security-token") != settings_.session_token) {
    return wrong(403, "InvalidToken");
  }
  if (settings_.token_expired) {
    return wrong(400, "ExpiredToken", "<Token-0>" + settings_.session_token + "</Token-0>");
  }
  const std::string date = header(request, "x-amz-date");
  const auto then = parse_rfc3339(
      date.size() != 16 ? ""
                        : date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 5) +
                              ":" + date.substr(11, 2) + ":" + date.substr(13));
  if (!then || date.substr(0, 8) != credential[1]) return wrong(403, "AccessDenied");
  const Duration off = *then > clock_.now() ? *then - clock_.now() : clock_.now() - *then;
  if (off > std::chrono::minutes(15)) return wrong(403, "RequestTimeTooSkewed");

  const std::string scope = credential[1] + "/" + credential[2] + "/s3/aws4_request";
  const std::string text = string_to_sign(request, fields["SignedHeaders"], scope);
  Sha256Digest key = hmac_sha256(as_bytes("AWS4" + settings_.secret_key), as_bytes(credential[1]));
  for (const char* part : {credential[2].c_str(), "s3", "aws4_request"}) {
    key = hmac_sha256(key, as_bytes(part));
  }
  if (to_hex(hmac_sha256(key, as_bytes(text))) != fields["Signature"]) {
    return wrong(403, "SignatureDoesNotMatch",
                 "<StringToSign>" + xml_escape(text) + "</StringToSign>");
  }
  return nullptr;
}

Wrong S3TestServer::find_wrong(const S3Request& request) const {
  if (request.headers.contains("transfer-encoding")) return wrong(501, "NotImplemented");
  if (request.headers.contains("expect")) return wrong(417, "ExpectationFailed");
  const bool has_body = request.method == "PUT" || request.method == "POST";
  if (has_body && !request.headers.contains("content-length")) {
    return wrong(411, "MissingContentLength");
  }
  if (!is_strictly_encoded(request.path, true)) return wrong(400, "InvalidURI");
  if (auto bad = check_query(request)) return bad;
  if (auto bad = find_wrong_signature(request)) return bad;
  if (auto bad = check_digests(request)) return bad;
  if (request.key.size() > 1024) return wrong(400, "KeyTooLongError");
  if (request.body.size() > settings_.most_at_once) return wrong(400, "EntityTooLarge");
  if (settings_.deny_writes && request.method != "GET" && request.method != "HEAD") {
    return wrong(403, "AccessDenied");
  }
  return nullptr;
}

}  // namespace breakwater::blob
