// Bearer tokens, and whose they are.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/http_server.h"
#include "base/clock.h"
#include "base/hash.h"
#include "kube/client.h"

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

// Kubernetes' bootstrap tokens, "<6 characters>.<16 characters>": Secrets of the type
// bootstrap.kubernetes.io/token in kube-system, looked up for every request, so that one that is
// deleted or has expired is worth nothing from then on. The user is system:bootstrap:<id> in
// system:bootstrappers and the groups of auth-extra-groups, which all must start with
// "system:bootstrappers:". Thread-safe.
class BootstrapTokens final : public TokenAuthenticator {
 public:
  // Reads Secrets without being judged itself. References outlive this.
  BootstrapTokens(kube::Reader& reader, const Clock& clock) : reader_(reader), clock_(clock) {}
  std::optional<User> user_of(const std::string& token) override;

 private:
  kube::Reader& reader_;
  const Clock& clock_;
};

// When the bootstrap token in `secret` expires; nothing if it never does. A time that cannot be
// read is long past.
std::optional<Time> bootstrap_token_expiry(const kube::Object& secret);
inline constexpr std::string_view kBootstrapTokenType = "bootstrap.kubernetes.io/token";

// The first of several that knows a token.
class TokenChain final : public TokenAuthenticator {
 public:
  // They outlive the chain.
  explicit TokenChain(std::vector<TokenAuthenticator*> links) : links_(std::move(links)) {}
  std::optional<User> user_of(const std::string& token) override;

 private:
  const std::vector<TokenAuthenticator*> links_;
};

}  // namespace breakwater::apiserver
