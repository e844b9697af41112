#include "volume/extent.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace breakwater::volume {

// So that failures print ranges.
static void PrintTo(const Extent& extent, std::ostream* out) {
  *out << "[" << extent.offset << " +" << extent.length << "]";
}

namespace {

constexpr uint64_t kTop = UINT64_MAX;

TEST(Extents, NormalizeSortsAndMergesWhatTouches) {
  EXPECT_EQ(normalize({}), Extents{});
  EXPECT_EQ(normalize({{5, 0}}), Extents{});
  EXPECT_EQ(normalize({{10, 5}, {0, 5}, {5, 5}}), (Extents{{0, 15}}));
  EXPECT_EQ(normalize({{0, 20}, {5, 5}, {30, 1}}), (Extents{{0, 20}, {30, 1}}));
  EXPECT_EQ(normalize({{7, 1}, {0, 5}, {3, 0}}), (Extents{{0, 5}, {7, 1}}));
}

TEST(Extents, AlignWidensAndCutsAtTheSize) {
  EXPECT_EQ(align({{1, 1}}, 512, 10000), (Extents{{0, 512}}));
  EXPECT_EQ(align({{511, 2}}, 512, 10000), (Extents{{0, 1024}}));
  EXPECT_EQ(align({{512, 512}}, 512, 10000), (Extents{{512, 512}}));
  EXPECT_EQ(align({{9999, 1}}, 512, 10000), (Extents{{9728, 272}}));
  EXPECT_EQ(align({{0, 1}, {600, 1}}, 512, 10000), (Extents{{0, 1024}}));
  EXPECT_EQ(align({{20000, 5}}, 512, 10000), Extents{});
  EXPECT_EQ(align({{100, kTop - 100}}, 512, 1000), (Extents{{0, 1000}}));
  EXPECT_EQ(align({{kTop - 1, 1}}, 512, kTop), (Extents{{kTop - 511, 511}}));
}

TEST(Extents, OverlapsIsHalfOpen) {
  const Extents extents{{10, 10}, {30, 10}};
  EXPECT_FALSE(overlaps(extents, 0, 10));
  EXPECT_TRUE(overlaps(extents, 0, 11));
  EXPECT_TRUE(overlaps(extents, 19, 1));
  EXPECT_FALSE(overlaps(extents, 20, 10));
  EXPECT_TRUE(overlaps(extents, 15, 100));
  EXPECT_FALSE(overlaps(extents, 40, 5));
  EXPECT_FALSE(overlaps(extents, 12, 0));
  EXPECT_FALSE(overlaps({}, 0, 100));
}

// Set operations agree with a set of bits.
TEST(Extents, SetOperationsAgreeWithBits) {
  constexpr size_t kBits = 64;
  SeededRandom random(7);
  auto bits = [](const Extents& extents) {
    std::vector<bool> set(kBits);
    for (const Extent& extent : extents)
      for (uint64_t i = extent.offset; i < extent.end(); ++i) set[i] = true;
    return set;
  };
  auto draw = [&random] {
    Extents extents;
    for (uint64_t i = random.below(6); i > 0; --i) {
      const uint64_t offset = random.below(kBits);
      extents.push_back({offset, random.below(kBits - offset + 1)});
    }
    return normalize(std::move(extents));
  };
  for (int round = 0; round < 2000; ++round) {
    const Extents a = draw(), b = draw();
    const auto in_a = bits(a), in_b = bits(b);
    std::vector<bool> either(kBits), both(kBits);
    for (size_t i = 0; i < kBits; ++i) either[i] = in_a[i] || in_b[i], both[i] = in_a[i] && in_b[i];
    EXPECT_EQ(bits(unite(a, b)), either);
    EXPECT_EQ(bits(intersect(a, b)), both);
    EXPECT_EQ(normalize(unite(a, b)), unite(a, b));
    EXPECT_EQ(normalize(intersect(a, b)), intersect(a, b));
    EXPECT_EQ(total_length(a), static_cast<uint64_t>(std::count(in_a.begin(), in_a.end(), true)));
    const uint64_t offset = random.below(kBits), length = random.below(kBits - offset + 1);
    EXPECT_EQ(overlaps(a, offset, length), !intersect(a, normalize({{offset, length}})).empty());
  }
}

TEST(Extents, TextForm) {
  EXPECT_EQ(format_extents({{0, 512}, {1024, 1}}), "0 512\n1024 1\n");
  EXPECT_EQ(*parse_extents("0 512\n1024 1\n"), (Extents{{0, 512}, {1024, 1}}));
  EXPECT_EQ(*parse_extents(""), Extents{});
  EXPECT_EQ(*parse_extents("# nothing\n\n  \r\n"), Extents{});
  EXPECT_EQ(*parse_extents(" 5\t7 # why\r\n1 2"), (Extents{{1, 2}, {5, 7}}));
}

TEST(Extents, BadTextNamesTheLine) {
  for (const char* text : {"5", "5,7", "a 5", "5 a", "-1 5", "5 7 9", "5  ", "0x5 1",
                           "18446744073709551616 1", "18446744073709551615 2"}) {
    const auto parsed = parse_extents(std::string("0 1\n") + text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().is(Code::kInvalid)) << text;
    EXPECT_NE(parsed.error().message().find("line 2"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace breakwater::volume
