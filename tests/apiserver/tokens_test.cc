// Bootstrap tokens: who they are, and when they are worth nothing.
#include "apiserver/tokens.h"

#include <fmt/format.h>

#include "tests/apiserver/world.h"

namespace breakwater::apiserver::tokens_test {

constexpr const char* kToken = "abc123.0123456789abcdef";

std::string token_secret(std::string_view more = "", std::string_view drop = "",
                         std::string_view type = "bootstrap.kubernetes.io/token") {
  Json secret = yaml(R"({metadata: {namespace: kube-system, name: bootstrap-token-abc123},
      stringData: {token-id: abc123, token-secret: 0123456789abcdef,
                   usage-bootstrap-authentication: "true"}})");
  secret.set("type", type);
  if (!drop.empty()) secret.erase({"stringData", drop});
  const Json extra = more.empty() ? Json() : yaml(more);
  for (const auto& [name, value] : extra.members()) secret.set({"stringData", name}, value);
  return to_json(secret);
}

struct TokenCase {
  const char* about;
  std::string secret;
  std::string token;
  std::string groups;  // "" = 401
};

TEST(BootstrapTokens, AreWorthWhatTheirSecretSaysNow) {
  // The world's clock stands at 04:00.
  const TokenCase cases[] = {
      {"plain", token_secret(), kToken, "system:bootstrappers"},
      {"extra groups",
       token_secret("{auth-extra-groups: 'system:bootstrappers:breakwater:cls1,"
                    "system:bootstrappers:x'}"),
       kToken, "system:bootstrappers system:bootstrappers:breakwater:cls1 system:bootstrappers:x"},
      {"not yet expired", token_secret("{expiration: '2026-11-21T04:00:01Z'}"), kToken,
       "system:bootstrappers"},
      {"expired", token_secret("{expiration: '2026-11-21T04:00:00Z'}"), kToken, ""},
      {"expired elsewhere", token_secret("{expiration: '2026-11-21T05:59:00+02:00'}"), kToken, ""},
      {"unreadable expiration", token_secret("{expiration: tomorrow}"), kToken, ""},
      {"not for authentication", token_secret("", "usage-bootstrap-authentication"), kToken, ""},
      {"another use", token_secret("{usage-bootstrap-authentication: 'yes'}"), kToken, ""},
      {"another type", token_secret("", "", "Opaque"), kToken, ""},
      {"another id inside", token_secret("{token-id: abc124}"), kToken, ""},
      {"a group of others", token_secret("{auth-extra-groups: 'system:masters'}"), kToken, ""},
      {"a good and a bad group",
       token_secret("{auth-extra-groups: 'system:bootstrappers:a,system:masters'}"), kToken, ""},
      {"wrong secret", token_secret(), "abc123.0123456789abcdee", ""},
      {"a prefix of it", token_secret(), "abc123.0123456789abcde", ""},
      {"empty secret", token_secret("", "token-secret"), "abc123.", ""},
      {"unknown id", token_secret(), "abc124.0123456789abcdef", ""},
      {"upper case", token_secret(), "ABC123.0123456789abcdef", ""},
      {"a path", token_secret(), "../../.0123456789abcdef", ""},
  };
  for (const TokenCase& c : cases) {
    World world;
    ASSERT_TRUE(world.admin->create(kSecretKind, kube::Object(*parse_json(c.secret)))) << c.about;
    BootstrapTokens tokens(world.server->reader(), world.clock);
    const auto user = tokens.user_of(c.token);
    ASSERT_EQ(user.has_value(), !c.groups.empty()) << c.about;
    if (!user) continue;
    EXPECT_EQ(user->name, "system:bootstrap:abc123") << c.about;
    EXPECT_EQ(fmt::format("{}", fmt::join(user->groups, " ")), c.groups) << c.about;
  }
}

TEST(BootstrapTokens, EndWithTheirSecretAndTheirTime) {
  World world;
  const kube::Object secret(*parse_json(token_secret("{expiration: '2026-11-21T04:10:00Z'}")));
  ASSERT_TRUE(world.admin->create(kSecretKind, secret));
  BootstrapTokens tokens(world.server->reader(), world.clock);
  EXPECT_TRUE(tokens.user_of(kToken));
  world.clock.advance(std::chrono::minutes(10));
  EXPECT_FALSE(tokens.user_of(kToken));
  ASSERT_TRUE(world.admin->patch(kSecretKind, secret.key(), kube::PatchType::kMerge,
                                 yaml("{data: {expiration: null}}")));
  EXPECT_TRUE(tokens.user_of(kToken));
  ASSERT_TRUE(world.admin->remove(kSecretKind, secret.key()));
  EXPECT_FALSE(tokens.user_of(kToken));
}

TEST(BootstrapTokens, StandBesideOtherTokens) {
  World world;
  ASSERT_TRUE(world.admin->create(kSecretKind, kube::Object(*parse_json(token_secret()))));
  StaticTokens fixed;
  fixed.add("opensesame", User{"ann", {}, ""});
  BootstrapTokens bootstrap(world.server->reader(), world.clock);
  TokenChain chain({&fixed, &bootstrap});
  EXPECT_EQ(chain.user_of("opensesame")->name, "ann");
  EXPECT_EQ(chain.user_of(kToken)->name, "system:bootstrap:abc123");
  EXPECT_FALSE(chain.user_of("other"));
}

}  // namespace breakwater::apiserver::tokens_test
