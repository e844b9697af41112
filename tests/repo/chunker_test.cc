#include "repo/chunker.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace breakwater::repo {
namespace {

// The polynomial that the chunker's own documentation uses for examples.
constexpr uint64_t kExamplePolynomial = 0x3DA3358B4DC173;

Bytes chunker_noise(uint64_t seed, size_t size) {
  SeededRandom random(seed);
  Bytes bytes(size);
  random.fill(bytes);
  return bytes;
}

// Lengths of the chunks when `data` is fed in pieces of `step` bytes.
std::vector<size_t> cut(ByteSpan data, size_t step, uint64_t polynomial = kExamplePolynomial) {
  const ChunkerTables tables(polynomial);
  Chunker chunker(tables);
  std::vector<size_t> lengths;
  size_t length = 0;
  while (!data.empty()) {
    const Chunker::Step fed = chunker.feed(data.first(std::min(step, data.size())));
    length += fed.taken;
    data = data.subspan(fed.taken);
    if (fed.cut) lengths.push_back(std::exchange(length, 0));
    EXPECT_EQ(chunker.pending(), length);
  }
  if (length > 0) lengths.push_back(length);
  return lengths;
}

TEST(Chunker, ZerosAreCutIntoTheShortestChunks) {
  EXPECT_EQ(cut(Bytes((2 << 20) + 5), 1 << 20),
            (std::vector<size_t>{kChunkMin, kChunkMin, kChunkMin, kChunkMin, 5}));
}

TEST(Chunker, TheSizesOfThePiecesDoNotMatter) {
  const Bytes data = chunker_noise(1, 12 << 20);
  const auto whole = cut(data, data.size());
  EXPECT_GT(whole.size(), 3u);
  for (const size_t step : {4096u, 100'003u, 524'288u, 524'225u}) EXPECT_EQ(cut(data, step), whole);
  for (size_t i = 0; i + 1 < whole.size(); ++i) {
    EXPECT_GE(whole[i], kChunkMin);
    EXPECT_LE(whole[i], kChunkMax);
  }
}

TEST(Chunker, CutsComeBackAfterAnInsertion) {
  const Bytes data = chunker_noise(2, 16 << 20);
  Bytes longer = chunker_noise(3, 1000);
  longer.insert(longer.end(), data.begin(), data.end());
  auto before = cut(data, data.size()), after = cut(longer, longer.size());
  size_t common = 0;
  while (common < std::min(before.size(), after.size()) &&
         before[before.size() - 1 - common] == after[after.size() - 1 - common]) {
    ++common;
  }
  EXPECT_GE(common + 3, before.size());
}

TEST(Chunker, WithoutACutTheLongestChunkEnds) {
  Bytes data(20 << 20);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>('a' + i % 7);
  EXPECT_EQ(cut(data, 1 << 20), (std::vector<size_t>{kChunkMax, kChunkMax, 4 << 20}));
}

}  // namespace
}  // namespace breakwater::repo
