#include "kube/http_transport.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/file.h"

namespace breakwater::kube {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kKeepAliveSeconds = 30;

bool is_loopback(std::string_view server) {
  const size_t scheme = server.find("://");
  std::string_view host = server.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.rfind(':'));
  return host == "localhost" || host.starts_with("127.");
}

curl_blob blob_of(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

CurlList append(CurlList list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer) {
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

Code code_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Code::kTimeout;
    case CURLE_ABORTED_BY_CALLBACK:
      return Code::kCancelled;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Code::kInvalid;
    default:
      return Code::kUnavailable;
  }
}

}  // namespace

Result<Endpoint> Endpoint::create(ClientConfig config) {
  while (config.server.ends_with('/')) config.server.pop_back();
  const bool plain = config.server.starts_with("http://");
  if (!plain && !config.server.starts_with("https://")) {
    return fail(Code::kInvalid, "\"{}\" is not the URL of an API server", config.server);
  }
  Endpoint endpoint(std::move(config));
  endpoint.loopback_ = is_loopback(endpoint.config_.server);
  if (plain && !endpoint.loopback_) {
    return fail(Code::kInvalid, "{} must be https: it is on another machine",
                endpoint.config_.server);
  }
  return endpoint;
}

Result<std::string> Endpoint::token() const {
  std::string token = config_.token;
  if (!config_.token_file.empty()) token = TRY(read_file(config_.token_file));
  while (!token.empty() &&
         std::string_view(" \t\r\n").find(token.back()) != std::string_view::npos) {
    token.pop_back();
  }
  if (std::any_of(token.begin(), token.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return fail(Code::kInvalid, "the token for {} holds characters no token has", config_.server);
  }
  return token;
}

void Endpoint::set_credentials(CURL* handle) const {
  curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, config_.insecure_skip_verify ? 0L : 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, config_.insecure_skip_verify ? 0L : 2L);
  if (!config_.ca_pem.empty()) {
    curl_blob ca = blob_of(config_.ca_pem);
    curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &ca);
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
  }
  if (config_.client_cert_pem.empty()) return;
  curl_blob cert = blob_of(config_.client_cert_pem);
  curl_blob key = blob_of(config_.client_key_pem);
  curl_easy_setopt(handle, CURLOPT_SSLCERTTYPE, "PEM");
  curl_easy_setopt(handle, CURLOPT_SSLKEYTYPE, "PEM");
  curl_easy_setopt(handle, CURLOPT_SSLCERT_BLOB, &cert);
  curl_easy_setopt(handle, CURLOPT_SSLKEY_BLOB, &key);
}

Result<CurlList> Endpoint::prepare(CURL* handle, const std::string& path, std::string_view accept,
                                   std::string_view content_type) const {
  const std::string bearer = TRY(token());
  curl_easy_setopt(handle, CURLOPT_URL, url(path).c_str());
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, kKeepAliveSeconds);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPINTVL, kKeepAliveSeconds);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "breakwater");
  if (loopback_) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  set_credentials(handle);

  CurlList headers = append(nullptr, fmt::format("Accept: {}", accept));
  headers = append(std::move(headers), "Expect:");
  if (!content_type.empty()) {
    headers = append(std::move(headers), fmt::format("Content-Type: {}", content_type));
  }
  if (!bearer.empty()) headers = append(std::move(headers), "Authorization: Bearer " + bearer);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  return headers;
}

Error transfer_error(CURLcode code, std::string_view detail, const std::string& what) {
  if (code == CURLE_ABORTED_BY_CALLBACK) return Error(Code::kCancelled, what + " was cancelled");
  const std::string_view text = detail.empty() ? curl_easy_strerror(code) : detail;
  return Error(code_of(code), fmt::format("{}: {}", what, text));
}

void add_query(std::string& path, std::string_view name, std::string_view value) {
  path += path.find('?') == std::string::npos ? '?' : '&';
  path += fmt::format("{}={}", name, url_encode(value));
}

long curl_milliseconds(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<long>(std::max<int64_t>(count, 1));
}

}  // namespace breakwater::kube
