// Bearer tokens that were handed out beforehand, and whose they are.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "apiserver/http_server.h"
#include "base/hash.h"

namespace breakwater::apiserver {

// Tokens held in memory. Only their SHA-256 is kept and looked up, so a look-up tells nothing about
// a token by the time it takes, and a core dump holds none. Thread-safe.
class StaticTokens final : public TokenAuthenticator {
 public:
  // From now on `token` (not empty) is `user`; replaces what it was before.
  void add(const std::string& token, User user);
  void remove(const std::string& token);
  std::optional<User> user_of(const std::string& token) override;

 private:
  std::mutex mutex_;
  std::map<Sha256Digest, User> users_;
};

}  // namespace breakwater::apiserver
