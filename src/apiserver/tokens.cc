#include "apiserver/tokens.h"

#include "base/check.h"

namespace breakwater::apiserver {

void StaticTokens::add(const std::string& token, User user) {
  CHECK(!token.empty());
  const std::lock_guard lock(mutex_);
  users_[sha256(as_bytes(token))] = std::move(user);
}

void StaticTokens::remove(const std::string& token) {
  const std::lock_guard lock(mutex_);
  users_.erase(sha256(as_bytes(token)));
}

std::optional<User> StaticTokens::user_of(const std::string& token) {
  const Sha256Digest digest = sha256(as_bytes(token));
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(digest);
  if (found == users_.end()) return std::nullopt;
  return found->second;
}

}  // namespace breakwater::apiserver
