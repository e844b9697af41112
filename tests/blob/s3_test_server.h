// An S3 server of our own for tests: one bucket, in memory, on loopback, stricter than the real
// ones and misbehaving on request.
//
// It checks every signature on its own, from the bytes that arrived, and refuses what S3 refuses:
// unsigned x-amz headers, wrong digests, unknown parameters, parts out of order. Thread-safe; stops
// with its destructor. Its errors carry what a server knows (even the string to sign), so that a
// test can look for it where it must not be.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"

namespace breakwater::blob {

struct S3Request {
  std::string method;
  std::string target;  // as sent, with the query
  std::string path;    // as sent
  std::string raw_query;
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string key;  // decoded; "" for the bucket
};

struct S3Answer {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
};

enum class S3Fault {
  kNone,
  kInternalError,  // 500, nothing happened
  kSlowDown,       // 503, nothing happened
  kReset,          // the connection is reset, nothing happened
  kStall,          // no answer, nothing happened
  kTruncate,       // half of the body, then the connection ends
  kStallInBody,    // half of the body, then silence
  kCorruptAnswer,  // one bit of the answer's body is flipped
  kCorruptInput,   // one bit of the request's body was flipped on the way
  kLoseAnswer,     // done, but the connection is reset before a byte of the answer
  kLoseWithError,  // done, but the answer is a 500
};

enum class S3Condition { kHonoured, kIgnored, kNotImplemented, kInvalidArgument };

struct S3TestSettings {
  std::string access_key = "AKIATESTTESTTESTTEST";
  std::string secret_key = "planted/secret+key0123456789abcdefghijkl";
  std::string session_token;  // "" for none
  std::string region = "us-east-1";
  std::string bucket = "bucket";
  S3Condition condition = S3Condition::kHonoured;
  bool token_expired = false;
  bool deny_writes = false;
  size_t page_size = 1000;
  size_t least_part = 1;  // bytes of every part but the last
  size_t most_at_once = 64 << 20;
};

class S3TestServer {
 public:
  using Decide = std::function<S3Fault(const S3Request& request)>;

  explicit S3TestServer(S3TestSettings settings = {});
  ~S3TestServer();
  std::string endpoint() const;        // "http://127.0.0.1:<port>"
  std::string named_endpoint() const;  // "http://localhost:<port>", for bucket.localhost
  const S3TestSettings& settings() const { return settings_; }

  // What happens to each request from now on; called before anything else.
  void on_request(Decide decide);
  std::vector<std::string> requests() const;  // "PUT /bucket/key", in order
  size_t connections() const { return accepted_; }
  size_t open_uploads() const;
  // Puts or changes an object behind everybody's back.
  void plant(const std::string& key, const std::string& data);
  std::string content(const std::string& key) const;
  bool has(const std::string& key) const;
  std::map<std::string, std::string> headers_of(const std::string& key) const;

 private:
  struct StoredObject {
    std::string data;
    std::map<std::string, std::string> headers;  // content-type, x-amz-meta-…
    std::string etag;
  };
  struct Upload {
    std::string key;
    std::map<std::string, std::string> headers;
    std::map<int, StoredObject> parts;
  };
  struct Connection {
    Fd socket;
    std::thread thread;
  };

  void accept_all();
  void serve(Connection& connection);
  // False once the connection is to be closed.
  bool serve_one(int socket, std::string& buffer);
  bool send_answer(int socket, const S3Request& request, const S3Answer& answer, S3Fault fault);
  void stall(int socket);

  // Nothing if the request is in order.
  std::unique_ptr<S3Answer> find_wrong(const S3Request& request) const;
  std::unique_ptr<S3Answer> find_wrong_signature(const S3Request& request) const;
  S3Answer handle(const S3Request& request);
  S3Answer handle_object(const S3Request& request);
  S3Answer handle_upload(const S3Request& request);
  S3Answer put_object(const S3Request& request);
  S3Answer get_object(const S3Request& request) const;
  S3Answer list_objects(const S3Request& request) const;
  S3Answer complete_upload(const S3Request& request);

  const S3TestSettings settings_;
  const SystemClock clock_;
  Fd listener_;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<size_t> accepted_ = 0;
  mutable std::mutex mutex_;  // for what follows
  Decide decide_;
  std::vector<std::string> requests_;
  std::map<std::string, StoredObject> objects_;
  std::map<std::string, Upload> uploads_;
  int next_upload_ = 1;
  std::list<Connection> connections_;
  std::thread acceptor_;
};

// An error document of S3's.
S3Answer s3_error(int status, const std::string& code, const std::string& more = "");

}  // namespace breakwater::blob
