// What every object store promises, run on each of them: a test program includes this once and
// instantiates ObjectStoreTest with the stores that it has.
#pragma once

#include <gtest/gtest.h>

#include <any>
#include <atomic>
#include <functional>
#include <thread>

#include "base/random.h"
#include "blob/object_store.h"

namespace breakwater::blob {

struct StoreUnderTest {
  SystemRandom random;
  std::any beneath;  // what the store needs to live
  std::unique_ptr<ObjectStore> store;
};

struct StoreKind {
  std::string name;
  std::function<void(StoreUnderTest&)> make;  // an empty store
};

inline void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

class ObjectStoreTest : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    GetParam().make(made_);
    ASSERT_TRUE(made_.store);
  }
  ObjectStore& store() { return *made_.store; }

  std::string text(const std::string& key) {
    const auto data = store().get(key);
    return data ? std::string(as_text(*data)) : "error: " + data.error().to_string();
  }

  std::vector<std::string> listed(const std::string& prefix, bool fold = false) {
    const auto listing = store().list(prefix, fold);
    EXPECT_TRUE(listing);
    std::vector<std::string> names;
    for (const auto& object : listing->objects) names.push_back(object.key);
    for (const auto& folder : listing->prefixes) names.push_back(folder);
    return names;
  }

  StoreUnderTest made_;
};

using Names = std::vector<std::string>;

TEST_P(ObjectStoreTest, GivesBackWhatWasPut) {
  ASSERT_TRUE(store().put("data/3f/object", as_bytes("hello")));
  ASSERT_TRUE(store().put("empty", {}));
  EXPECT_EQ(text("data/3f/object"), "hello");
  EXPECT_EQ(text("empty"), "");
  EXPECT_EQ(store().head("data/3f/object")->size, 5u);
  EXPECT_EQ(as_text(*store().get_range("data/3f/object", 1, 3)), "ell");
  EXPECT_TRUE(store().get_range("data/3f/object", 5, 0)->empty());
}

TEST_P(ObjectStoreTest, PutReplacesTheWholeObject) {
  ASSERT_TRUE(store().put("key", as_bytes("a longer text")));
  ASSERT_TRUE(store().put("key", as_bytes("short")));
  EXPECT_EQ(text("key"), "short");
  EXPECT_EQ(listed(""), Names{"key"});
}

TEST_P(ObjectStoreTest, NamesWhatIsMissing) {
  ASSERT_TRUE(store().put("folder/key", as_bytes("x")));
  for (const std::string key : {"absent", "folder", "folder/absent", "folder/key/below"}) {
    const auto got = store().get(key);
    ASSERT_FALSE(got) << key;
    EXPECT_EQ(got.error().code(), Code::kNotFound);
    EXPECT_NE(got.error().to_string().find(key), std::string::npos);
    EXPECT_EQ(store().head(key).error().code(), Code::kNotFound);
    EXPECT_EQ(store().get_range(key, 0, 1).error().code(), Code::kNotFound);
    EXPECT_TRUE(store().remove(key));
  }
  EXPECT_EQ(text("folder/key"), "x");
}

TEST_P(ObjectStoreTest, RefusesARangeBeyondTheEnd) {
  ASSERT_TRUE(store().put("key", as_bytes("12345")));
  EXPECT_EQ(store().get_range("key", 3, 3).error().code(), Code::kInvalid);
  EXPECT_EQ(store().get_range("key", 6, 0).error().code(), Code::kInvalid);
  EXPECT_EQ(store().get_range("key", 1, UINT64_MAX).error().code(), Code::kInvalid);
}

TEST_P(ObjectStoreTest, PutNewKeepsTheFirst) {
  ASSERT_TRUE(store().put_new("locks/a", as_bytes("first")));
  const auto second = store().put_new("locks/a", as_bytes("second"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::kAlreadyExists);
  EXPECT_EQ(text("locks/a"), "first");
}

TEST_P(ObjectStoreTest, PutNewHasOneWinnerAmongThreads) {
  constexpr int kWriters = 8;
  for (int round = 0; round < 10; ++round) {
    const std::string key = "claims/" + std::to_string(round);
    std::atomic<int> winners = 0, losers = 0, winner = -1;
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        const auto done = store().put_new(key, as_bytes(std::to_string(i)));
        if (done) {
          ++winners;
          winner = i;
        } else if (done.error().is(Code::kAlreadyExists)) {
          ++losers;
        }
      });
    }
    for (auto& writer : writers) writer.join();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(losers, kWriters - 1);
    EXPECT_EQ(text(key), std::to_string(winner));
  }
  EXPECT_EQ(listed("claims/").size(), 10u);
}

