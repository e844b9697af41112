#include "apiserver/tokens.h"

#include <algorithm>

#include "base/check.h"
#include "base/encoding.h"

namespace breakwater::apiserver {
namespace {

constexpr kube::Kind kSecrets{"", "v1", "Secret", "secrets", true, false};
constexpr size_t kIdSize = 6, kSecretSize = 16;
constexpr std::string_view kBootstrappers = "system:bootstrappers";

bool all_of(std::string_view text, std::string_view more_characters) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           more_characters.find(c) != std::string_view::npos;
  });
}

std::string data_of(const kube::Object& secret, std::string_view name) {
  const auto bytes = from_base64(secret["data"][name].as_string());
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

// The time it takes does not depend on where they differ.
bool equal_secrets(std::string_view a, std::string_view b) {
  const Sha256Digest one = sha256(as_bytes(a)), other = sha256(as_bytes(b));
  std::byte difference{0};
  for (size_t i = 0; i < one.size(); ++i) difference |= one[i] ^ other[i];
  return difference == std::byte{0};
}

// Nothing if one of them is no group for bootstrap tokens.
std::optional<std::vector<std::string>> extra_groups(std::string_view text) {
  std::vector<std::string> groups = {std::string(kBootstrappers)};
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view group = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::string prefix = std::string(kBootstrappers) + ":";
    if (!group.starts_with(prefix) || group.size() == prefix.size() || !all_of(group, ":-") ||
        group.ends_with(':') || group.ends_with('-')) {
      return std::nullopt;
    }
    groups.emplace_back(group);
  }
  return groups;
}

}  // namespace

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

std::optional<Time> bootstrap_token_expiry(const kube::Object& secret) {
  const std::string text = data_of(secret, "expiration");
  if (text.empty()) return std::nullopt;
  return parse_rfc3339(text).value_or(Time());
}

std::optional<User> BootstrapTokens::user_of(const std::string& token) {
  if (token.size() != kIdSize + 1 + kSecretSize || token[kIdSize] != '.') return std::nullopt;
  const std::string id = token.substr(0, kIdSize), given = token.substr(kIdSize + 1);
  if (!all_of(id, "") || !all_of(given, "")) return std::nullopt;
  const auto secret = reader_.get(kSecrets, {"kube-system", "bootstrap-token-" + id});
  if (!secret || secret->is_deleting()) return std::nullopt;
  if (!equal_secrets(data_of(*secret, "token-secret"), given)) return std::nullopt;
  const std::optional<Time> expiry = bootstrap_token_expiry(*secret);
  if ((*secret)["type"].as_string() != kBootstrapTokenType || data_of(*secret, "token-id") != id ||
      data_of(*secret, "usage-bootstrap-authentication") != "true" ||
      (expiry && *expiry <= clock_.now())) {
    return std::nullopt;
  }
  const auto groups = extra_groups(data_of(*secret, "auth-extra-groups"));
  if (!groups) return std::nullopt;
  return User{"system:bootstrap:" + id, *groups, ""};
}

std::optional<User> TokenChain::user_of(const std::string& token) {
  for (TokenAuthenticator* link : links_) {
    if (auto user = link->user_of(token)) return user;
  }
  return std::nullopt;
}

}  // namespace breakwater::apiserver
