#include "blob/s3_store.h"

#include <algorithm>
#include <atomic>

#include "base/hash.h"
#include "blob/key.h"
#include "blob/s3_client.h"
#include "blob/s3_upload.h"
#include "blob/s3_xml.h"
#include "blob/text_number.h"

namespace breakwater::blob {
namespace {

constexpr int kMostReads = 3;  // of an object that arrives damaged
constexpr uint64_t kMostListing = 64 << 20;
constexpr char kPageSize[] = "1000";

class S3Store final : public ObjectStore {
 public:
  S3Store(S3Settings settings, std::shared_ptr<const Clock> clock, Random& random)
      : clock_(std::move(clock)),
        client_(std::move(settings), *clock_, random),
        uploader_(client_, random) {}

  Result<Bytes> get(const std::string& key) override {
    TRY(check_key(key));
    return while_doing(read(key), "reading {} in {}", key, describe());
  }

  Result<Bytes> get_range(const std::string& key, uint64_t offset, uint64_t length) override {
    TRY(check_key(key));
    return while_doing(read_range(key, offset, length), "reading {} in {}", key, describe());
  }

  Result<ObjectInfo> head(const std::string& key) override {
    TRY(check_key(key));
    return while_doing(look(key), "looking at {} in {}", key, describe());
  }

  Result<> put(const std::string& key, ByteSpan data) override {
    TRY(check_key(key));
    return while_doing(uploader_.put(key, data), "writing {} in {}", key, describe());
  }

  Result<> put_new(const std::string& key, ByteSpan data) override {
    TRY(check_key(key));
    return while_doing(uploader_.put_new(key, data), "creating {} in {}", key, describe());
  }

  Result<> remove(const std::string& key) override {
    TRY(check_key(key));
    S3Call call;
    call.method = "DELETE";
    call.key = key;
    auto done = expect_success(call);
    if (done || done.error().is(Code::kNotFound)) return {};
    return while_doing(Result<>(tl::unexpected(std::move(done).error())), "removing {} in {}", key,
                       describe());
  }

  Result<Listing> list(const std::string& prefix, bool fold_directories) override {
    TRY(check_prefix(prefix));
    return while_doing(list_pages(prefix, fold_directories), "listing \"{}\" in {}", prefix,
                       describe());
  }

  std::string describe() const override { return client_.describe(); }

 private:
  Result<HttpResponse> expect_success(const S3Call& call) {
    HttpResponse answer = TRY(client_.call(call));
    if (answer.success()) {
      bucket_seen_ = true;
      return answer;
    }
    // After the bucket was seen, a 404 needs no second question about which of the two is missing.
    if (call.method == "HEAD" && answer.status == 404 && bucket_seen_) {
      return fail(Code::kNotFound, "the object does not exist");
    }
    return tl::unexpected(client_.error_of(call, answer));
  }

  Result<Bytes> read(const std::string& key) {
    S3Call call;
    call.key = key;
    call.most_body = UINT64_MAX;
    for (int tries = 1;; ++tries) {
      HttpResponse answer = TRY(expect_success(call));
      const std::string& expected = answer.header(kSha256Header);
      if (expected.empty() || to_hex(sha256(answer.body)) == expected) {
        return std::move(answer.body);
      }
      if (tries == kMostReads) {
        return fail(Code::kCorrupt, "the object does not match the SHA-256 it was written with");
      }
    }
  }

  Result<Bytes> read_range(const std::string& key, uint64_t offset, uint64_t length) {
    if (length == 0 || length > UINT64_MAX - offset) {
      const ObjectInfo info = TRY(look(key));
      if (length == 0 && offset <= info.size) return Bytes();
      return too_short(offset, length);
    }
    S3Call call;
    call.key = key;
    call.headers["range"] = fmt::format("bytes={}-{}", offset, offset + length - 1);
    call.most_body = length;
    HttpResponse answer = TRY(client_.call(call));
    if (answer.status == 416) return too_short(offset, length);
    if (!answer.success()) return tl::unexpected(client_.error_of(call, answer));
    const std::string expected = fmt::format("bytes {}-", offset);
    const bool right_place =
        answer.status == 206 ? answer.header("content-range").starts_with(expected) : offset == 0;
    if (!right_place) {
      return fail(Code::kUnsupported, "the server does not give the range that was asked for");
    }
    if (answer.body.size() != length) return too_short(offset, length);
    return std::move(answer.body);
  }

  static tl::unexpected<Error> too_short(uint64_t offset, uint64_t length) {
    return fail(Code::kInvalid, "the object is shorter than {} + {} bytes", offset, length);
  }

  Result<ObjectInfo> look(const std::string& key) {
    S3Call call;
    call.method = "HEAD";
    call.key = key;
    const HttpResponse answer = TRY(expect_success(call));
    const auto size = parse_number(answer.header("content-length"));
    if (!size) return fail(Code::kUnavailable, "the server does not say how long the object is");
    return ObjectInfo{key, *size};
  }

