#include "base/json.h"

#include <gtest/gtest.h>

#include <thread>

namespace breakwater {
namespace {

Json json_of(std::string_view text) {
  const auto parsed = parse_json(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().to_string();
  return parsed ? *parsed : Json();
}

TEST(JsonText, RoundTripsUnchanged) {
  for (const std::string text : {"null",
                                 "true",
                                 "false",
                                 "0",
                                 "-0",
                                 "-1",
                                 "9223372036854775807",
                                 "-9223372036854775808",
                                 "9223372036854775808",
                                 "18446744073709551615",
                                 "18446744073709551616",
                                 "123456789012345678901234567890",
                                 "1.0",
                                 "1.50",
                                 "1e3",
                                 "1E+3",
                                 "-2.5e-7",
                                 "1e400",
                                 "0.1",
                                 "3.141592653589793238462643383279502884197",
                                 "\"\"",
                                 "\"a/b<c>&d\"",
                                 "[]",
                                 "{}",
                                 "[[],{}]",
                                 "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"",
                                 "\"\u00e4\u20ac\U0001f600\"",
                                 "{\"b\":1,\"a\":{\"z\":[1,2,{\"y\":null}]},\"app/x.y\":\"v\"}",
                                 "[1,-0,1.0,\"1\"]"}) {
    EXPECT_EQ(to_json(json_of(text)), text);
  }
}

TEST(JsonText, ReadsEscapesAndSpace) {
  const std::string text = " { \"a\\u0041\\/\" :\t\"\\ud83d\\ude00\\n\" }\r\n";
  EXPECT_EQ(to_json(json_of(text)), "{\"aA/\":\"\U0001f600\\n\"}");
}

TEST(JsonText, LongTokensSurvive) {
  const std::string name(5000, 'n');
  const std::string value = std::string(70000, 'v') + "\n" + std::string(70000, 'w');
  const std::string digits(400, '7');
  const Json parsed =
      json_of(to_json(Json::object({{name, value}, {"digits", Json::number(digits)}})));
  EXPECT_EQ(parsed[name].as_string(), value);
  EXPECT_EQ(parsed["digits"].as_string(), digits);
}

TEST(JsonText, RefusesBadText) {
  struct Case {
    std::string text, message;
  };
  const std::string deep(257, '[');
  for (const Case& bad : std::vector<Case>{
           {"", "offset 0: the text ends too early"},
           {"{\"a\":1", "the text ends too early"},
           {"[1,]", "offset 3: syntax error"},
           {"{\"a\":1,}", "syntax error"},
           {"{a:1}", "syntax error"},
           {"01", "offset 1: something follows the value"},
           {"1 2", "something follows the value"},
           {"nul", "the text ends too early"},
           {"NaN", "syntax error"},
           {"// c\n1", "syntax error"},
           {"\"\n\"", "syntax error"},
           {"\"\\ud83d\"", "syntax error"},
           {"\"\xff\"", "syntax error"},
           {"\"\xc0\x80\"", "syntax error"},
           {"\"\xed\xa0\x80\"", "syntax error"},
           {"{\"\xe2\x82\":1}", "syntax error"},
           {deep + std::string(257, ']'), "nested more than 256 levels deep"},
       }) {
    const auto parsed = parse_json(bad.text);
    ASSERT_FALSE(parsed) << bad.text;
    EXPECT_TRUE(parsed.error().is(Code::kInvalid));
    EXPECT_NE(parsed.error().message().find(bad.message), std::string::npos)
        << bad.text << ": " << parsed.error().message();
  }
  EXPECT_TRUE(parse_json(std::string(256, '[') + std::string(256, ']')));
  EXPECT_FALSE(parse_json("\"" + std::string(size_t{64} << 20, 'x') + "\""));
}

TEST(JsonText, LastDuplicateWins) {
  EXPECT_EQ(to_json(json_of("{\"a\":1,\"b\":2,\"a\":3,\"c\":4,\"a\":5}")),
            "{\"a\":5,\"b\":2,\"c\":4}");
  std::string large = "{";
  for (int i = 0; i < 100; ++i) large += fmt::format("\"k{}\":{},", i % 50, i);
  const Json parsed = json_of(large + "\"last\":true}");
  EXPECT_EQ(parsed.size(), 51u);
  EXPECT_EQ(parsed["k7"].as_int(), 57);
  EXPECT_EQ(parsed.members()[7].first, "k7");
}

TEST(JsonText, IndentsByLevel) {
  EXPECT_EQ(to_json(json_of("{\"a\":[1,{}],\"b\":[]}"), 2),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST(Json, NumbersKeepTheirKind) {
  EXPECT_TRUE(json_of("5").is_int());
  EXPECT_FALSE(json_of("5.0").is_int());
  EXPECT_TRUE(json_of("5.0").is_number());
  EXPECT_EQ(json_of("5.5").as_double(), 5.5);
  EXPECT_EQ(json_of("5").as_double(), 5.0);
  EXPECT_EQ(json_of("5.5").as_int(7), 7);
  EXPECT_EQ(json_of("5.5").as_string(), "5.5");
  EXPECT_EQ(to_json(Json(UINT64_MAX)), "18446744073709551615");
  EXPECT_EQ(to_json(Json(0.1)), "0.1");
  EXPECT_EQ(Json(3.0), Json(3));
  EXPECT_EQ(Json(UINT64_MAX), json_of("18446744073709551615"));
  EXPECT_TRUE(Json(1.0 / 0.0).is_null());
}

TEST(Json, ReadingNeverFails) {
  const Json pod = json_of("{\"metadata\":{\"name\":\"p\"},\"list\":[1,\"x\"],\"none\":null}");
  EXPECT_EQ(pod.at({"metadata", "name"}).as_string(), "p");
  EXPECT_EQ(pod["metadata"]["labels"]["app"].as_string(), "");
  EXPECT_EQ(pod["list"][1].as_string(), "x");
  EXPECT_TRUE(pod["list"][2].is_null());
  EXPECT_TRUE(pod["list"]["name"].is_null());
  EXPECT_TRUE(pod["metadata"][0].is_null());
  EXPECT_EQ(pod["list"].size(), 2u);
  EXPECT_TRUE(pod["metadata"]["name"].empty());
  EXPECT_TRUE(pod.has("none"));
  EXPECT_FALSE(pod.has("nothing"));
  EXPECT_EQ(pod["none"].as_string_or("otherwise"), "otherwise");
  EXPECT_EQ(pod["metadata"]["name"].as_string_or("otherwise"), "p");
  EXPECT_TRUE(pod["none"].as_bool(true));
  const std::vector<std::string> path = {"metadata", "name"};
  EXPECT_EQ(pod.at(path).as_string(), "p");
}

TEST(Json, EditingCreatesReplacesAndErases) {
  Json json;
  json.set({"metadata", "labels", "app/x.y"}, "v");
  json.set({"spec"}, 3);
  json.set({"spec", "replicas"}, 2);
  EXPECT_EQ(to_json(json),
            "{\"metadata\":{\"labels\":{\"app/x.y\":\"v\"}},\"spec\":{\"replicas\":2}}");
  json.erase({"metadata", "labels", "app/x.y"});
  json.erase({"metadata", "annotations", "none"});
  json.erase({"spec", "replicas", "deeper"});
  EXPECT_EQ(to_json(json), "{\"metadata\":{\"labels\":{}},\"spec\":{\"replicas\":2}}");
  json.set({}, Json::array({1}));
  json.push_back("two");
  json.set_item(0, nullptr);
  EXPECT_EQ(to_json(json), "[null,\"two\"]");
  json.erase({});
  EXPECT_TRUE(json.is_null());
  json.push_back(1);
  EXPECT_EQ(to_json(json), "[1]");
}

TEST(Json, CopiesDoNotSeeEachOthersEdits) {
  const std::string text = "{\"a\":{\"b\":{\"c\":1}},\"list\":[{\"x\":1},2]}";
  const Json original = json_of(text);
  Json copy = original;
  Json inner = copy["a"];
  copy.set({"a", "b", "c"}, 2);
  copy.set({"a", "new"}, true);
  copy.erase({"list"});
  inner.set({"b", "d"}, 3);
  Json list = original["list"];
  list.set_item(0, 9);
  list.push_back(8);
  EXPECT_EQ(to_json(original), text);
  EXPECT_EQ(to_json(copy), "{\"a\":{\"b\":{\"c\":2},\"new\":true}}");
  EXPECT_EQ(to_json(inner), "{\"b\":{\"c\":1,\"d\":3}}");
  EXPECT_EQ(to_json(list), "[9,2,8]");
  copy.set({"self"}, copy);
  EXPECT_EQ(copy["self"]["a"]["b"]["c"].as_int(), 2);
  EXPECT_FALSE(copy["self"].has("self"));
}

TEST(Json, UntouchedPartsStayShared) {
  const Json original = json_of("{\"spec\":{\"big\":[1,2,3]},\"status\":{\"phase\":\"New\"}}");
  Json copy = original;
  copy.set({"status", "phase"}, "Completed");
  EXPECT_EQ(&copy["spec"].members(), &original["spec"].members());
  EXPECT_NE(&copy["status"].members(), &original["status"].members());
  const auto* before = &copy["status"].members();
  copy.set({"status", "phase"}, "Failed");
  EXPECT_EQ(&copy["status"].members(), before) << "a node without other owners is edited in place";
  copy.erase({"status", "absent"});
  Json same = original;
  same.erase({"spec", "absent"});
  EXPECT_EQ(&same.members(), &original.members()) << "erasing nothing copies nothing";
}

TEST(Json, EqualityIgnoresTheOrderOfMembers) {
  const Json a = json_of("{\"x\":1,\"y\":{\"p\":[1,2],\"q\":null},\"z\":\"s\"}");
  EXPECT_EQ(a, json_of("{\"x\":1,\"y\":{\"p\":[1,2],\"q\":null},\"z\":\"s\"}"));
  EXPECT_EQ(a, json_of("{\"z\":\"s\",\"x\":1,\"y\":{\"q\":null,\"p\":[1,2]}}"));
  for (const char* other :
       {"{\"z\":\"s\",\"x\":1,\"y\":{\"q\":null,\"p\":[2,1]}}", "{\"x\":1,\"z\":\"s\"}",
        "{\"x\":1,\"y\":{\"p\":[1,2]},\"z\":\"s\"}", "{\"x\":1,\"w\":{},\"z\":\"s\"}",
        "{\"x\":\"1\",\"y\":{\"p\":[1,2],\"q\":null},\"z\":\"s\"}", "[]", "null"}) {
    EXPECT_NE(a, json_of(other)) << other;
  }
  EXPECT_NE(json_of("1"), json_of("1.0"));
  EXPECT_NE(json_of("null"), json_of("false"));
}

TEST(Json, EqualSharedTreesCompareAtOnce) {
  // Each level refers to the one below twice: 2^60 leaves if it were walked.
  Json tree = 1;
  for (int i = 0; i < 60; ++i) tree = Json::array({tree, tree});
  const Json copy = tree;
  EXPECT_EQ(tree, copy);
  EXPECT_EQ(Json::object({{"a", tree}, {"b", 1}}), Json::object({{"b", 1}, {"a", copy}}));
}

TEST(Json, MovedFromIsNull) {
  Json from = "text";
  const Json to = std::move(from);
  EXPECT_TRUE(from.is_null());  // NOLINT: that is the promise
  EXPECT_EQ(from.as_string(), "");
  EXPECT_EQ(to.as_string(), "text");
}

TEST(Json, ThreadsMayEditCopiesOfOneTree) {
  const Json shared = json_of("{\"a\":{\"b\":[1,2,3]},\"n\":0}");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = shared, t]() mutable {
      for (int i = 0; i < 1000; ++i) {
        Json next = copy;
        next.set({"a", "b"}, i);
        next.set("n", t);
        copy = std::move(next);
      }
      EXPECT_EQ(copy.at({"a", "b"}).as_int(), 999);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(to_json(shared), "{\"a\":{\"b\":[1,2,3]},\"n\":0}");
}

}  // namespace
}  // namespace breakwater
