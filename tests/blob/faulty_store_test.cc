#include "blob/faulty_store.h"

#include <gtest/gtest.h>

#include "blob/memory_store.h"

namespace breakwater::blob {
namespace {

class FaultyStoreTest : public testing::Test {
 protected:
  SeededRandom random_{7};
  std::unique_ptr<ObjectStore> inner_ = make_memory_store();
};

TEST_F(FaultyStoreTest, WithoutFaultsItIsTheStoreBeneath) {
  const auto store = make_faulty_store(*inner_, random_, {});
  ASSERT_TRUE(store->put("a", as_bytes("x")));
  EXPECT_EQ(as_text(*store->get("a")), "x");
  EXPECT_EQ(store->list("")->objects.size(), 1u);
}

TEST_F(FaultyStoreTest, UnavailableDoesNothing) {
  const auto store = make_faulty_store(*inner_, random_, {.unavailable = 1});
  EXPECT_EQ(store->put("a", as_bytes("x")).error().code(), Code::kUnavailable);
  EXPECT_EQ(store->list("").error().code(), Code::kUnavailable);
  EXPECT_TRUE(inner_->list("")->objects.empty());
}

TEST_F(FaultyStoreTest, ALostAnswerHidesASuccess) {
  const auto store = make_faulty_store(*inner_, random_, {.lost_answer = 1});
  EXPECT_EQ(store->put_new("a", as_bytes("x")).error().code(), Code::kTimeout);
  EXPECT_TRUE(inner_->get("a"));
  EXPECT_EQ(store->put_new("a", as_bytes("x")).error().code(), Code::kAlreadyExists);
  EXPECT_EQ(store->remove("a").error().code(), Code::kTimeout);
  EXPECT_FALSE(inner_->get("a"));
}

TEST_F(FaultyStoreTest, CorruptReadsDifferInOneBit) {
  ASSERT_TRUE(inner_->put("a", Bytes(100)));
  const auto store = make_faulty_store(*inner_, random_, {.corrupt_read = 1});
  for (int i = 0; i < 20; ++i) {
    int bits = 0;
    const Bytes read = *store->get("a");
    for (const std::byte b : read) bits += std::popcount(std::to_integer<uint8_t>(b));
    EXPECT_EQ(bits, 1);
  }
}

TEST_F(FaultyStoreTest, CrashesAtTheKthOperation) {
  std::vector<std::string> seen;
  const auto crash = [&](int64_t ordinal, const std::string& what) -> Result<> {
    seen.push_back(what);
    if (ordinal >= 3) return fail(Code::kUnavailable, "crashed");
    return {};
  };
  const auto store = make_faulty_store(*inner_, random_, {}, crash);
  EXPECT_TRUE(store->put("a", as_bytes("x")));
  EXPECT_TRUE(store->put("b", as_bytes("x")));
  EXPECT_FALSE(store->put("c", as_bytes("x")));
  EXPECT_FALSE(store->get("a"));
  EXPECT_EQ(inner_->list("")->objects.size(), 2u);
  EXPECT_EQ(seen, (std::vector<std::string>{"put a", "put b", "put c", "get a"}));
}

}  // namespace
}  // namespace breakwater::blob