  Result<Listing> list_pages(const std::string& prefix, bool fold) {
    Listing listing;
    std::string token;
    for (;;) {
      S3Call call;
      call.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", kPageSize}};
      if (!prefix.empty()) call.query.emplace_back("prefix", prefix);
      if (fold) call.query.emplace_back("delimiter", "/");
      if (!token.empty()) call.query.emplace_back("continuation-token", token);
      call.most_body = kMostListing;
      const HttpResponse answer = TRY(expect_success(call));
      const XmlElement page = TRY(parse_xml(as_text(answer.body)));
      if (page.name != "ListBucketResult") {
        return fail(Code::kUnsupported, "the server answers a listing with {}", page.name);
      }
      TRY(add_page(page, listing));
      if (page.text_of("IsTruncated") != "true") break;
      const std::string& next = page.text_of("NextContinuationToken");
      if (next.empty() || next == token) {
        return fail(Code::kUnsupported, "the server's listing does not go on: it repeats a page");
      }
      token = next;
    }
    std::sort(listing.objects.begin(), listing.objects.end(),
              [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
    std::sort(listing.prefixes.begin(), listing.prefixes.end());
    return listing;
  }

  static Result<> add_page(const XmlElement& page, Listing& listing) {
    const bool encoded = page.text_of("EncodingType") == "url";
    const auto decode = [encoded](const std::string& text) -> Result<std::string> {
      if (!encoded) return text;
      return url_decode(text, true);
    };
    for (const XmlElement& entry : page.children) {
      if (entry.name == "Contents") {
        std::string key = TRY(decode(entry.text_of("Key")));
        const auto size = parse_number(entry.text_of("Size"));
        if (!size) return fail(Code::kUnsupported, "the server's listing has no size of {}", key);
        // Markers of folders that other programs make ("a/") cannot be addressed, nor be in the
        // way.
        if (check_key(key)) listing.objects.push_back({std::move(key), *size});
      } else if (entry.name == "CommonPrefixes") {
        std::string folder = TRY(decode(entry.text_of("Prefix")));
        if (check_prefix(folder)) listing.prefixes.push_back(std::move(folder));
      }
    }
    return {};
  }

  const std::shared_ptr<const Clock> clock_;
  S3Client client_;
  S3Uploader uploader_;
  std::atomic<bool> bucket_seen_ = false;
};

bool is_bucket_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 255 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_';
         });
}

Result<> check_endpoint(const S3Settings& settings) {
  const std::string_view endpoint = settings.endpoint;
  const bool plain = endpoint.starts_with("http://");
  const size_t scheme = endpoint.find("://");
  const std::string_view host =
      scheme == endpoint.npos ? std::string_view() : endpoint.substr(scheme + 3);
  const bool odd = std::any_of(host.begin(), host.end(), [](char c) {
    return c <= ' ' || c > '~' || std::string_view("/?#@\\\"").find(c) != std::string_view::npos;
  });
  if ((!plain && !endpoint.starts_with("https://")) || host.empty() || odd) {
    return fail(Code::kInvalid, "\"{}\" is not the URL of an S3 server, like https://host:port",
                endpoint.substr(0, endpoint.find('@')));
  }
  if (plain && !settings.insecure && !is_loopback_host(host)) {
    return fail(Code::kInvalid,
                "{} must be https: it is on another machine (insecureSkipTLSVerify \"true\" "
                "accepts plain http)",
                endpoint);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> make_s3_store(S3Settings settings,
                                                   std::shared_ptr<const Clock> clock,
                                                   Random& random) {
  if (!is_bucket_name(settings.bucket)) {
    return fail(Code::kInvalid, "\"{}\" is not the name of an S3 bucket", settings.bucket);
  }
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (settings.endpoint.empty()) {
    const std::string_view china = settings.region.starts_with("cn-") ? ".cn" : "";
    settings.endpoint = settings.region.empty()
                            ? "https://s3.amazonaws.com"
                            : fmt::format("https://s3.{}.amazonaws.com{}", settings.region, china);
  }
  TRY(check_endpoint(settings));
  if (settings.credentials.access_key_id.empty() ||
      settings.credentials.secret_access_key.empty()) {
    return fail(Code::kInvalid, "s3 bucket {} needs an access key and its secret", settings.bucket);
  }
  for (const std::string* text : {&settings.credentials.access_key_id,
                                  &settings.credentials.session_token, &settings.region}) {
    if (std::any_of(text->begin(), text->end(), [](char c) { return c <= ' ' || c > '~'; })) {
      return fail(Code::kInvalid,
                  "the region, access key or session token for s3 bucket {} holds characters that "
                  "none has",
                  settings.bucket);
    }
  }
  return std::make_unique<S3Store>(std::move(settings), std::move(clock), random);
}

}  // namespace breakwater::blob
