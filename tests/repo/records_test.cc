// The texts of the records: JSON, names, trees, snapshots, packs, indexes.
#include <gtest/gtest.h>

#include "repo/index.h"
#include "repo/index_file.h"
#include "repo/json_reader.h"
#include "repo/json_writer.h"
#include "repo/key_file.h"
#include "repo/pack.h"
#include "repo/snapshot.h"
#include "repo/tree.h"
#include "repo/utf8.h"

namespace breakwater::repo {
namespace {

Id id_of(std::string_view text) { return Id{sha256(as_bytes(text))}; }
const std::string kSomeHex = id_of("some").to_string();

TEST(IdTest, ParsesOnlyLowerCaseHex) {
  EXPECT_EQ(Id::parse(kSomeHex).value(), id_of("some"));
  std::string upper = kSomeHex;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  for (const std::string& bad :
       {std::string(), upper, kSomeHex + "0", kSomeHex.substr(1), std::string(64, 'g')}) {
    EXPECT_EQ(Id::parse(bad).error().code(), Code::kInvalid) << bad;
  }
}

TEST(JsonWriterTest, EscapesAsGoDoes) {
  JsonWriter json;
  json.begin_object();
  json.member("a", "<b> & \"c\" \\ \n\r\t\x01\x7f");
  json.member("b", "\xc3\xa4\xe2\x80\xa8\xe2\x80\xa9\xff\xf0\x9f\x90\xb3");
  json.member_unless_empty("c", "");
  json.member("d", uint64_t{18446744073709551615u});
  json.name("e");
  json.begin_array();
  json.null();
  json.boolean(true);
  json.end_array();
  json.end_object();
  EXPECT_EQ(json.take(),
            "{\"a\":\"\\u003cb\\u003e \\u0026 \\\"c\\\" \\\\ \\n\\r\\t\\u0001\x7f\","
            "\"b\":\"\xc3\xa4\\u2028\\u2029\\ufffd\xf0\x9f\x90\xb3\","
            "\"d\":18446744073709551615,\"e\":[null,true]}");
}

TEST(JsonReaderTest, WalksWhatItKnowsAndSkipsTheRest) {
  JsonReader json(
      R"( { "x" : {"deep":[1,{"a":"}]"},null]} , "n":42,"s":"a\u00e4\ud83d\udc33\ud800\/\n",
                       "l":["1", "2"],"b":false,"none":null} )");
  std::string_view name;
  uint64_t number = 0;
  std::string text, list;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "n")
      number = json.number();
    else if (name == "s")
      text = json.string();
    else if (name == "l") {
      json.begin_array();
      while (json.next_element()) list += json.string() + ";";
    } else if (name == "x")
      EXPECT_EQ(json.skip(), R"({"deep":[1,{"a":"}]"},null]})");
    else
      json.skip();
  }
  ASSERT_TRUE(json.finish("test"));
  EXPECT_EQ(number, 42u);
  EXPECT_EQ(text, "a\xc3\xa4\xf0\x9f\x90\xb3\xef\xbf\xbd/\n");
  EXPECT_EQ(list, "1;2;");
}

