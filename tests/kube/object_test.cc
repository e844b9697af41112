#include "kube/object.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "kube/client.h"
#include "kube/controller.h"
#include "kube/names.h"
#include "tests/kube/fake_client.h"

namespace breakwater::kube {
namespace {

using fake::config_map;
using fake::FakeClient;
using fake::kConfigMap;
using fake::kWidget;

TEST(Kind, BuildsPaths) {
  EXPECT_EQ(kConfigMap.path("ns", "a"), "/api/v1/namespaces/ns/configmaps/a");
  EXPECT_EQ(kConfigMap.path(""), "/api/v1/configmaps");
  EXPECT_EQ(kWidget.path("ns"), "/apis/example.com/v1/namespaces/ns/widgets");
  EXPECT_EQ(kWidget.path("a/b", "x/y"), "/apis/example.com/v1/namespaces/a%2Fb/widgets/x%2Fy");
  const Kind node{"", "v1", "Node", "nodes", false};
  EXPECT_EQ(node.path("ignored", "n1"), "/api/v1/nodes/n1");
  EXPECT_EQ(kWidget.group_resource(), "widgets.example.com");
}

TEST(Object, EditsMetadata) {
  Object object = config_map("a");
  object.set_label("app/x.y", "1");
  object.add_finalizer("example.com/f");
  object.add_finalizer("example.com/f");
  EXPECT_EQ(object.label("app/x.y"), "1");
  EXPECT_TRUE(object.has_finalizer("example.com/f"));
  EXPECT_EQ(object.metadata()["finalizers"].size(), 1u);
  object.remove_finalizer("example.com/f");
  EXPECT_FALSE(object.metadata().has("finalizers"));

  Object owner = Object::make(kWidget, {"default", "w"});
  owner.set({"metadata", "uid"}, "u1");
  object.add_owner(owner, false);
  object.add_owner(owner, true, true);
  EXPECT_EQ(object.metadata()["ownerReferences"].size(), 1u);
  EXPECT_EQ(object.controller_uid(), "u1");
  EXPECT_EQ(map_to_owner(kWidget)(object), (std::vector<Key>{{"default", "w"}}));
  EXPECT_TRUE(map_to_owner(kConfigMap)(object).empty());
  EXPECT_EQ(map_to_label("app/x.y")(object), (std::vector<Key>{{"default", "1"}}));
  EXPECT_TRUE(map_to_label("absent")(object).empty());
  EXPECT_TRUE(owner.is(Kind{"example.com", "v2", "Widget", "widgets"}));
  EXPECT_FALSE(owner.is(Kind{"example.org", "v1", "Widget", "widgets"}));
}

TEST(Conditions, ChangeTimeOnlyWithStatus) {
  Object object = config_map("a");
  const Time start{};
  EXPECT_TRUE(set_condition(object, "Ready", "False", "Waiting", "soon", start));
  EXPECT_FALSE(
      set_condition(object, "Ready", "False", "Waiting", "soon", start + std::chrono::hours(1)));
  EXPECT_TRUE(
      set_condition(object, "Ready", "False", "Waiting", "later", start + std::chrono::hours(1)));
  EXPECT_EQ(find_condition(object, "Ready")["lastTransitionTime"].as_string(),
            "1970-01-01T00:00:00Z");
  EXPECT_TRUE(set_condition(object, "Ready", "True", "Done", "", start + std::chrono::hours(2)));
  EXPECT_EQ(find_condition(object, "Ready")["lastTransitionTime"].as_string(),
            "1970-01-01T02:00:00Z");
  EXPECT_TRUE(find_condition(object, "Other").is_null());
  EXPECT_EQ(object.status()["conditions"].size(), 1u);
}

TEST(Status, SurvivesTheWire) {
  for (Code code : {Code::kNotFound, Code::kAlreadyExists, Code::kConflict, Code::kInvalid,
                    Code::kForbidden, Code::kUnauthorized, Code::kExpired, Code::kTimeout,
                    Code::kUnavailable, Code::kUnsupported, Code::kInternal}) {
    const Json status = status_of(Error(code, "what happened"));
    const Error back = error_of(http_status(code), status);
    EXPECT_EQ(back.code(), code);
    EXPECT_EQ(back.message(), "what happened");
    EXPECT_EQ(status["code"].as_int(), http_status(code));
  }
  EXPECT_EQ(error_of(409, Json()).code(), Code::kConflict);
  EXPECT_EQ(error_of(429, Json()).code(), Code::kUnavailable);
  EXPECT_EQ(error_of(410, Json::object({{"reason", "Gone"}})).code(), Code::kExpired);
  EXPECT_EQ(error_of(418, Json()).code(), Code::kInternal);
}

TEST(Names, FollowKubernetes) {
  EXPECT_TRUE(is_dns_subdomain("a.b-c.d0"));
  for (const char* bad : {"", "a..b", "-a", "a-", "A", "a_b", "a."}) {
    EXPECT_FALSE(is_dns_subdomain(bad)) << bad;
  }
  EXPECT_FALSE(is_dns_label("a.b"));
  EXPECT_FALSE(is_dns_label(std::string(64, 'a')));
}

TEST(Edit, RepeatsOnConflictAtMostFiveTimes) {
  FakeClient client;
  client.create(kConfigMap, config_map("a", "0"), {}).value();
  int runs = 0;
  const auto bump = [&](Object& object) -> Result<bool> {
    object.set({"data", "value"}, std::to_string(++runs));
    return true;
  };
  client.write_errors.assign(4, Error(Code::kConflict, "modified"));
  const auto written = edit(client, kConfigMap, {"default", "a"}, false, bump);
  ASSERT_TRUE(written);
  EXPECT_EQ((*written)["data"]["value"].as_string(), "5");

  runs = 100;
  client.write_errors.assign(99, Error(Code::kConflict, "modified"));
  EXPECT_EQ(edit(client, kConfigMap, {"default", "a"}, false, bump).error().code(),
            Code::kConflict);
  EXPECT_EQ(runs, 105);
}

TEST(Edit, WritesNothingWhenNothingChanges) {
  FakeClient client;
  client.create(kConfigMap, config_map("a"), {}).value();
  const int before = client.writes;
  EXPECT_TRUE(edit(client, kConfigMap, {"default", "a"}, false,
                   [](Object&) -> Result<bool> { return true; }));
  EXPECT_TRUE(edit(client, kConfigMap, {"default", "a"}, false, [](Object& o) -> Result<bool> {
    o.set_label("x", "y");
    return false;
  }));
  EXPECT_EQ(client.writes, before);
  EXPECT_EQ(edit(client, kConfigMap, {"default", "none"}, false,
                 [](Object&) -> Result<bool> { return true; })
                .error()
                .code(),
            Code::kNotFound);
}

TEST(Client, ListsAllPagesInOrder) {
  FakeClient client;
  for (int i = 0; i < 1203; ++i) {
    client.create(kConfigMap, config_map(fmt::format("m{:04}", i)), {}).value();
  }
  const auto all = static_cast<Client&>(client).list(kConfigMap, "default").value();
  EXPECT_EQ(all.size(), 1203u);
  EXPECT_EQ(all.back().name(), "m1202");
  EXPECT_EQ(client.lists, 3);
  EXPECT_TRUE(remove_if_exists(client, kConfigMap, {"default", "none"}));
}

}  // namespace
}  // namespace breakwater::kube
