#include "blob/s3_client.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/hash.h"
#include "blob/s3_xml.h"

namespace breakwater::blob {
namespace {

constexpr Duration kLongestRetryAfter = std::chrono::seconds(60);
constexpr size_t kMostForeignWords = 200;

// Error codes that another try may cure, whatever their status: load, and damage on the way.
constexpr std::array<std::string_view, 12> kWorthRepeating = {"SlowDown",
                                                              "InternalError",
                                                              "ServiceUnavailable",
                                                              "RequestTimeout",
                                                              "OperationAborted",
                                                              "BadDigest",
                                                              "XAmzContentSHA256Mismatch",
                                                              "IncompleteBody",
                                                              "ConditionalRequestConflict",
                                                              "Throttling",
                                                              "RequestThrottled",
                                                              "TooManyRequests"};

bool worth_repeating(const HttpResponse& response, const S3Complaint& complaint) {
  switch (response.status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return std::find(kWorthRepeating.begin(), kWorthRepeating.end(), complaint.code) !=
             kWorthRepeating.end();
  }
}

HttpSettings http_settings(const S3Settings& settings, bool loopback) {
  HttpSettings http;
  http.connections = settings.connections;
  http.ca_pem = settings.ca_pem;
  http.insecure_skip_verify = settings.insecure;
  http.direct = loopback;
  http.cancel = settings.cancel;
  return http;
}

std::string_view host_of(std::string_view endpoint) {
  return endpoint.substr(endpoint.find("://") + 3);
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.rfind(':'));
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.");
}

S3Complaint complaint_of(const HttpResponse& response) {
  S3Complaint complaint;
  if (response.body.empty()) return complaint;
  const auto document = parse_xml(as_text(response.body));
  if (!document || document->name != "Error") return complaint;
  complaint.code = document->text_of("Code");
  complaint.message = document->text_of("Message");
  complaint.region = document->text_of("Region");
  return complaint;
}

S3Client::S3Client(S3Settings settings, const Clock& clock, Random& random)
    : settings_(std::move(settings)),
      clock_(clock),
      pool_(http_settings(settings_, is_loopback_host(host_of(settings_.endpoint))), clock),
      random_(random),
      region_(settings_.region.empty() ? "us-east-1" : settings_.region) {}

std::string S3Client::describe() const {
  return fmt::format("s3 bucket {} at {}", settings_.bucket, host_of(settings_.endpoint));
}

std::string S3Client::region() {
  const std::lock_guard lock(mutex_);
  return region_;
}

std::string S3Client::host() const {
  const std::string_view host = host_of(settings_.endpoint);
  return settings_.path_style ? std::string(host) : fmt::format("{}.{}", settings_.bucket, host);
}

Result<HttpResponse> S3Client::send(const S3Call& call) {
  RequestToSign request;
  request.method = call.method;
  request.path = settings_.path_style
                     ? fmt::format("/{}/{}", settings_.bucket, url_encode(call.key, true))
                     : "/" + url_encode(call.key, true);
  if (call.key.empty() && settings_.path_style) request.path.pop_back();
  request.query = call.query;
  request.headers = call.headers;
  request.headers["host"] = host();
  request.payload_hash = call.body_sha256;
  request.headers["x-amz-content-sha256"] = call.body_sha256;
  sign(request, settings_.credentials, {region()}, clock_.now());

  HttpRequest http;
  http.method = call.method;
  const std::string_view scheme =
      std::string_view(settings_.endpoint).substr(0, settings_.endpoint.find("://") + 3);
  http.url = fmt::format("{}{}{}", scheme, request.headers["host"], request.path);
  if (!call.query.empty()) http.url += "?" + encode_query(call.query);
  http.headers = std::move(request.headers);
  http.body = call.body;
  http.most_body = call.most_body;
  http.patience = call.patience.count() == 0 ? settings_.patience : call.patience;
  return pool_.perform(http);
}

bool S3Client::learn_region(const HttpResponse& response, const S3Complaint& complaint) {
  if (response.success()) return false;
  const std::string& named =
      complaint.region.empty() ? response.header("x-amz-bucket-region") : complaint.region;
  const bool about_region = complaint.code == "AuthorizationHeaderMalformed" ||
                            response.status / 100 == 3 || response.status == 400;
  if (named.empty() || !about_region || !settings_.region.empty()) return false;
  const std::lock_guard lock(mutex_);
  if (named == region_) return false;
  region_ = named;
  return true;
}

Result<HttpResponse> S3Client::call(const S3Call& given) {
  S3Call call = given;
  if (call.body_sha256.empty()) call.body_sha256 = to_hex(sha256(call.body));
  for (int attempt = 1;; ++attempt) {
    auto sent = send(call);
    S3Complaint complaint;
    if (sent) {
      if (!sent->success()) complaint = complaint_of(*sent);
      if (learn_region(*sent, complaint)) continue;
      if (!worth_repeating(*sent, complaint)) return sent;
    } else if (!sent.error().is(Code::kUnavailable) && !sent.error().is(Code::kTimeout)) {
      return sent;
    }
    if (attempt >= settings_.attempts) {
      if (!sent) return sent;
      Error error = explain(sent->status, complaint);
      return fail(Code::kUnavailable, "{}, also at attempt {}", error.message(), attempt);
    }
    TRY(wait(pause_before(attempt, sent ? &*sent : nullptr)));
  }
}

Duration S3Client::pause_before(int attempt, const HttpResponse* response) {
  Duration pause = settings_.first_pause;
  for (int i = 1; i < attempt && pause < settings_.longest_pause; ++i) pause *= 2;
  pause = std::min(pause, settings_.longest_pause);
  {
    // Half of it is left to chance, lest all who were refused come back together.
    const std::lock_guard lock(mutex_);
    pause -=
        Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(pause.count()) / 2 + 1)));
  }
  if (response == nullptr) return pause;
  const std::string& after = response->header("retry-after");
  int64_t seconds = 0;
  const auto parsed = std::from_chars(after.data(), after.data() + after.size(), seconds);
  if (parsed.ec != std::errc() || seconds < 0) return pause;
  const Duration wanted = std::chrono::seconds(std::min<int64_t>(seconds, 3600));
  return std::max(pause, std::min(wanted, kLongestRetryAfter));
}