TEST(JsonReaderTest, NamesWhatIsWrong) {
  for (const char* bad : {"", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}",
                          "{\"a\" 1}", "[]", "{\"a\":1 \"b\":2}", "{\"a\":1}x", "{\"a\":[}",
                          "{\"a\":{]}", "{\"a\":\"", "{\"a\":\"\\", "{,\"a\":1}", "null"}) {
    JsonReader json(bad);
    std::string_view name;
    json.begin_object();
    while (json.next_member(name)) json.skip();
    const auto done = json.finish("record");
    ASSERT_FALSE(done) << bad;
    EXPECT_EQ(done.error().code(), Code::kCorrupt);
    EXPECT_NE(done.error().to_string().find("record"), std::string::npos);
  }
  for (const char* bad : {"-1", "1.5", "1e3", "18446744073709551616", "\"1\"", "true"}) {
    JsonReader json(bad);
    json.number();
    EXPECT_FALSE(json.finish("number")) << bad;
  }
  for (const char* bad : {"\"\\u12\"", "\"\\x\"", "\"open", "\"\\"}) {
    JsonReader json(bad);
    json.string();
    EXPECT_FALSE(json.finish("string")) << bad;
  }
  const std::string brackets(100'000, '[');
  JsonReader deep(brackets);
  deep.skip();
  EXPECT_FALSE(deep.finish("deep"));
}

TEST(JsonReaderTest, ReadsTimesThatNanosecondsCannotHold) {
  JsonReader zero("\"0001-01-01T00:00:00Z\"");
  EXPECT_EQ(zero.time(), Time::min());
  EXPECT_TRUE(zero.finish("time"));
  JsonReader late("\"9999-01-01T00:00:00Z\"");
  EXPECT_EQ(late.time(), Time::max());
  JsonReader usual("\"2026-11-21T04:00:00.5+01:00\"");
  EXPECT_EQ(format_rfc3339_nano(usual.time()), "2026-11-21T03:00:00.5Z");
}

TEST(QuoteNameTest, QuotesAsGoDoes) {
  const std::pair<std::string, std::string> cases[] = {
      {"plain name.txt", "plain name.txt"},
      {"quote\" back\\", "quote\\\" back\\\\"},
      {"\a\b\f\n\r\t\v", "\\a\\b\\f\\n\\r\\t\\v"},
      {"\x01\x7f", "\\x01\\x7f"},
      {"\xff\xc3", "\\xff\\xc3"},
      {"\xc3\xa4\xf0\x9f\x90\xb3", "\xc3\xa4\xf0\x9f\x90\xb3"},
      {"\xc2\xa0\xe2\x80\xa8\xe3\x80\x80", "\\u00a0\\u2028\\u3000"},
      {"\xf3\xa0\x80\x81", "\\U000e0001"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
  };
  for (const auto& [name, quoted] : cases) {
    EXPECT_EQ(quote_name(name), quoted);
    EXPECT_EQ(unquote_name(quoted).value(), name);
  }
  EXPECT_EQ(unquote_name("\\101\\u00e4").value(), "A\xc3\xa4");
  for (const char* bad : {"\\", "\\q", "\\x1", "\\u12", "\\ud800", "\\U00110000", "\\8"}) {
    EXPECT_EQ(unquote_name(bad).error().code(), Code::kCorrupt) << bad;
  }
}

TEST(TreeTest, IsWrittenAsResticWritesIt) {
  Node file;
  file.name = "disk.img";
  file.mode = 420;
  file.mtime = file.atime = file.ctime = parse_rfc3339("2026-11-21T02:25:07.6078951Z").value();
  file.size = 5;
  file.content = {id_of("some")};
  EXPECT_EQ(encode_tree({file}).value(),
            "{\"nodes\":[{\"name\":\"disk.img\",\"type\":\"file\",\"mode\":420,"
            "\"mtime\":\"2026-11-21T02:25:07.6078951Z\",\"atime\":\"2026-11-21T02:25:07.6078951Z\","
            "\"ctime\":\"2026-11-21T02:25:07.6078951Z\",\"uid\":0,\"gid\":0,\"size\":5,"
            "\"content\":[\"" +
                kSomeHex + "\"]}]}\n");
  EXPECT_EQ(encode_tree({}).value(), "{\"nodes\":[]}\n");
}

TEST(TreeTest, KeepsWhatItDoesNotKnow) {
  const std::string text =
      "{\"nodes\":[{\"name\":\"a\",\"type\":\"symlink\",\"mode\":134218239,\"mtime\":\"2026-01-"
      "01T00:00:00Z\","
      "\"atime\":\"2026-01-01T00:00:00Z\",\"ctime\":\"2026-01-01T00:00:00Z\",\"uid\":1,\"gid\":2,"
      "\"user\":\"u\","
      "\"group\":\"g\",\"inode\":9223372036854775809,\"device_id\":5,\"links\":1,\"linktarget\":"
      "\"b\\ufffd\","
      "\"linktarget_raw\":\"Yv8=\",\"extended_attributes\":[{\"name\":\"user.x\",\"value\":\"eA=="
      "\"}],"
      "\"generic_attributes\":{\"windows.x\":\"y\"},\"device\":7,\"content\":null,\"error\":\"oh\","
      "\"future\":{\"x\":[1.5]}}]}\n";
  const auto tree = decode_tree(text);
  ASSERT_TRUE(tree) << tree.error().to_string();
  EXPECT_EQ(tree->at(0).linktarget, "b\xff");
  EXPECT_EQ(tree->at(0).inode, 9223372036854775809u);
  EXPECT_EQ(encode_tree(*tree).value(), text);
}

TEST(TreeTest, RefusesBadNamesAndOrder) {
  Node a, b;
  a.name = "a";
  b.name = "b";
  EXPECT_TRUE(encode_tree({a, b}));
  EXPECT_EQ(encode_tree({b, a}).error().code(), Code::kInvalid);
  EXPECT_EQ(encode_tree({a, a}).error().code(), Code::kInvalid);
  for (const char* name : {"", ".", "..", "x/y"}) {
    a.name = name;
    EXPECT_EQ(encode_tree({a}).error().code(), Code::kInvalid) << name;
  }
}

TEST(TreeTest, RemembersAFileWithoutContent) {
  const auto tree = decode_tree(
      R"({"nodes":[{"name":"a","type":"file","content":null},{"name":"b","type":"dir"}]})");
  ASSERT_TRUE(tree);
  ASSERT_EQ(tree->at(0).other.size(), 1u);
  EXPECT_EQ(tree->at(0).other[0].first, "content");
  EXPECT_TRUE(tree->at(1).other.empty());
}

TEST(SnapshotTest, RoundTripsAndIgnoresUnknownMembers) {
  Snapshot snapshot;
  snapshot.time = parse_rfc3339("2026-11-21T03:00:00.25Z").value();
  snapshot.tree = id_of("tree");
  snapshot.parent = id_of("parent");
  snapshot.paths = {"/a", "/b"};
  snapshot.hostname = "h";
  snapshot.tags = {"x"};
  snapshot.summary.emplace().data_added = 99;
  std::string text = encode_snapshot(snapshot);
  EXPECT_EQ(text.find("{\"time\":\"2026-11-21T03:00:00.25Z\",\"parent\":\""), 0u) << text;
  text.insert(1, "\"excludes\":[\"*.o\"],\"uid\":7,\"tags\":null,");
  const auto again = decode_snapshot(text);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(encode_snapshot(*again), encode_snapshot(snapshot));
  EXPECT_EQ(decode_snapshot("{\"time\":\"2026-11-21T03:00:00Z\"}").error().code(), Code::kCorrupt);
  EXPECT_EQ(decode_snapshot("{\"tree\":\"xyz\"}").error().code(), Code::kCorrupt);
}

TEST(SnapshotTest, IsFoundByLatestIdAndPrefix) {
  std::vector<Snapshot> all(3);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].id.bytes[0] = static_cast<std::byte>(0x10 * i);
    all[i].time = Time(std::chrono::hours(i));
  }
  all[1].id.bytes[0] = std::byte{0x01};
  EXPECT_EQ(find_snapshot(all, "latest")->id, all[2].id);
  EXPECT_EQ(find_snapshot(all, "2")->id, all[2].id);
  EXPECT_EQ(find_snapshot(all, all[0].id.to_string())->id, all[0].id);
  EXPECT_EQ(find_snapshot(all, "0").error().code(), Code::kInvalid);
  EXPECT_EQ(find_snapshot(all, "ff").error().code(), Code::kNotFound);
  EXPECT_EQ(find_snapshot(all, "").error().code(), Code::kNotFound);
  EXPECT_EQ(find_snapshot({}, "latest").error().code(), Code::kNotFound);
}

