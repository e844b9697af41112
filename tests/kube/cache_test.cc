#include "kube/cache.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "kube/faulty_client.h"
#include "tests/kube/fake_client.h"

namespace breakwater::kube {
namespace {

using fake::config_map;
using fake::FakeClient;
using fake::kConfigMap;
using std::chrono::seconds;

class CacheTest : public ::testing::Test {
 protected:
  void subscribe() {
    cache_.subscribe(kConfigMap, "", [this](const Object& object) {
      changes_.push_back(object.name() + "=" + object["data"]["value"].as_string());
    });
  }
  // Everything reported until nothing more comes.
  std::vector<std::string> pump() {
    changes_.clear();
    for (int i = 0; i < 100 && cache_.pump(); ++i) {
    }
    return changes_;
  }
  void put(const std::string& name, const std::string& value) {
    auto current = client_.get(kConfigMap, {"default", name}, {});
    if (!current) {
      client_.create(kConfigMap, config_map(name, value), {}).value();
    } else {
      current->set({"data", "value"}, value);
      client_.update(kConfigMap, *current, {}).value();
    }
  }
  std::string read(const std::string& name) {
    auto object = cache_.get(kConfigMap, {"default", name});
    if (!object) return std::string(code_name(object.error().code()));
    return (*object)["data"]["value"].as_string();
  }

