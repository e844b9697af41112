// The embedded API over HTTPS (HTTP/1.1), for kubectl and every other client.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "apiserver/rest.h"
#include "base/log.h"

namespace breakwater::apiserver {

struct HttpSettings {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  int threads = 4;
  size_t max_body = 8u << 20;
  int max_connections = 2000;     // further ones are closed at once
  std::string cert_pem, key_pem;  // the server's
  // Whoever has a certificate of this CA is its CN in the groups of its O. "": nobody has.
  std::string client_ca_pem;
};

// Who a bearer token belongs to. Implementations are thread-safe.
class TokenAuthenticator {
 public:
  virtual ~TokenAuthenticator() = default;
  // Nothing if nobody has this token.
  virtual std::optional<User> user_of(const std::string& token) = 0;
};

class HttpServer {
 public:
  // Listens and serves on threads of its own until stop() or destruction. kUnavailable if the port
  // is taken. All references outlive the server.
  static Result<std::unique_ptr<HttpServer>> start(HttpSettings settings, Rest& rest,
                                                   TokenAuthenticator& tokens, Logger log);
  virtual ~HttpServer() = default;
  virtual uint16_t port() const = 0;
  // Ends streams and connections.
  virtual void stop() = 0;
};

}  // namespace breakwater::apiserver