class PackTest : public testing::Test {
 protected:
  FinishedPack make() {
    PackBuilder builder(100);
    builder.add(BlobType::kData, id_of("a"), sealer_.seal(random_, as_bytes("a")), 0);
    builder.add(BlobType::kTree, id_of("b"), sealer_.seal(random_, as_bytes("bb")), 1000);
    builder.add(BlobType::kData, id_of("c"), sealer_.seal(random_, {}), 7);
    return builder.finish(sealer_, random_);
  }
  SeededRandom random_{5};
  Sealer sealer_{random_key(random_)};
};

TEST_F(PackTest, HeaderTellsWhatIsInside) {
  const FinishedPack pack = make();
  EXPECT_EQ(pack.id.bytes, sha256(pack.data));
  EXPECT_EQ(pack.data.size(), pack_file_size(pack.blobs));
  EXPECT_EQ(pack.data.size(), 33u + 34 + 32 + 32 + 37 + 41 + 41 + 4);
  EXPECT_EQ(read_pack_header(sealer_, pack.data).value(), pack.blobs);
}

TEST_F(PackTest, DamageIsNoticed) {
  const FinishedPack pack = make();
  for (size_t size = 0; size < pack.data.size(); ++size) {
    EXPECT_FALSE(read_pack_header(sealer_, ByteSpan(pack.data).first(size))) << size;
  }
  for (size_t i = pack.data.size() - 155; i < pack.data.size(); ++i) {  // header and its length
    Bytes bad = pack.data;
    bad[i] ^= std::byte{0x20};
    EXPECT_FALSE(read_pack_header(sealer_, bad)) << i;
  }
}