Result<> S3Client::wait(Duration duration) {
  constexpr Duration kSlice = std::chrono::milliseconds(100);
  std::unique_lock lock(mutex_);
  for (Duration left = duration; left.count() > 0; left -= kSlice) {
    TRY(settings_.cancel.check());
    never_.wait_for(lock, std::min(left, kSlice));
  }
  return settings_.cancel.check();
}

std::string S3Client::without_secrets(std::string text) const {
  for (const std::string* secret :
       {&settings_.credentials.secret_access_key, &settings_.credentials.session_token}) {
    if (secret->empty()) continue;
    for (size_t at; (at = text.find(*secret)) != std::string::npos;) {
      text.replace(at, secret->size(), "...");
    }
  }
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  if (text.size() > kMostForeignWords) text.resize(kMostForeignWords);
  while (text.ends_with('.') || text.ends_with(' ')) text.pop_back();
  return text;
}

Error S3Client::explain(int status, const S3Complaint& complaint) const {
  struct Known {
    std::string_view codes;  // each followed by a blank
    Code code;
    std::string_view sentence;
  };
  static constexpr std::array<Known, 8> kKnown = {{
      {"NoSuchKey ", Code::kNotFound, "the object does not exist"},
      {"NoSuchBucket ", Code::kInvalid, "the bucket does not exist"},
      {"AccessDenied AllAccessDisabled AccountProblem ", Code::kForbidden,
       "access denied: the access key has no right to do this"},
      {"InvalidAccessKeyId ", Code::kUnauthorized, "the server does not know the access key"},
      {"SignatureDoesNotMatch ", Code::kUnauthorized,
       "the server does not accept the signature: the secret access key is wrong"},
      {"ExpiredToken TokenRefreshRequired ", Code::kUnauthorized,
       "the session token has expired: renew the credentials"},
      {"InvalidToken ", Code::kUnauthorized, "the server does not accept the session token"},
      {"RequestTimeTooSkewed RequestExpired ", Code::kInvalid,
       "the clock of this machine or that of the server is off by more than 15 minutes"},
  }};
  const std::string word = complaint.code + ' ';
  for (const Known& known : kKnown) {
    if (!complaint.code.empty() &&
        (" " + std::string(known.codes)).find(" " + word) != std::string::npos) {
      return Error(known.code, fmt::format("{} ({})", known.sentence, complaint.code));
    }
  }
  if (!complaint.region.empty()) {
    return Error(Code::kInvalid,
                 fmt::format("the bucket is in region {}, not in {}: correct region",
                             without_secrets(complaint.region), settings_.region));
  }
  Code code = Code::kInvalid;
  if (status >= 500) code = Code::kUnavailable;
  if (status == 401) code = Code::kUnauthorized;
  if (status == 403) code = Code::kForbidden;
  if (status == 404) code = Code::kNotFound;
  if (status == 501) code = Code::kUnsupported;
  std::string words = fmt::format("the server answers {}", status);
  if (!complaint.code.empty()) words += " " + without_secrets(complaint.code);
  if (!complaint.message.empty()) words += ": " + without_secrets(complaint.message);
  return Error(code, words);
}

Error S3Client::error_of(const S3Call& call, const HttpResponse& response) {
  if (call.method == "HEAD") {
    S3Call look;
    look.key = call.key;
    look.headers["range"] = "bytes=0-0";
    look.most_body = 1;
    const auto answer = this->call(look);
    if (answer && !answer->success()) return explain(answer->status, complaint_of(*answer));
  }
  S3Complaint complaint = complaint_of(response);
  if (complaint.region.empty()) complaint.region = response.header("x-amz-bucket-region");
  if (response.status / 100 != 3 && complaint.code != "AuthorizationHeaderMalformed") {
    complaint.region.clear();
  }
  return explain(response.status, complaint);
}

}  // namespace breakwater::blob
