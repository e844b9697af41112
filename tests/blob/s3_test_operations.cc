// What the server does with a request that is in order.
#include <algorithm>
#include <set>

#include "base/hash.h"
#include "blob/s3_xml.h"
#include "tests/blob/s3_test_server.h"

namespace breakwater::blob {
namespace {

std::string given(const std::map<std::string, std::string>& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? "" : found->second;
}

std::map<std::string, std::string> kept_headers(const S3Request& request) {
  std::map<std::string, std::string> kept;
  for (const auto& [name, value] : request.headers) {
    if (name.starts_with("x-amz-meta-") || name.starts_with("x-amz-server-side-encryption") ||
        name == "content-type") {
      kept[name] = value;
    }
  }
  return kept;
}

std::string etag_of(const std::string& data) { return "\"" + to_hex(md5(as_bytes(data))) + "\""; }

std::string tag(const std::string& name, const std::string& value) {
  return "<" + name + ">" + xml_escape(value) + "</" + name + ">";
}

S3Answer document(const std::string& root, const std::string& inside) {
  S3Answer answer;
  answer.headers["Content-Type"] = "application/xml";
  answer.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><" + root +
                " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + inside + "</" + root + ">";
  return answer;
}

// As AWS does it: blanks become '+'.
std::string encode_for_listing(const std::string& text) {
  std::string encoded = url_encode(text, true);
  for (size_t at; (at = encoded.find("%20")) != std::string::npos;) encoded.replace(at, 3, "+");
  return encoded;
}

}  // namespace

S3Answer S3TestServer::handle(const S3Request& raw) {
  S3Request request = raw;
  const std::string host = given(request.headers, "host");
  const std::string place = std::to_string(port_);
  std::string path = *url_decode(request.path);
  std::string bucket;
  if (host == settings_.bucket + ".localhost:" + place) {
    bucket = settings_.bucket;
    request.key = path.substr(1);
  } else if (host == "127.0.0.1:" + place || host == "localhost:" + place) {
    bucket = path.substr(1, path.find('/', 1) - 1);
    request.key = path.substr(std::min(bucket.size() + 2, path.size()));
  } else {
    return s3_error(400, "InvalidBucketName");
  }
  for (size_t at = 0; at < request.raw_query.size();) {
    const size_t end = std::min(request.raw_query.find('&', at), request.raw_query.size());
    const std::string pair = request.raw_query.substr(at, end - at);
    const std::string name = pair.substr(0, pair.find('='));
    const std::string value = pair.substr(std::min(name.size() + 1, pair.size()));
    if (!request.query.emplace(name, url_decode(value).value_or("")).second) {
      return s3_error(400, "InvalidArgument");
    }
    at = end + 1;
  }
  if (const auto bad = find_wrong(request)) return *bad;
  if (bucket != settings_.bucket) return s3_error(404, "NoSuchBucket");
  const std::lock_guard lock(mutex_);
  if (request.key.empty()) {
    return request.method == "GET" ? list_objects(request) : s3_error(405, "MethodNotAllowed");
  }
  const bool upload = request.query.contains("uploads") || request.query.contains("uploadId");
  return upload ? handle_upload(request) : handle_object(request);
}

S3Answer S3TestServer::handle_object(const S3Request& request) {
  if (!request.query.empty()) return s3_error(400, "InvalidArgument");
  if (request.method == "GET" || request.method == "HEAD") return get_object(request);
  if (request.method == "PUT") return put_object(request);
  if (request.method != "DELETE") return s3_error(405, "MethodNotAllowed");
  objects_.erase(request.key);
  S3Answer answer;
  answer.status = 204;
  return answer;
}

S3Answer S3TestServer::put_object(const S3Request& request) {
  const std::string condition = given(request.headers, "if-none-match");
  if (!condition.empty()) {
    if (condition != "*") return s3_error(501, "NotImplemented");
    switch (settings_.condition) {
      case S3Condition::kHonoured:
        if (objects_.contains(request.key)) return s3_error(412, "PreconditionFailed");
        break;
      case S3Condition::kNotImplemented:
        return s3_error(501, "NotImplemented");
      case S3Condition::kInvalidArgument:
        return s3_error(400, "InvalidArgument");
      case S3Condition::kIgnored:
        break;
    }
  }
  objects_[request.key] = {request.body, kept_headers(request), etag_of(request.body)};
  S3Answer answer;
  answer.headers["ETag"] = etag_of(request.body);
  return answer;
}

S3Answer S3TestServer::get_object(const S3Request& request) const {
  const auto found = objects_.find(request.key);
  if (found == objects_.end()) return s3_error(404, "NoSuchKey", tag("Key", request.key));
  const std::string& data = found->second.data;
  S3Answer answer;
  answer.headers = found->second.headers;
  answer.headers["ETag"] = found->second.etag;
  answer.body = data;
  const std::string range = given(request.headers, "range");
  if (!range.empty()) {
    const size_t dash = range.find('-');
    if (!range.starts_with("bytes=") || dash == std::string::npos)
      return s3_error(400, "InvalidArgument");
    const size_t first = std::stoull(range.substr(6, dash - 6));
    const size_t last = std::min(std::stoull(range.substr(dash + 1)), data.size() - 1ULL);
    if (first >= data.size()) return s3_error(416, "InvalidRange");
    answer.status = 206;
    answer.body = data.substr(first, last - first + 1);
    answer.headers["Content-Range"] = "bytes " + std::to_string(first) + "-" +
                                      std::to_string(last) + "/" + std::to_string(data.size());
  }
  answer.headers["Content-Length"] = std::to_string(answer.body.size());
  return answer;
}

S3Answer S3TestServer::list_objects(const S3Request& request) const {
  if (given(request.query, "list-type") != "2") return s3_error(400, "InvalidArgument");
  const std::string delimiter = given(request.query, "delimiter");
  const std::string prefix = given(request.query, "prefix");
  const bool encode = given(request.query, "encoding-type") == "url";
  const auto name = [&](const std::string& text) {
    return encode ? encode_for_listing(text) : text;
  };
  size_t most = settings_.page_size;
  if (request.query.contains("max-keys")) {
    most = std::min<size_t>(most, std::stoull(given(request.query, "max-keys")));
  }
  std::string after;
  if (request.query.contains("continuation-token")) {
    const auto token = from_hex(given(request.query, "continuation-token"));
    if (!token) return s3_error(400, "InvalidArgument");
    after = as_text(*token);
  }
  std::string inside, last;
  std::set<std::string> folders;
  size_t count = 0;
  bool truncated = false;
  for (const auto& [key, object] : objects_) {
    if (!key.starts_with(prefix)) continue;
    const size_t slash = delimiter.empty() ? key.npos : key.find('/', prefix.size());
    const std::string entry = slash == key.npos ? key : key.substr(0, slash + 1);
    if (entry <= after || folders.contains(entry)) continue;
    if (count == most) {
      truncated = true;
      break;
    }
    ++count;
    last = entry;
    if (slash != key.npos) {
      folders.insert(entry);
    } else {
      inside += "<Contents>" + tag("Key", name(key)) + tag("ETag", object.etag) +
                tag("Size", std::to_string(object.data.size())) + "</Contents>";
    }
  }
  for (const std::string& folder : folders) {
    inside += "<CommonPrefixes>" + tag("Prefix", name(folder)) + "</CommonPrefixes>";
  }
  if (encode) inside += tag("EncodingType", "url");
  inside += tag("IsTruncated", truncated ? "true" : "false");
  if (truncated) inside += tag("NextContinuationToken", to_hex(as_bytes(last)));
  return document("ListBucketResult", tag("Name", settings_.bucket) + inside);
}

S3Answer S3TestServer::handle_upload(const S3Request& request) {
  if (request.method == "POST" && request.query.contains("uploads")) {
    const std::string id = "upload/" + std::to_string(next_upload_++) + "+=";
    uploads_[id] = {request.key, kept_headers(request), {}};
    return document("InitiateMultipartUploadResult", tag("UploadId", id));
  }
  const auto found = uploads_.find(given(request.query, "uploadId"));
  if (found == uploads_.end() || found->second.key != request.key) {
    return s3_error(404, "NoSuchUpload");
  }
  S3Answer answer;
  if (request.method == "PUT") {
    const int number = std::stoi(given(request.query, "partNumber"));
    if (number < 1 || number > 10'000) return s3_error(400, "InvalidArgument");
    found->second.parts[number] = {request.body, {}, etag_of(request.body)};
    answer.headers["ETag"] = etag_of(request.body);
  } else if (request.method == "POST") {
    return complete_upload(request);
  } else {
    uploads_.erase(found);
    answer.status = 204;
  }
  return answer;
}

S3Answer S3TestServer::complete_upload(const S3Request& request) {
  const auto found = uploads_.find(given(request.query, "uploadId"));
  const auto list = parse_xml(request.body);
  if (!list || list->name != "CompleteMultipartUpload" || list->children.empty()) {
    return s3_error(400, "MalformedXML");
  }
  StoredObject whole;
  int before = 0;
  for (const XmlElement& part : list->children) {
    const int number = std::stoi(part.text_of("PartNumber"));
    if (number <= before) return s3_error(400, "InvalidPartOrder");
    before = number;
    const auto stored = found->second.parts.find(number);
    if (stored == found->second.parts.end() || stored->second.etag != part.text_of("ETag")) {
      return s3_error(400, "InvalidPart");
    }
    const bool last = &part == &list->children.back();
    if (!last && stored->second.data.size() < settings_.least_part) {
      return s3_error(400, "EntityTooSmall");
    }
    whole.data += stored->second.data;
  }
  whole.headers = found->second.headers;
  whole.etag =
      "\"" + to_hex(md5(as_bytes(whole.data))) + "-" + std::to_string(list->children.size()) + "\"";
  objects_[request.key] = std::move(whole);
  uploads_.erase(found);
  return document("CompleteMultipartUploadResult", tag("Key", request.key));
}

}  // namespace breakwater::blob
