// One request to a bucket: addressed, signed, repeated while that may help, and its errors in
// words.
//
// Private to blob/. Thread-safe. What an answer means for an object is the store's business.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>

#include "blob/s3_http.h"
#include "blob/s3_store.h"

namespace breakwater::blob {

struct S3Call {
  std::string method = "GET";
  std::string key;  // "" is the bucket itself
  QueryParameters query;
  std::map<std::string, std::string> headers;  // names in lower case
  ByteSpan body;
  std::string body_sha256;  // in hex; computed if ""
  uint64_t most_body = 0;   // of a successful answer
  Duration patience{};      // 0: as the settings say
};

// What an error document says; all "" if there is none.
struct S3Complaint {
  std::string code;
  std::string message;
  std::string region;
};
S3Complaint complaint_of(const HttpResponse& response);

// Whether "host" or "host:port" is this very machine.
bool is_loopback_host(std::string_view host);

class S3Client {
 public:
  // Settings as s3_store.h checks them.
  S3Client(S3Settings settings, const Clock& clock, Random& random);

  // The answer, whatever its status, unless that is one that is worth another try: then, after the
  // last one, kUnavailable. HttpPool::perform says what else can come. A region that the server
  // names is taken over if the settings name none.
  Result<HttpResponse> call(const S3Call& call);
  // The sentence for an answer that is no success. HEAD has no body to say more: `call` is then
  // repeated as a GET of one byte.
  Error error_of(const S3Call& call, const HttpResponse& response);

  const S3Settings& settings() const { return settings_; }
  std::string describe() const;

 private:
  Result<HttpResponse> send(const S3Call& call);
  std::string region();
  // Whether the answer names another region than was signed for, and it was taken over.
  bool learn_region(const HttpResponse& response, const S3Complaint& complaint);
  std::string host() const;
  Duration pause_before(int attempt, const HttpResponse* response);
  Result<> wait(Duration duration);
  std::string without_secrets(std::string text) const;
  Error explain(int status, const S3Complaint& complaint) const;

  const S3Settings settings_;
  const Clock& clock_;
  HttpPool pool_;
  std::mutex mutex_;  // for what follows
  std::condition_variable never_;
  Random& random_;
  std::string region_;
};

}  // namespace breakwater::blob
