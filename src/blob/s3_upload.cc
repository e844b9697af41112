#include "blob/s3_upload.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "blob/s3_xml.h"

namespace breakwater::blob {
namespace {

constexpr uint64_t kMostAtOnce = uint64_t{5} << 30;  // S3's limit for one PUT
constexpr size_t kMostParts = 10'000;                // and for an upload's parts
constexpr uint64_t kMostDocument = 1 << 20;
// Putting many parts together takes a server its time, with nothing on the wire.
constexpr Duration kCompletePatience = std::chrono::minutes(5);
constexpr int kMostLooks = 4;

}  // namespace

struct S3Uploader::Write {
  std::string key;
  ByteSpan data;
  std::string sha256;
  std::string mark;

  std::map<std::string, std::string> headers(const S3Settings& settings) const {
    std::map<std::string, std::string> all = settings.put_headers;
    all["content-type"] = "application/octet-stream";
    all[kSha256Header] = sha256;
    all[kWriteHeader] = mark;
    return all;
  }
};

S3Uploader::Write S3Uploader::begin(const std::string& key, ByteSpan data) {
  std::array<std::byte, 16> mark;
  random_.fill(mark);
  return {key, data, to_hex(sha256(data)), to_hex(mark)};
}

Result<HttpResponse> S3Uploader::put_once(const Write& write, bool only_new) {
  S3Call call;
  call.method = "PUT";
  call.key = write.key;
  call.headers = write.headers(client_.settings());
  call.headers["content-md5"] = to_base64(md5(write.data));
  if (only_new) call.headers["if-none-match"] = "*";
  call.body = write.data;
  call.body_sha256 = write.sha256;
  call.most_body = kMostDocument;
  auto answer = client_.call(call);
  if (!answer || answer->success() || (only_new && answer->status == 412)) return answer;
  const bool refused =
      answer->status == 501 || (answer->status == 400 && complaint_of(*answer).code != "");
  if (only_new && refused) return answer;
  return tl::unexpected(client_.error_of(call, *answer));
}

Result<> S3Uploader::put(const std::string& key, ByteSpan data) {
  const Write write = begin(key, data);
  if (data.size() > client_.settings().multipart_threshold) return put_in_parts(write);
  TRY(put_once(write, false));
  return {};
}

Result<std::optional<std::string>> S3Uploader::mark_of(const std::string& key) {
  S3Call call;
  call.method = "HEAD";
  call.key = key;
  HttpResponse answer = TRY(client_.call(call));
  if (answer.success()) return answer.header(kWriteHeader);
  Error error = client_.error_of(call, answer);
  if (error.is(Code::kNotFound)) return std::nullopt;
  return tl::unexpected(std::move(error));
}

Result<> S3Uploader::put_new(const std::string& key, ByteSpan data) {
  if (data.size() > kMostAtOnce) {
    return fail(Code::kUnsupported, "an object of {} bytes cannot be created conditionally",
                data.size());
  }
  const Write write = begin(key, data);
  std::unique_lock lock(one_at_a_time_, std::defer_lock);
  if (condition_ != Condition::kHonoured) lock.lock();
  for (int look = 0; look < kMostLooks; ++look) {
    const Condition condition = condition_;
    if (condition == Condition::kHonoured && lock.owns_lock()) lock.unlock();
    if (condition == Condition::kIgnored) return put_where_ignored(write);
    // A server that ignores the condition must not replace what is there.
    if (condition == Condition::kUnknown && TRY(mark_of(key))) {
      return fail(Code::kAlreadyExists, "{} exists", key);
    }
    const HttpResponse answer = TRY(put_once(write, true));
    if (answer.success()) {
      if (condition == Condition::kUnknown) {
        const auto found = find_out(write);  // the object is there, whatever comes of this
        if (found) condition_ = *found;
      }
      return {};
    }
    if (answer.status != 412) {  // refused: judge the server only if it takes the same without
      TRY(put_where_ignored(write));
      condition_ = Condition::kIgnored;
      return {};
    }
    condition_ = Condition::kHonoured;
    // Whether this request or an earlier try whose answer was lost: the mark knows.
    const auto mark = TRY(mark_of(key));
    if (mark == write.mark) return {};
    if (mark) return fail(Code::kAlreadyExists, "{} exists", key);
  }
  return fail(Code::kUnavailable, "{} comes and goes: it exists for a write, not for a look", key);
}

// The object carries our mark; the same write once more changes nothing, and shows whether the
// condition means anything to the server.
Result<S3Uploader::Condition> S3Uploader::find_out(const Write& write) {
  const HttpResponse again = TRY(put_once(write, true));
  return again.status == 412 ? Condition::kHonoured : Condition::kIgnored;
}

Result<> S3Uploader::put_where_ignored(const Write& write) {
  if (TRY(mark_of(write.key))) return fail(Code::kAlreadyExists, "{} exists", write.key);
  TRY(put_once(write, false));
  if (TRY(mark_of(write.key)) == write.mark) return {};
  return fail(Code::kAlreadyExists, "{} was written by somebody else at the same time", write.key);
}

Result<> S3Uploader::put_in_parts(const Write& write) {
  S3Call start;
  start.method = "POST";
  start.key = write.key;
  start.query = {{"uploads", ""}};
  start.headers = write.headers(client_.settings());
  start.most_body = kMostDocument;
  const HttpResponse answer = TRY(client_.call(start));
  if (!answer.success()) return tl::unexpected(client_.error_of(start, answer));
  const XmlElement started = TRY(parse_xml(as_text(answer.body)));
  const std::string upload = started.text_of("UploadId");
  if (upload.empty()) return fail(Code::kUnavailable, "the server names no upload");

  const uint64_t part_size =
      std::max<uint64_t>(client_.settings().part_size, write.data.size() / kMostParts + 1);
  std::string list = "<CompleteMultipartUpload>";
  Result<> result;
  for (size_t at = 0, number = 1; result && at < write.data.size(); at += part_size, ++number) {
    const ByteSpan part =
        write.data.subspan(at, std::min<uint64_t>(part_size, write.data.size() - at));
    std::string etag;
    result = put_part(write, upload, number, part, etag);
    list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number,
                        xml_escape(etag));
  }
  list += "</CompleteMultipartUpload>";
  if (result) result = complete(write, upload, list);
  if (!result) abort(write, upload);
  return result;
}

