#include "blob/s3_http.h"

#include <curl/curl.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace breakwater::blob {
namespace {

constexpr long kKeepAliveSeconds = 30;
constexpr uint64_t kMostErrorBody = 64 * 1024;
constexpr uint64_t kMostReserved = 256 * 1024 * 1024;

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter>;

long milliseconds(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<long>(std::max<int64_t>(count, 1));
}

CurlList header_lines(const std::map<std::string, std::string>& headers) {
  CurlList list(curl_slist_append(nullptr, "Expect:"));
  for (const auto& [name, value] : headers) {
    curl_slist* longer = curl_slist_append(list.get(), fmt::format("{}: {}", name, value).c_str());
    if (longer == nullptr) continue;
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_final(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return true;
    default:
      return false;
  }
}

}  // namespace

// One request on one handle.
class HttpPool::Transfer {
 public:
  Transfer(const HttpRequest& request, const HttpSettings& settings, const Clock& clock)
      : request_(request), settings_(settings), clock_(clock), moved_at_(clock.monotonic()) {}

  Result<HttpResponse> run(CURL* handle) {
    handle_ = handle;
    curl_easy_reset(handle);  // keeps the connection
    set_options();
    set_callbacks();
    const CurlList headers = header_lines(request_.headers);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    const CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK) return failure(code);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }

 private:
  void set_options() {
    curl_easy_setopt(handle_, CURLOPT_URL, request_.url.c_str());
    curl_easy_setopt(handle_, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle_, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(settings_.connect_timeout));
    curl_easy_setopt(handle_, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(handle_, CURLOPT_TCP_KEEPIDLE, kKeepAliveSeconds);
    curl_easy_setopt(handle_, CURLOPT_TCP_KEEPINTVL, kKeepAliveSeconds);
    curl_easy_setopt(handle_, CURLOPT_BUFFERSIZE, 256 * 1024L);
    curl_easy_setopt(handle_, CURLOPT_UPLOAD_BUFFERSIZE, 256 * 1024L);
    curl_easy_setopt(handle_, CURLOPT_USERAGENT, "breakwater");
    if (settings_.direct) curl_easy_setopt(handle_, CURLOPT_PROXY, "");
    curl_easy_setopt(handle_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYPEER, settings_.insecure_skip_verify ? 0L : 1L);
    curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYHOST, settings_.insecure_skip_verify ? 0L : 2L);
    if (!settings_.ca_pem.empty()) {
      curl_blob ca = {const_cast<char*>(settings_.ca_pem.data()), settings_.ca_pem.size(),
                      CURL_BLOB_NOCOPY};
      curl_easy_setopt(handle_, CURLOPT_CAINFO_BLOB, &ca);
      curl_easy_setopt(handle_, CURLOPT_CAPATH, nullptr);
    }
    if (request_.method == "HEAD") {
      curl_easy_setopt(handle_, CURLOPT_NOBODY, 1L);
    } else if (request_.method == "PUT" || request_.method == "POST") {
      // As a POST of that name: its body needs no rewinding when libcurl has to send it again.
      curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, request_.body.data());
      curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request_.body.size()));
      if (request_.body.empty()) curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, "");
      curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    } else if (request_.method != "GET") {
      curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }
  }

  void set_callbacks() {
    curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, detail_);
    curl_easy_setopt(handle_, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    curl_easy_setopt(handle_, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle_, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle_, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    curl_easy_setopt(handle_, CURLOPT_XFERINFODATA, this);
  }

  tl::unexpected<Error> failure(CURLcode code) const {
    if (settings_.cancel.cancelled()) return fail(Code::kCancelled, "the transfer was cancelled");
    if (too_long_) {
      return fail(Code::kUnsupported, "the answer is longer than the {} bytes that were asked for",
                  request_.most_body);
    }
    if (stalled_) {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(request_.patience);
      return fail(Code::kTimeout, "nothing moved for {} s", seconds.count());
    }
    const std::string_view text = detail_[0] == '\0' ? curl_easy_strerror(code) : detail_;
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
      return fail(Code::kInvalid,
                  "the server's certificate is not trusted (caCert names another authority): {}",
                  text);
    }
    if (is_final(code)) return fail(Code::kInvalid, "{}", text);
    return fail(code == CURLE_OPERATION_TIMEDOUT ? Code::kTimeout : Code::kUnavailable, "{}", text);
  }

  static size_t on_header(char* data, size_t, size_t size, void* self) {
    static_cast<Transfer*>(self)->header({data, size});
    return size;
  }

  void header(std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {  // of a new answer, after a 100 or a proxy's
      response_.headers.clear();
      response_.body.clear();
      return;
    }
    const size_t colon = line.find(':');
    if (colon == line.npos) return;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    response_.headers[lower_case(line.substr(0, colon))] = value;
  }

  static size_t on_body(char* data, size_t, size_t size, void* self) {
    return static_cast<Transfer*>(self)->body({reinterpret_cast<std::byte*>(data), size});
  }

  size_t body(ByteSpan part) {
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    const bool success = status / 100 == 2;
    const uint64_t most = success ? request_.most_body : kMostErrorBody;
    const uint64_t room = most - std::min<uint64_t>(most, response_.body.size());
    if (success && part.size() > room) {
      too_long_ = true;
      return 0;
    }
    if (response_.body.empty() && success) reserve();
    const ByteSpan kept = part.first(std::min<size_t>(part.size(), room));
    response_.body.insert(response_.body.end(), kept.begin(), kept.end());
    return part.size();
  }

  void reserve() {
    curl_off_t length = 0;
    curl_easy_getinfo(handle_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length <= 0) return;
    response_.body.reserve(
        std::min({static_cast<uint64_t>(length), request_.most_body, kMostReserved}));
  }

  static int on_progress(void* self, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) {
    return static_cast<Transfer*>(self)->progress(down + up);
  }

  int progress(curl_off_t moved) {
    if (settings_.cancel.cancelled()) return 1;
    const Duration now = clock_.monotonic();
    if (moved != moved_) {
      moved_ = moved;
      moved_at_ = now;
    }
    stalled_ = now - moved_at_ > request_.patience;
    return stalled_ ? 1 : 0;
  }

  const HttpRequest& request_;
  const HttpSettings& settings_;
  const Clock& clock_;
  CURL* handle_ = nullptr;
  HttpResponse response_;
  char detail_[CURL_ERROR_SIZE] = {};
  curl_off_t moved_ = 0;
  Duration moved_at_;
  bool stalled_ = false;
  bool too_long_ = false;
};

