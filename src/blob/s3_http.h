// HTTP for the S3 store: a bounded pool of connections that are kept alive.
//
// Private to blob/. Wraps libcurl; nothing here knows S3, signs, or tries again. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/encoding.h"

namespace breakwater::blob {

struct HttpSettings {
  size_t connections = 16;  // at once; a further request waits for one of them
  std::string ca_pem;       // trusted instead of the system's authorities; "" for those
  bool insecure_skip_verify = false;
  bool direct = false;  // past any proxy of the environment
  Duration connect_timeout = std::chrono::seconds(10);
  CancelToken cancel;
};

struct HttpRequest {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;
  ByteSpan body;           // sent with PUT and POST
  uint64_t most_body = 0;  // of a successful answer; a longer one ends the transfer
  Duration patience;       // without a byte in either direction, then kTimeout
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  Bytes body;  // whole if the status is a success, else at most 64 KiB of it

  bool success() const { return status / 100 == 2; }
  // The value of a header, or "".
  const std::string& header(const std::string& name) const;
};

class HttpPool {
 public:
  // `clock` outlives the pool.
  HttpPool(HttpSettings settings, const Clock& clock);
  ~HttpPool();
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  // Whatever was answered, errors of HTTP included. kUnavailable and kTimeout: no whole answer
  // came, and the request may have had its effect; libcurl itself may have sent it twice, if the
  // server closed an idle connection just then. kInvalid: the certificate is not trusted, or the
  // URL is none. kUnsupported: a successful answer is longer than `most_body`. kCancelled.
  Result<HttpResponse> perform(const HttpRequest& request);

 private:
  class Transfer;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace breakwater::blob