TEST_P(ObjectStoreTest, ThreadsPutAndRemoveBesideEachOther) {
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 25; ++round) {
        const std::string key = "shared/folder/" + std::to_string(i);
        if (!store().put(key, as_bytes("x")) || !store().get(key) || !store().remove(key)) {
          ++failures;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(listed(""), Names{});
}

TEST_P(ObjectStoreTest, ListsByPrefixInOrder) {
  for (const char* key : {"a/b0", "a/bc", "a-", "a/b2/x", "b", "a/b2/y/z"}) {
    ASSERT_TRUE(store().put(key, as_bytes(key))) << key;
  }
  EXPECT_EQ(listed(""), (Names{"a-", "a/b0", "a/b2/x", "a/b2/y/z", "a/bc", "b"}));
  EXPECT_EQ(listed("a/b"), (Names{"a/b0", "a/b2/x", "a/b2/y/z", "a/bc"}));
  EXPECT_EQ(listed("a/b2/"), (Names{"a/b2/x", "a/b2/y/z"}));
  EXPECT_EQ(listed("nothing"), Names{});
  EXPECT_EQ(listed("a/b0/"), Names{});
  EXPECT_EQ(store().list("b")->objects.at(0).size, 1u);
}

TEST_P(ObjectStoreTest, FoldsWhatIsBelowTheDelimiter) {
  for (const char* key :
       {"backups/one/log", "backups/one/data", "backups/two/x/y", "backups/note", "other/key"}) {
    ASSERT_TRUE(store().put(key, as_bytes("x")));
  }
  EXPECT_EQ(listed("", true), (Names{"backups/", "other/"}));
  EXPECT_EQ(listed("backups/", true), (Names{"backups/note", "backups/one/", "backups/two/"}));
  EXPECT_EQ(listed("backups/o", true), Names{"backups/one/"});
  EXPECT_EQ(listed("backups/onex", true), Names{});
  ASSERT_TRUE(store().remove("backups/two/x/y"));
  EXPECT_EQ(listed("backups/", true), (Names{"backups/note", "backups/one/"}));
}

TEST_P(ObjectStoreTest, RefusesBadKeys) {
  const std::string nul("a\0b", 3);
  for (const std::string& key : {std::string(), std::string("/a"), std::string("a/"), nul,
                                 std::string("a//b"), std::string("../a"), std::string("a/.."),
                                 std::string("."), std::string("a/./b"), std::string(2000, 'k')}) {
    EXPECT_EQ(store().put(key, {}).error().code(), Code::kInvalid) << key;
    EXPECT_EQ(store().put_new(key, {}).error().code(), Code::kInvalid) << key;
    EXPECT_EQ(store().get(key).error().code(), Code::kInvalid) << key;
    EXPECT_EQ(store().head(key).error().code(), Code::kInvalid) << key;
    EXPECT_EQ(store().remove(key).error().code(), Code::kInvalid) << key;
  }
  EXPECT_EQ(store().list("../").error().code(), Code::kInvalid);
  EXPECT_EQ(store().list("/").error().code(), Code::kInvalid);
  EXPECT_EQ(listed(""), Names{});
}

TEST_P(ObjectStoreTest, KeepsOddNames) {
  const Names names{"-tmp-", "a b", "plus+percent%25", "x-tmp-1/y", "\xc3\xa4\xc3\xb6"};
  for (const auto& name : names) ASSERT_TRUE(store().put(name, as_bytes(name))) << name;
  EXPECT_EQ(listed(""), names);
  for (const auto& name : names) EXPECT_EQ(text(name), name);
}

}  // namespace breakwater::blob