struct HttpPool::State {
  State(HttpSettings given, const Clock& its_clock)
      : settings(std::move(given)), clock(its_clock), free_places(settings.connections) {}

  // A handle, the one used last first: its connection is the least likely to be closed by now.
  Result<CurlHandle> take() {
    std::unique_lock lock(mutex);
    while (free_places == 0) {
      TRY(settings.cancel.check());
      freed.wait_for(lock, std::chrono::milliseconds(100));
    }
    TRY(settings.cancel.check());
    --free_places;
    if (idle.empty()) return CurlHandle(curl_easy_init());
    CurlHandle handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }

  void give_back(CurlHandle handle) {
    const std::lock_guard lock(mutex);
    ++free_places;
    if (handle) idle.push_back(std::move(handle));
    freed.notify_one();
  }

  const HttpSettings settings;
  const Clock& clock;
  std::mutex mutex;  // for what follows
  std::condition_variable freed;
  size_t free_places;
  std::vector<CurlHandle> idle;
};

const std::string& HttpResponse::header(const std::string& name) const {
  static const auto* const kNothing = new std::string;
  const auto found = headers.find(name);
  return found == headers.end() ? *kNothing : found->second;
}

HttpPool::HttpPool(HttpSettings settings, const Clock& clock)
    : state_(std::make_unique<State>(std::move(settings), clock)) {
  curl_global_init(CURL_GLOBAL_DEFAULT);  // counted and thread-safe in Debian 12's libcurl
}

HttpPool::~HttpPool() = default;

Result<HttpResponse> HttpPool::perform(const HttpRequest& request) {
  CurlHandle handle = TRY(state_->take());
  if (!handle) {
    state_->give_back(nullptr);
    return fail(Code::kInternal, "libcurl has no memory for a transfer");
  }
  Result<HttpResponse> result =
      Transfer(request, state_->settings, state_->clock).run(handle.get());
  state_->give_back(std::move(handle));
  return result;
}

}  // namespace breakwater::blob
