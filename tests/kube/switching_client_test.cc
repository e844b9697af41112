#include "kube/switching_client.h"

#include <gtest/gtest.h>

#include "tests/kube/fake_client.h"

namespace breakwater::kube {
namespace {

TEST(SwitchingClientTest, SaysWhatItWaitsForUntilThereIsAConnection) {
  SwitchingClient client("the hub");
  EXPECT_FALSE(client.connected());
  const auto got = client.get(fake::kConfigMap, {"default", "a"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kUnavailable);
  EXPECT_EQ(got.error().message(), "there is no connection to the hub yet");
}

TEST(SwitchingClientTest, CallsGoToTheClientOfTheMoment) {
  auto first = std::make_shared<fake::FakeClient>();
  auto second = std::make_shared<fake::FakeClient>();
  SwitchingClient client("the hub");
  client.use(first);
  ASSERT_TRUE(client.create(fake::kConfigMap, fake::config_map("a")));
  client.use(second);
  EXPECT_TRUE(client.get(fake::kConfigMap, {"default", "a"}).error().is(Code::kNotFound));
  EXPECT_TRUE(first->get(fake::kConfigMap, {"default", "a"}, {}));
  client.use(nullptr);
  EXPECT_TRUE(client.get(fake::kConfigMap, {"default", "a"}).error().is(Code::kUnavailable));
}

TEST(SwitchingClientTest, AWatchKeepsTheClientThatItBeganWith) {
  auto first = std::make_shared<fake::FakeClient>();
  SwitchingClient client("the hub");
  client.use(first);
  WatchOptions options;
  options.resource_version = "0";
  auto watch = client.watch(fake::kConfigMap, "default", options);
  ASSERT_TRUE(watch);
  const std::weak_ptr<Client> observed = first;
  ASSERT_TRUE(first->create(fake::kConfigMap, fake::config_map("a"), {}));
  first.reset();
  client.use(nullptr);
  EXPECT_FALSE(observed.expired());
  const auto event = (*watch)->next();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->object.name(), "a");
  watch->reset();
  EXPECT_TRUE(observed.expired());
}

}  // namespace
}  // namespace breakwater::kube
