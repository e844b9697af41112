#include "repo/crypto.h"

#include <gtest/gtest.h>

#include "repo/compression.h"
#include "repo/polynomial.h"

namespace breakwater::repo {
namespace {

template <size_t N>
std::array<std::byte, N> counting_from(int first) {
  std::array<std::byte, N> bytes;
  for (size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::byte>(first + static_cast<int>(i));
  return bytes;
}

// Every byte it gives comes from a fixed text.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  uint64_t next() override { return 0; }
  void fill(std::span<std::byte> out) override {
    std::copy_n(bytes_.begin(), out.size(), out.begin());
  }

 private:
  Bytes bytes_;
};

const CipherKey kTestKey{counting_from<32>(0), counting_from<16>(100), counting_from<16>(200)};
constexpr std::string_view kText = "Breakwater seals this text, which is longer than two blocks.";
// Computed with python3-cryptography: AES-256-CTR from a counter that overflows into its upper
// half, Poly1305 with r || AES-128(k, IV).
constexpr std::string_view kSealedHex =
    "fffffffffffffffffffffffffffffffe2197d163de6929a99f9fd9adfcad4b37c9ed8c743f8704bf2bf33d5b2ae73e"
    "8d"
    "9ab069c50a25f0bece96e84aa94616eed02901c16adbf38ac59de81fce8225e1e419f4b3425b1b3a119ed3bc";

TEST(SealerTest, SealsAsAnotherImplementationDoes) {
  FixedRandom random(from_hex("fffffffffffffffffffffffffffffffe").value());
  const Sealer sealer(kTestKey);
  EXPECT_EQ(to_hex(sealer.seal(random, as_bytes(kText))), kSealedHex);
  const auto opened = sealer.open(from_hex(kSealedHex).value());
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(*opened), kText);
}

TEST(SealerTest, OpensNothingThatWasChanged) {
  const Sealer sealer(kTestKey);
  const Bytes good = from_hex(kSealedHex).value();
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{4};
    const auto opened = sealer.open(bad);
    ASSERT_FALSE(opened) << "byte " << i;
    EXPECT_EQ(opened.error().code(), Code::kCorrupt);
  }
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(sealer.open(ByteSpan(good).first(size)));
  }
  CipherKey other = kTestKey;
  other.mac_k[0] ^= std::byte{1};
  EXPECT_FALSE(Sealer(other).open(good));
}

TEST(SealerTest, SealsTheSameTextDifferentlyEachTime) {
  SystemRandom random;
  const Sealer sealer(random_key(random));
  EXPECT_NE(sealer.seal(random, as_bytes("x")), sealer.seal(random, as_bytes("x")));
  EXPECT_EQ(sealer.seal(random, {}).size(), kSealOverhead);
  EXPECT_TRUE(sealer.open(sealer.seal(random, {}))->empty());
}

TEST(KeyFromPasswordTest, IsScrypt) {
  Bytes salt;
  for (int i = 0; i < 64; ++i) salt.push_back(static_cast<std::byte>(i));
  const auto key =
      key_from_password("password", salt, 1024, 8, 2);  // compared with Python's hashlib
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(key->encrypt),
            "bde7fc563293df71cda642fb579be1ae4a65bbf81efe5418ae9186d7434e1766");
  EXPECT_EQ(to_hex(key->mac_k), "ef69f7b8dd76284f0d7590ab7c00540f");
  EXPECT_EQ(to_hex(key->mac_r), "cf6170311428b5d24a0bf84bc9c29082");
}

TEST(KeyFromPasswordTest, RefusesImpossibleAndHugeCosts) {
  for (const auto& [n, r, p] : {std::tuple<uint64_t, uint64_t, uint64_t>{0, 8, 1},
                                {1, 8, 1},
                                {1000, 8, 1},
                                {1024, 0, 1},
                                {1024, 8, 0},
                                {1024, 1u << 30, 1}}) {
    EXPECT_EQ(key_from_password("x", {}, n, r, p).error().code(), Code::kInvalid) << n << " " << r;
  }
  EXPECT_EQ(key_from_password("x", {}, 1u << 30, 8, 1).error().code(), Code::kUnsupported);
}

TEST(PolynomialTest, KnowsIrreducibleOnes) {
  for (const uint64_t good : {0x2u, 0x3u, 0x7u, 0xbu, 0x13u, 0x11bu})
    EXPECT_TRUE(is_irreducible(good)) << good;
  for (const uint64_t bad : {0x4u, 0x5u, 0x6u, 0x9u, 0x11u, 0x15u})
    EXPECT_FALSE(is_irreducible(bad)) << bad;
  EXPECT_TRUE(is_irreducible(0x3DA3358B4DC173));  // what restic's chunker documents
  EXPECT_TRUE(is_irreducible(0x371d8e9dc3a8eb));  // of a repository that restic made
  EXPECT_FALSE(is_irreducible(0x371d8e9dc3a8ea));
}

TEST(PolynomialTest, MakesDegree53) {
  SeededRandom random(3);
  const uint64_t one = random_polynomial(random), two = random_polynomial(random);
  EXPECT_NE(one, two);
  EXPECT_EQ(one >> 53, 1u);
  EXPECT_EQ(two >> 53, 1u);
}

TEST(CompressorTest, RoundTripsAtEveryLevel) {
  Compressor compressor;
  const std::string text(100'000, 'a');
  for (const Compression level :
       {Compression::kFastest, Compression::kAuto, Compression::kBetter, Compression::kMax}) {
    Bytes out(Compressor::bound(text.size()));
    out.resize(compressor.compress(as_bytes(text), out, zstd_level(level)));
    EXPECT_LT(out.size(), 1000u);
    EXPECT_EQ(as_text(compressor.decompress(out, 1 << 20).value()), text);
    Bytes exact(text.size()), wrong(text.size() - 1);
    EXPECT_TRUE(compressor.decompress_into(out, exact));
    EXPECT_FALSE(compressor.decompress_into(out, wrong));
    EXPECT_FALSE(compressor.decompress(out, 1000));
    EXPECT_FALSE(compressor.decompress(ByteSpan(out).first(out.size() - 1), 1 << 20));
    EXPECT_TRUE(compressor.decompress_into(out, exact)) << "after errors it works again";
  }
}

}  // namespace
}  // namespace breakwater::repo