  using Names = std::vector<std::string>;
  ManualClock clock_{Time()};
  FakeClient client_;
  Cache cache_{client_, clock_, Logger()};
  Names changes_;
};

TEST_F(CacheTest, FollowsChanges) {
  put("a", "1");
  subscribe();
  EXPECT_FALSE(cache_.synced());
  EXPECT_EQ(pump(), Names{"a=1"});
  EXPECT_TRUE(cache_.synced());
  put("a", "2");
  put("b", "1");
  EXPECT_EQ(read("a"), "1") << "nothing moves between pumps";
  EXPECT_EQ(pump(), (Names{"a=2", "b=1"}));
  EXPECT_EQ(read("a"), "2");
  ASSERT_TRUE(client_.remove(kConfigMap, {"default", "a"}, {}, {}));
  EXPECT_EQ(pump(), Names{"a=2"}) << "gone, with its last state";
  EXPECT_EQ(read("a"), "NotFound");
  EXPECT_EQ(client_.lists, 1);
  EXPECT_EQ(client_.watches, 1);
}

TEST_F(CacheTest, ReadsOnDemandAndSelects) {
  client_.create(kConfigMap, config_map("a", "1", "one"), {}).value();
  Object labelled = config_map("b", "1", "two");
  labelled.set_label("app", "x");
  client_.create(kConfigMap, labelled, {}).value();
  EXPECT_EQ(cache_.list(kConfigMap, "one")->size(), 1u);
  EXPECT_EQ(cache_.list(kConfigMap, "")->size(), 2u);
  EXPECT_EQ(cache_.list(kConfigMap, "two", LabelSelector::equals("app", "x"))->size(), 1u);
  EXPECT_EQ(cache_.list(kConfigMap, "two", LabelSelector::equals("app", "y"))->size(), 0u);
  EXPECT_EQ(client_.lists, 2) << "one for the namespace, one for all";
}

TEST_F(CacheTest, ResumesADroppedWatchWithoutListing) {
  subscribe();
  put("a", "1");
  pump();
  client_.drop_watches();
  put("a", "2");
  EXPECT_EQ(pump(), Names{"a=2"});
  EXPECT_EQ(client_.lists, 1);
  EXPECT_EQ(client_.watches, 2);
}

TEST_F(CacheTest, ListsAgainWhenHistoryIsGoneAndReportsWhatVanished) {
  subscribe();
  put("gone", "1");
  put("kept", "1");
  put("changed", "1");
  pump();
  client_.vanish(kConfigMap, {"default", "gone"});
  put("changed", "2");
  client_.forget_history();
  EXPECT_EQ(pump(), (Names{"gone=1", "changed=2"}));
  EXPECT_EQ(client_.lists, 2);
  EXPECT_EQ(read("gone"), "NotFound");
}

TEST_F(CacheTest, ReportsAnObjectReplacedUnseenAsTwo) {
  subscribe();
  put("a", "old");
  pump();
  client_.vanish(kConfigMap, {"default", "a"});
  put("a", "new");
  client_.forget_history();
  EXPECT_EQ(pump(), (Names{"a=old", "a=new"}));
}

TEST_F(CacheTest, BacksOffWhenListingFails) {
  client_.list_errors.assign(100, Error(Code::kNotFound, "the server could not find the kind"));
  subscribe();
  pump();
  EXPECT_EQ(client_.lists, 2) << "the first failure is tried again at once";
  EXPECT_FALSE(cache_.synced());
  const auto error = cache_.get(kConfigMap, {"default", "a"}).error();
  EXPECT_EQ(error.code(), Code::kUnavailable) << "not to be taken for an absent object";
  EXPECT_EQ(client_.lists, 2) << "reading does not defeat the back-off";
  for (int i = 0; i < 30; ++i) {
    const Duration wait = *cache_.next_due() - clock_.monotonic();
    EXPECT_GT(wait, Duration::zero());
    EXPECT_LE(wait, seconds(30));
    clock_.advance(wait);
    pump();
  }
  EXPECT_EQ(client_.lists, 32);
  client_.list_errors.clear();
  put("a", "1");
  clock_.advance(seconds(30));
  EXPECT_EQ(pump(), Names{"a=1"});
}

TEST_F(CacheTest, TellsLateSubscribersWhatIsThere) {
  put("a", "1");
  EXPECT_EQ(read("a"), "1");
  cache_.list(kConfigMap, "").value();
  subscribe();
  EXPECT_EQ(pump(), Names{"a=1"});
}

TEST_F(CacheTest, WhoHearsOfAChangeReadsTheStateItCameFrom) {
  // Two copies of one kind would lag behind each other: woken by one, a reconciler would read the
  // other and find nothing to do.
  for (bool all_first : {false, true}) {
    FakeClient client;
    Cache cache(client, clock_, Logger());
    Names seen;
    const auto in_default = [&](const Object& object) {
      const auto read = cache.get(kConfigMap, object.key());
      seen.push_back(object.name() + (read && *read == object ? "" : " is read otherwise"));
    };
    client.create(kConfigMap, config_map("a", "1"), {}).value();
    if (all_first) cache.subscribe(kConfigMap, "", [](const Object&) {});
    cache.subscribe(kConfigMap, "default", in_default);
    while (cache.pump()) {
    }
    if (!all_first) {
      EXPECT_TRUE(cache.list(kConfigMap, ""));
    }
    while (cache.pump()) {
    }
    Object elsewhere = config_map("c", "1");
    elsewhere.set({"metadata", "namespace"}, "other");
    client.create(kConfigMap, elsewhere, {}).value();
    client.create(kConfigMap, config_map("b", "1"), {}).value();
    seen.clear();
    while (cache.pump()) {
    }
    EXPECT_EQ(seen, Names{"b"}) << all_first;
    EXPECT_FALSE(cache.next_due()) << all_first;
  }
}

TEST_F(CacheTest, WakesWhenSomethingComes) {
  subscribe();
  pump();
  EXPECT_EQ(cache_.next_due(), std::nullopt);
  int wakes = 0;
  cache_.set_wake([&] { ++wakes; });
  put("a", "1");
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(cache_.next_due(), Duration::zero());
}

TEST_F(CacheTest, ConvergesOverAFaultyClient) {
  SeededRandom random(7);
  FaultyClient faulty(
      client_, random,
      {.unavailable = 0.2, .expired_watch = 0.1, .dropped_watch = 0.1, .stale_list = 0.5});
  Cache cache(faulty, clock_, Logger());
  cache.subscribe(kConfigMap, "", [](const Object&) {});
  for (int i = 0; i < 200; ++i) {
    put(fmt::format("m{}", i % 10), std::to_string(i));
    cache.pump();
    clock_.advance(seconds(1));
  }
  faulty.set_faults({});
  clock_.advance(seconds(60));
  while (cache.pump()) clock_.advance(seconds(1));
  const auto seen = cache.list(kConfigMap, "").value();
  EXPECT_EQ(seen, static_cast<Client&>(client_).list(kConfigMap, "").value());
}

}  // namespace
}  // namespace breakwater::kube