TEST(IndexFileTest, RoundTrips) {
  const IndexedPack pack{
      id_of("pack"),
      {{BlobType::kData, id_of("a"), 0, 33, 0}, {BlobType::kTree, id_of("b"), 33, 50, 70}}};
  const std::string text = encode_index(std::vector{pack});
  EXPECT_EQ(
      text,
      "{\"packs\":[{\"id\":\"" + id_of("pack").to_string() + "\",\"blobs\":[{\"id\":\"" +
          id_of("a").to_string() + "\",\"type\":\"data\",\"offset\":0,\"length\":33},{\"id\":\"" +
          id_of("b").to_string() +
          "\",\"type\":\"tree\",\"offset\":33,\"length\":50,\"uncompressed_length\":70}]}]}\n");
  std::vector<IndexedPack> read;
  const auto keep = [&](IndexedPack&& got) { read.push_back(std::move(got)); };
  ASSERT_TRUE(decode_index(text, keep));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].id, pack.id);
  EXPECT_EQ(read[0].blobs, pack.blobs);
  EXPECT_TRUE(decode_index("{\"supersedes\":[\"x\"],\"packs\":null}", keep));
  for (const char* bad :
       {"{\"packs\":[{\"id\":\"zz\"}]}", "{\"packs\":[{\"blobs\":[{\"type\":\"odd\"}]}]}", "[]",
        "{\"packs\":[{\"blobs\":[{\"length\":5000000000}]}]}"}) {
    EXPECT_EQ(decode_index(bad, keep).error().code(), Code::kCorrupt) << bad;
  }
}

TEST(IndexTest, FindsManyBlobsAndKeepsTypesApart) {
  Index index;
  constexpr uint32_t kBlobs = 20'000;
  std::vector<PackedBlob> blobs;
  for (uint32_t i = 0; i < kBlobs; ++i) {
    blobs.push_back(
        {i % 2 ? BlobType::kTree : BlobType::kData, id_of(std::to_string(i)), i, 40 + i, i % 3});
  }
  index.add_pack(id_of("one"), std::span(blobs).first(kBlobs / 2));
  index.add_pack(id_of("two"), std::span(blobs).subspan(kBlobs / 2));
  index.add_pack(id_of("copy"), blobs);
  EXPECT_EQ(index.size(), kBlobs);
  for (const PackedBlob& blob : blobs) {
    const auto place = index.find(blob.type, blob.id);
    ASSERT_TRUE(place);
    EXPECT_EQ(place->pack, id_of(blob.offset < kBlobs / 2 ? "one" : "two"));
    EXPECT_EQ(place->length, blob.length);
    EXPECT_EQ(place->plain_length(),
              blob.uncompressed_length ? blob.uncompressed_length : blob.length - 32);
    EXPECT_FALSE(
        index.find(blob.type == BlobType::kTree ? BlobType::kData : BlobType::kTree, blob.id));
  }
  EXPECT_FALSE(index.claim(BlobType::kData, id_of("0")));
  EXPECT_TRUE(index.claim(BlobType::kTree, id_of("0")));
  EXPECT_FALSE(index.claim(BlobType::kTree, id_of("0")));
  EXPECT_FALSE(index.find(BlobType::kTree, id_of("0"))) << "claimed is not stored";
}

TEST(KeyFileTest, OpensOnlyWithItsPassword) {
  SeededRandom random(9);
  const CipherKey master = random_key(random);
  const auto file = make_key_file(master, "pass", {.n = 16, .r = 1, .p = 1}, {}, random);
  ASSERT_TRUE(file);
  EXPECT_EQ(to_hex(open_key_file(*file, "pass")->encrypt), to_hex(master.encrypt));
  EXPECT_EQ(open_key_file(*file, "Pass").error().code(), Code::kForbidden);
  EXPECT_EQ(open_key_file("{\"kdf\":\"md5\"}", "pass").error().code(), Code::kUnsupported);
  EXPECT_EQ(open_key_file("{\"kdf\":\"scrypt\"}", "pass").error().code(), Code::kCorrupt);
  EXPECT_EQ(open_key_file("nonsense", "pass").error().code(), Code::kCorrupt);
  EXPECT_EQ(make_key_file(master, "pass", {.n = 15, .r = 1, .p = 1}, {}, random).error().code(),
            Code::kInvalid);
}

TEST(ConfigTest, RefusesVersionsOfTheFuture) {
  SeededRandom random(9);
  const Config config = new_config(random);
  const auto again = decode_config(encode_config(config));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, config.id);
  EXPECT_EQ(again->chunker_polynomial, config.chunker_polynomial);
  EXPECT_EQ(decode_config("{\"version\":3}").error().code(), Code::kUnsupported);
  EXPECT_EQ(decode_config("{\"version\":2,\"chunker_polynomial\":\"xyz\"}").error().code(),
            Code::kCorrupt);
}

}  // namespace
}  // namespace breakwater::repo
