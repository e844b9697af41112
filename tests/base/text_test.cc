// Encodings, hashes, identifiers, quantities and random numbers.
#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/quantity.h"
#include "base/random.h"

namespace breakwater {
namespace {

TEST(Encoding, Hex) {
  EXPECT_EQ(to_hex(as_bytes(std::string_view("\x00\x7f\xff", 3))), "007fff");
  EXPECT_EQ(as_text(*from_hex("4A4b")), "JK");
  EXPECT_FALSE(from_hex("123"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Encoding, Base64) {
  struct Case {
    std::string plain, encoded;
  };
  for (const Case& each : std::vector<Case>{{"", ""},
                                            {"f", "Zg=="},
                                            {"fo", "Zm8="},
                                            {"foo", "Zm9v"},
                                            {"foobar", "Zm9vYmFy"},
                                            {"\xfb\xff\xfe", "+//+"}}) {
    EXPECT_EQ(to_base64(as_bytes(each.plain)), each.encoded);
    const auto decoded = from_base64(each.encoded);
    ASSERT_TRUE(decoded) << each.encoded;
    EXPECT_EQ(as_text(*decoded), each.plain);
  }
  for (const char* bad : {"Zg", "Zg=", "Z===", "====", "Zm9v!===", "Zg==Zg==", "Zm 9"}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
}

TEST(Encoding, Url) {
  EXPECT_EQ(url_encode("a b/c~d-e_f.g+h%\u00e4"), "a%20b%2Fc~d-e_f.g%2Bh%25%C3%A4");
  EXPECT_EQ(url_encode("a b/c", true), "a%20b/c");
  EXPECT_EQ(*url_decode("a%20b%2fc+d"), "a b/c+d");
  EXPECT_EQ(*url_decode("a+b%2B", true), "a b+");
  for (const char* bad : {"%", "%2", "a%zz", "%-1"}) EXPECT_FALSE(url_decode(bad)) << bad;
}

TEST(Hash, Sha256) {
  const std::string empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(to_hex(sha256({})), empty);
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), abc);
  Sha256 parts;
  parts.update(as_bytes("a"));
  parts.update({});
  Sha256 moved = std::move(parts);
  moved.update(as_bytes("bc"));
  EXPECT_EQ(to_hex(moved.finish()), abc);
  moved = Sha256();
  EXPECT_EQ(to_hex(moved.finish()), empty);
}

TEST(Ids, LabelValueFitsAndStaysUnique) {
  EXPECT_EQ(label_value("short"), "short");
  const std::string limit(63, 'a');
  EXPECT_EQ(label_value(limit), limit);
  // The 57 first characters and 6 digits of `printf %s … | sha256sum`.
  EXPECT_EQ(label_value(std::string(64, 'a')), std::string(57, 'a') + "ffe054");
  EXPECT_NE(label_value(limit + "x"), label_value(limit + "y"));
}

TEST(Ids, UidsAndSuffixesHaveTheirForm) {
  SeededRandom random(1);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uid = new_uid(random);
    ASSERT_EQ(uid.size(), 36u);
    EXPECT_EQ(uid[14], '4');
    EXPECT_NE(std::string("89ab").find(uid[19]), std::string::npos);
    for (const size_t dash : {8, 13, 18, 23}) EXPECT_EQ(uid[dash], '-');
    EXPECT_TRUE(seen.insert(uid).second);
    const std::string suffix = name_suffix(random);
    EXPECT_EQ(suffix.size(), 5u);
    EXPECT_EQ(suffix.find_first_not_of("bcdfghjklmnpqrstvwxz2456789"), std::string::npos);
  }
}

TEST(Random, SeedsRepeatAndForksAreIndependent) {
  SeededRandom a(42);
  SeededRandom b(42);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.next(), b.next());
  SeededRandom other(43);
  EXPECT_NE(a.next(), other.next());
  // What was drawn before does not change a fork.
  EXPECT_EQ(a.fork("faults").next(), SeededRandom(42).fork("faults").next());
  EXPECT_NE(a.fork("faults").next(), a.fork("names").next());
  // The first output of the published xoshiro256** for a state seeded by splitmix64 from 0.
  EXPECT_EQ(SeededRandom(0).next(), 0x99ec5f36cb75f2b4u);
}

TEST(Random, StaysInBounds) {
  SeededRandom random(7);
  std::array<int, 6> counts{};
  for (int i = 0; i < 6000; ++i) ++counts[random.below(6)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
  int hits = 0;
  for (int i = 0; i < 10000; ++i) hits += random.chance(0.25) ? 1 : 0;
  EXPECT_NEAR(hits, 2500, 250);
  EXPECT_FALSE(random.chance(0));
  EXPECT_TRUE(random.chance(1));
  SystemRandom system;
  EXPECT_NE(system.next(), system.next());
}

TEST(Quantity, Reads) {
  struct Case {
    std::string text;
    int64_t value;
  };
  for (const Case& each : std::vector<Case>{{"0", 0},
                                            {"1", 1},
                                            {"+1", 1},
                                            {"1Gi", 1073741824},
                                            {"1.5Gi", 1610612736},
                                            {"0.1Gi", 107374183},
                                            {"500m", 1},
                                            {"1500m", 2},
                                            {"1000m", 1},
                                            {"1n", 1},
                                            {"0n", 0},
                                            {"2000000u", 2},
                                            {"1k", 1000},
                                            {"10G", 10'000'000'000},
                                            {"1e3", 1000},
                                            {"1E3", 1000},
                                            {"1e+3", 1000},
                                            {"15e-1", 2},
                                            {"1E", 1'000'000'000'000'000'000},
                                            {".5Ki", 512},
                                            {"5.", 5},
                                            {"7Ei", 8070450532247928832},
                                            {"9223372036854775807", INT64_MAX},
                                            {"1e-400", 1},
                                            {"0e900", 0},
                                            {"1.0000000000000000000000001", 2},
                                            {"0000000000000000000000000000012Ki", 12288},
                                            {"0.000001Mi", 2}}) {
    const auto value = parse_quantity(each.text);
    ASSERT_TRUE(value) << each.text << ": " << value.error().to_string();
    EXPECT_EQ(*value, each.value) << each.text;
  }
  for (const char* bad : {"", "-1", "-1Gi", "Gi", ".", "1.2.3", "1 Gi", "1K", "1gi", "1e", "1e+-3",
                          "1GB", "0x10", "9223372036854775808", "8Ei", "1e30", "1e99999", "1i"}) {
    const auto value = parse_quantity(bad);
    ASSERT_FALSE(value) << bad;
    EXPECT_TRUE(value.error().is(Code::kInvalid));
  }
}

TEST(Quantity, Writes) {
  EXPECT_EQ(format_quantity(0), "0");
  EXPECT_EQ(format_quantity(1000), "1000");
  EXPECT_EQ(format_quantity(1073741824), "1Gi");
  EXPECT_EQ(format_quantity(1610612736), "1536Mi");
  EXPECT_EQ(format_quantity(int64_t{1} << 62), "4Ei");
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(87), "87 B");
  EXPECT_EQ(format_bytes(512 * 1024), "512 KiB");
  EXPECT_EQ(format_bytes(1 << 30), "1.0 GiB");
  EXPECT_EQ(format_bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(13207024435), "12.3 GiB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "16.0 EiB");
}

}  // namespace
}  // namespace breakwater
