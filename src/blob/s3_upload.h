// Writing objects: at once or in parts, over what is there or only where nothing is.
//
// Private to blob/; s3_store.h has the contract. Thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "blob/s3_client.h"

namespace breakwater::blob {

// Metadata of what we write: the SHA-256 of the object, in hex, and a random mark of the write.
inline constexpr char kSha256Header[] = "x-amz-meta-breakwater-sha256";
inline constexpr char kWriteHeader[] = "x-amz-meta-breakwater-write";

class S3Uploader {
 public:
  // Both outlive the uploader.
  S3Uploader(S3Client& client, Random& random) : client_(client), random_(random) {}

  Result<> put(const std::string& key, ByteSpan data);
  Result<> put_new(const std::string& key, ByteSpan data);

 private:
  // What the server makes of If-None-Match.
  enum class Condition { kUnknown, kHonoured, kIgnored };
  struct Write;

  Write begin(const std::string& key, ByteSpan data);
  Result<HttpResponse> put_once(const Write& write, bool only_new);
  Result<> put_in_parts(const Write& write);
  Result<> put_part(const Write& write, const std::string& upload, size_t number, ByteSpan part,
                    std::string& etag);
  Result<> complete(const Write& write, const std::string& upload, const std::string& list);
  void abort(const Write& write, const std::string& upload);
  // The mark of the write that made the object; "" if that is no write of ours, nothing if there
  // is no object.
  Result<std::optional<std::string>> mark_of(const std::string& key);
  Result<> put_where_ignored(const Write& write);
  Result<Condition> find_out(const Write& write);

  S3Client& client_;
  Random& random_;
  std::atomic<Condition> condition_ = Condition::kUnknown;
  std::mutex one_at_a_time_;  // put_new() where the server does not honour the condition
};

}  // namespace breakwater::blob
