#include "base/yaml.h"

#include <gtest/gtest.h>

namespace breakwater {
namespace {

// The documents as JSON lines, or "error: …".
std::string yaml_as_json(std::string_view text) {
  const auto documents = parse_yaml(text);
  if (!documents) return "error: " + documents.error().to_string();
  std::string out;
  for (const Json& document : *documents) out += (out.empty() ? "" : "\n") + to_json(document);
  return out;
}

TEST(Yaml, TypesPlainScalarsAsKubernetesDoes) {
  struct Case {
    std::string yaml, json;
  };
  for (const Case& each : std::vector<Case>{
           {"true", "true"},
           {"False", "false"},
           {"yes", "\"yes\""},
           {"on", "\"on\""},
           {"null", "null"},
           {"~", "null"},
           {"12", "12"},
           {"-7", "-7"},
           {"+7", "7"},
           {"0644", "420"},
           {"0899", "\"0899\""},
           {"0o17", "\"0o17\""},
           {"0x1F", "\"0x1F\""},
           {"1_000", "\"1_000\""},
           {"1.50", "1.50"},
           {".5", "0.5"},
           {"-.5", "-0.5"},
           {"5.", "5"},
           {"1e3", "1e3"},
           {"1.5e-3", "1.5e-3"},
           {"1e", "\"1e\""},
           {".", "\".\""},
           {"99999999999999999999", "99999999999999999999"},
           {".inf", "\".inf\""},
           {"12:30:45", "\"12:30:45\""},
           {"2026-11-21", "\"2026-11-21\""},
           {"1Gi", "\"1Gi\""},
           {"\"12\"", "\"12\""},
           {"'true'", "\"true\""},
           {"!!str 12", "\"12\""},
           {"!!int \"12\"", "12"},
       }) {
    EXPECT_EQ(yaml_as_json("v: " + each.yaml), "{\"v\":" + each.json + "}") << each.yaml;
  }
  EXPECT_TRUE((*parse_yaml("5.")).front().is_int());
  EXPECT_TRUE(yaml_as_json("v: */15 * * * *").starts_with("error: YAML at line 1, column "));
  EXPECT_EQ(yaml_as_json("v:"), "{\"v\":null}");
}

TEST(Yaml, ReadsStreamsBlocksAndKeys) {
  EXPECT_EQ(yaml_as_json("---\na: 1\n---\n# nothing\n---\n- b\n- c: d\n...\n"),
            "{\"a\":1}\n[\"b\",{\"c\":\"d\"}]");
  EXPECT_EQ(yaml_as_json(""), "");
  EXPECT_EQ(yaml_as_json("lit: |\n  a\n   b\nfold: >-\n  c\n  d\n8080: x\ntrue: y\n"),
            "{\"lit\":\"a\\n b\\n\",\"fold\":\"c d\",\"8080\":\"x\",\"true\":\"y\"}");
  EXPECT_EQ(yaml_as_json("{\"json\": [1, \"two\", {\"three\": null}]}"),
            "{\"json\":[1,\"two\",{\"three\":null}]}");
}

TEST(Yaml, ReadsFlowStyleWithTrailingCommas) {
  // As people leave them in the dpa_spec of the policies' configuration.
  EXPECT_EQ(yaml_as_json("{ \"plugins\": [ \"csi\",  \n \"aws\", ],\n"
                         "  \"velero\": { \"config\": {\"region\": \"x\",}, },\n}"),
            "{\"plugins\":[\"csi\",\"aws\"],\"velero\":{\"config\":{\"region\":\"x\"}}}");
}

TEST(Yaml, FollowsAnchorsAndMerges) {
  EXPECT_EQ(yaml_as_json("base: &b {x: 1, y: 2}\ncopy: *b\nmore:\n  <<: *b\n  y: 3\n"),
            "{\"base\":{\"x\":1,\"y\":2},\"copy\":{\"x\":1,\"y\":2},\"more\":{\"y\":3,\"x\":1}}");
  EXPECT_EQ(yaml_as_json("a: &k name\n*k : v\n"), "{\"a\":\"name\",\"name\":\"v\"}");
  EXPECT_EQ(yaml_as_json("quoted: {\"<<\": 1}"), "{\"quoted\":{\"<<\":1}}");
  EXPECT_TRUE(yaml_as_json("a: &a [*a]").starts_with("error: "));
}

TEST(Yaml, ManyAliasesStaySmall) {
  std::string text = "l0: &l0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 40; ++i) {
    text += fmt::format("l{0}: &l{0} [*l{1},*l{1},*l{1},*l{1},*l{1},*l{1}]\n", i, i - 1);
  }
  const auto documents = parse_yaml(text);
  ASSERT_TRUE(documents);
  EXPECT_EQ((*documents)[0]["l39"].size(), 6u);
}

TEST(Yaml, NamesThePlaceOfAProblem) {
  struct Case {
    std::string yaml, message;
  };
  for (const Case& bad :
       std::vector<Case>{{"a: 1\nb: [1, 2\n", "YAML at line 3, column 1: "},
                         {"a: 1\nb: 2\na: 3\n",
                          "YAML at line 3, column 1: the key \"a\" stands twice in one mapping"},
                         {"a: b: c\n", "YAML at line 1, column 5: "},
                         {", a", "YAML at line 1, column 1: unexpected character"},
                         {"a: 1\n---\n, b\n", "YAML at line 3, column 1: unexpected character"},
                         {"? [a, b]\n: c\n", "YAML at line 1, column 3: a key must be a scalar"},
                         {"\ta: 1\n", "YAML at line 1, column "},
                         {"a: *nowhere\n", "YAML at line 1, column 4: "}}) {
    EXPECT_TRUE(yaml_as_json(bad.yaml).starts_with("error: " + bad.message))
        << bad.yaml << yaml_as_json(bad.yaml);
  }
  EXPECT_TRUE(yaml_as_json(std::string(300, '[') + std::string(300, ']')).starts_with("error: "));
}

TEST(Yaml, WritesBlockStyle) {
  const Json value = *parse_json(
      "{\"kind\":\"Backup\",\"metadata\":{\"labels\":{},\"name\":\"b\"},\"list\":[1,"
      "{\"a\":1,\"b\":[2]},[3,4],[]],\"script\":\"one\\n  two\\n\",\"tail\":\"x\\ny\"}");
  EXPECT_EQ(to_yaml(value),
            "kind: Backup\nmetadata:\n  labels: {}\n  name: b\nlist:\n- 1\n- a: 1\n  b:\n  - 2\n"
            "- - 3\n  - 4\n- []\nscript: |\n  one\n    two\ntail: |-\n  x\n  y\n");
}

TEST(Yaml, WhatIsWrittenReadsBackTheSame) {
  Json words = Json::array();
  // clang-format off
  for (const char* text :
       {"", " ", "a", "a b", " a", "a ", "yes", "No", "ON", "y", "true", "Null", "~", "12", "-12",
        "1.5", "0o17", "0x1F", "0644", "1e3", ".5", "-", "- a", "--", "---", "-a", "?", ":", "a:",
        "a: b", "a:b", "a #b", "a#b", "#a", "&a", "*a", "*/15 * * * *", "@daily", "`", "%a", "!a",
        "|", ">", "'", "\"", "{a}", "[a]", ",a", "<<", "=",
        "12:30", "2026-11-21T00:00:00Z", "a\nb", "\na",
        "a\n",
        "a\n\n", " a\nb", "a \nb", "a\tb", "a\x01" "b", "\u00e4\u20ac", "C:\\x",
        "it's", "...", "\r\n"}) {
    // clang-format on
    words.push_back(text);
    words.push_back(Json::object({{text, text}}));
    words.push_back(Json::array({Json::array({text})}));
  }
  for (const char* number : {"0", "-5", "1.50", "1e3", "18446744073709551616"}) {
    words.push_back(*parse_json(number));
  }
  words.push_back(Json::object({{"n", nullptr}, {"t", true}, {"e", Json::array()}}));
  for (const Json& word : words.items()) {
    const auto back = parse_yaml(to_yaml(word));
    ASSERT_TRUE(back) << to_yaml(word) << back.error().to_string();
    ASSERT_EQ(back->size(), 1u) << to_yaml(word);
    EXPECT_EQ((*back)[0], word) << to_yaml(word);
  }
  const auto all = parse_yaml(to_yaml(words));
  ASSERT_TRUE(all) << all.error().to_string();
  EXPECT_EQ((*all)[0], words);
}

}  // namespace
}  // namespace breakwater