Result<> S3Uploader::put_part(const Write& write, const std::string& upload, size_t number,
                              ByteSpan part, std::string& etag) {
  S3Call call;
  call.method = "PUT";
  call.key = write.key;
  call.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
  call.headers["content-md5"] = to_base64(md5(part));
  call.headers["content-type"] = "application/octet-stream";
  call.body = part;
  call.most_body = kMostDocument;
  const HttpResponse answer = TRY(client_.call(call));
  if (!answer.success()) return tl::unexpected(client_.error_of(call, answer));
  etag = answer.header("etag");
  if (etag.empty()) return fail(Code::kUnavailable, "the server names no ETag of part {}", number);
  return {};
}

Result<> S3Uploader::complete(const Write& write, const std::string& upload,
                              const std::string& list) {
  S3Call call;
  call.method = "POST";
  call.key = write.key;
  call.query = {{"uploadId", upload}};
  call.headers["content-type"] = "application/xml";
  call.body = as_bytes(list);
  call.most_body = kMostDocument;
  call.patience = std::max(kCompletePatience, client_.settings().patience);
  HttpResponse answer = TRY(client_.call(call));
  // S3 may begin with 200 and then find that it fails.
  const S3Complaint complaint = complaint_of(answer);
  if (answer.success() && complaint.code.empty()) return {};
  // An upload that is gone may have been completed by a try whose answer was lost.
  if (complaint.code == "NoSuchUpload" && TRY(mark_of(write.key)) == write.mark) return {};
  if (answer.success()) answer.status = 500;
  return tl::unexpected(client_.error_of(call, answer));
}

// What an upload that is not ended holds is paid for, and seen by nobody.
void S3Uploader::abort(const Write& write, const std::string& upload) {
  S3Call call;
  call.method = "DELETE";
  call.key = write.key;
  call.query = {{"uploadId", upload}};
  call.most_body = kMostDocument;
  static_cast<void>(client_.call(call));
}

}  // namespace breakwater::blob
