#include "apiserver/schema.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "apiserver/pattern.h"
#include "base/yaml.h"

namespace breakwater::apiserver::schema_test {

Json parsed(std::string_view text) {
  auto documents = parse_yaml(text);
  EXPECT_TRUE(documents && documents->size() == 1) << text;
  return documents->front();
}

struct ErrorCase {
  const char* schema;  // of spec.x
  const char* value;   // of spec.x
  const char* error;   // "" = valid
};

constexpr ErrorCase kErrorCases[] = {
    {"{type: string}", "a", ""},
    {"{type: string}", "1",
     "spec.x: Invalid value: \"integer\": spec.x in body must be of type string: \"integer\""},
    {"{type: string}", "null",
     "spec.x: Invalid value: \"null\": spec.x in body must be of type string: \"null\""},
    {"{type: string, nullable: true}", "null", ""},
    {"{type: integer}", "1.5",
     "spec.x: Invalid value: \"number\": spec.x in body must be of type integer: \"number\""},
    {"{type: integer}", "2.0", ""},
    {"{type: number}", "2", ""},
    {"{type: boolean}", "\"true\"",
     "spec.x: Invalid value: \"string\": spec.x in body must be of type boolean: \"string\""},
    {"{type: object, required: [a, b]}", "{a: 1}", "spec.x.b: Required value"},
    {"{type: string, enum: [a, b]}", "c",
     "spec.x: Unsupported value: \"c\": supported values: \"a\", \"b\""},
    {"{type: string, pattern: '^a+$'}", "ab",
     "spec.x: Invalid value: \"ab\": spec.x in body should match '^a+$'"},
    {"{type: integer, minimum: 1}", "0",
     "spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1"},
    {"{type: integer, minimum: 1, exclusiveMinimum: true}", "1",
     "spec.x: Invalid value: 1: spec.x in body should be greater than 1"},
    {"{type: number, maximum: 1}", "1.5",
     "spec.x: Invalid value: 1.5: spec.x in body should be less than or equal to 1"},
    {"{type: integer, maximum: 3, exclusiveMaximum: true}", "3",
     "spec.x: Invalid value: 3: spec.x in body should be less than 3"},
    {"{type: integer, multipleOf: 5}", "7",
     "spec.x: Invalid value: 7: spec.x in body should be a multiple of 5"},
    {"{type: string, maxLength: 2}", "abc", "spec.x: Too long: may not be longer than 2"},
    {"{type: string, maxLength: 3}", "äöü", ""},
    {"{type: string, minLength: 1}", "\"\"",
     "spec.x: Invalid value: \"\": spec.x in body should be at least 1 chars long"},
    {"{type: string, format: date-time}", "\"2026-11-21T03:39:21Z\"", ""},
    {"{type: string, format: date-time}", "\"yesterday\"",
     "spec.x: Invalid value: \"yesterday\": spec.x in body must be of type date-time: "
     "\"yesterday\""},
    {"{type: array, items: {type: string}}", "[a, 1]",
     "spec.x[1]: Invalid value: \"integer\": spec.x[1] in body must be of type string: "
     "\"integer\""},
    {"{type: array, maxItems: 1, items: {type: string}}", "[a, b]",
     "spec.x: Too many: 2: must have at most 1 items"},
    {"{type: array, minItems: 1, items: {type: string}}", "[]",
     "spec.x: Invalid value: 0: spec.x in body should have at least 1 items"},
    {"{type: array, x-kubernetes-list-type: set, items: {type: string}}", "[a, b, a]",
     "spec.x[2]: Duplicate value: \"a\""},
    {"{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [n], items: {type: "
     "object}}",
     "[{n: 1}, {n: 1}]", "spec.x[1]: Duplicate value: {\"n\":1}"},
    {"{type: object, additionalProperties: {type: string}}", "{a: b, c: 1}",
     "spec.x.c: Invalid value: \"integer\": spec.x.c in body must be of type string: \"integer\""},
    {"{type: object, maxProperties: 1}", "{a: 1, b: 2}",
     "spec.x: Too many: 2: must have at most 1 items"},
    {"{x-kubernetes-int-or-string: true}", "1", ""},
    {"{x-kubernetes-int-or-string: true}", "\"10%\"", ""},
    {"{x-kubernetes-int-or-string: true}", "[]",
     "spec.x: Invalid value: \"array\": spec.x in body must be of type integer,string: \"array\""},
    {"{type: object, anyOf: [{required: [a]}, {required: [b]}]}", "{b: 1}", ""},
    {"{type: object, anyOf: [{required: [a]}, {required: [b]}]}", "{}",
     "spec.x: Invalid value: \"\": \"spec.x\" must validate at least one schema (anyOf)"},
    {"{type: object, oneOf: [{required: [a]}, {required: [b]}]}", "{a: 1, b: 1}",
     "spec.x: Invalid value: \"\": \"spec.x\" must validate one and only one schema (oneOf)"},
    {"{type: object, allOf: [{required: [a]}]}", "{}", "spec.x.a: Required value"},
    {"{type: object, not: {required: [a]}}", "{a: 1}",
     "spec.x: Invalid value: \"\": \"spec.x\" must not validate the schema (not)"},
};

TEST(Schema, SaysWhatIsWrongInTheWordsOfKubernetes) {
  for (const ErrorCase& c : kErrorCases) {
    Json schema = parsed("{type: object, properties: {spec: {type: object}}}");
    schema.set({"properties", "spec", "properties", "x"}, parsed(c.schema));
    Json object = Json::object();
    object.set({"spec", "x"}, parsed(std::string("v: ") + c.value)["v"]);
    const auto errors = schema_errors(schema, object);
    EXPECT_EQ(fmt::format("{}", fmt::join(errors, "; ")), c.error) << c.schema << " " << c.value;
  }
}

TEST(Schema, CollectsAllErrors) {
  const Json schema = parsed(R"(
type: object
properties:
  spec: {type: object, required: [a], properties: {b: {type: string}, c: {type: integer}}}
)");
  EXPECT_EQ(schema_errors(schema, parsed("spec: {b: 1, c: x}")).size(), 3u);
}

struct ChangeCase {
  const char* what;
  const char* schema;
  const char* before;
  const char* after;
};

constexpr ChangeCase kDefaultCases[] = {
    {"absent", "{type: object, properties: {a: {type: integer, default: 3}}}", "{}", "{a: 3}"},
    {"present", "{type: object, properties: {a: {type: integer, default: 3}}}", "{a: 4}", "{a: 4}"},
    {"null counts as absent", "{type: object, properties: {a: {type: integer, default: 3}}}",
     "{a: null}", "{a: 3}"},
    {"null stays where it may",
     "{type: object, properties: {a: {type: integer, nullable: true, default: 3}}}", "{a: null}",
     "{a: null}"},
    {"not below what is absent",
     "{type: object, properties: {a: {type: object, properties: {b: {type: string, default: x}}}}}",
     "{}", "{}"},
    {"below what is there",
     "{type: object, properties: {a: {type: object, properties: {b: {type: string, default: x}}}}}",
     "{a: {}}", "{a: {b: x}}"},
    {"below a default",
     "{type: object, properties: {a: {type: object, default: {}, properties: {b: {type: string, "
     "default: x}}}}}",
     "{}", "{a: {b: x}}"},
    {"in lists",
     "{type: object, properties: {a: {type: array, items: {type: object, properties: {b: {type: "
     "string, default: x}}}}}}",
     "{a: [{}, {b: y}]}", "{a: [{b: x}, {b: y}]}"},
    {"in maps",
     "{type: object, properties: {a: {type: object, additionalProperties: {type: object, "
     "properties: "
     "{b: {type: string, default: x}}}}}}",
     "{a: {k: {}}}", "{a: {k: {b: x}}}"},
};

TEST(Schema, FillsInDefaults) {
  for (const ChangeCase& c : kDefaultCases) {
    EXPECT_EQ(with_defaults(parsed(c.schema), parsed(c.before)), parsed(c.after)) << c.what;
  }
}

constexpr ChangeCase kPruneCases[] = {
    {"unknown fields go", "{type: object, properties: {a: {type: string}}}", "{a: x, b: y}",
     "{a: x}"},
    {"type and metadata stay", "{type: object}", "{apiVersion: v, kind: k, metadata: {x: y}, z: 1}",
     "{apiVersion: v, kind: k, metadata: {x: y}}"},
    {"preserved, but not below what is known",
     "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: object}}}",
     "{a: {b: 1}, c: {d: 1}}", "{a: {}, c: {d: 1}}"},
    {"lists",
     "{type: object, properties: {a: {type: array, items: {type: object, properties: {b: {type: "
     "string}}}}}}",
     "{a: [{b: x, c: y}]}", "{a: [{b: x}]}"},
    {"maps keep their keys",
     "{type: object, properties: {a: {type: object, additionalProperties: {type: object, "
     "properties: "
     "{b: {type: string}}}}}}",
     "{a: {k: {b: x, c: y}}}", "{a: {k: {b: x}}}"},
    {"embedded resources keep their head",
     "{type: object, properties: {a: {type: object, x-kubernetes-embedded-resource: true, "
     "properties: {spec: {type: object}}}}}",
     "{a: {apiVersion: v, kind: k, metadata: {name: n}, spec: {x: 1}, y: 2}}",
     "{a: {apiVersion: v, kind: k, metadata: {name: n}, spec: {}}}"},
};

TEST(Schema, PrunesUnknownFields) {
  for (const ChangeCase& c : kPruneCases) {
    EXPECT_EQ(pruned(parsed(c.schema), parsed(c.before)), parsed(c.after)) << c.what;
  }
}

TEST(Schema, SharesWhatDoesNotChange) {
  const Json schema =
      parsed("{type: object, properties: {a: {type: array, items: {type: string}}}}");
  const Json object = parsed("{a: [x, y]}");
  const Json after = with_defaults(schema, pruned(schema, object));
  EXPECT_EQ(&after.members(), &object.members());
}

TEST(Schema, RefusesSchemasThatAreNotStructural) {
  const struct {
    const char* schema;
    const char* error;
  } cases[] = {
      {"{type: string}", "f.type: Invalid value: \"string\": must be object at the root"},
      {"{type: object, properties: {a: {}}}",
       "f.properties[a].type: Required value: must not be empty for specified object fields"},
      {"{type: object, properties: {a: {type: text}}}",
       "f.properties[a].type: Unsupported value: \"text\": supported values: \"array\", "
       "\"boolean\", "
       "\"integer\", \"number\", \"object\", \"string\""},
      {"{type: object, properties: {a: {type: array}}}",
       "f.properties[a].items: Required value: must be specified"},
      {"{type: object, properties: {a: {type: string, pattern: '('}}}",
       "f.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but "
       "isn't: "
       "a '(' without its ')'"},
  };
  for (const auto& c : cases) {
    std::vector<std::string> causes;
    check_schema(parsed(c.schema), "f", causes);
    ASSERT_EQ(causes.size(), 1u) << c.schema;
    EXPECT_EQ(causes[0], c.error);
  }
}

TEST(PatternTest, MatchesAsGoDoes) {
  const struct {
    const char* pattern;
    const char* text;
    bool matches;
  } cases[] = {
      {"b", "abc", true},
      {"^b", "abc", false},
      {"c$", "abc", true},
      {"^$", "", true},
      {"^a*$", "aaab", false},
      {"^(ab|cd)+$", "abcdab", true},
      {"^(?:ab|cd)+$", "abc", false},
      {"^a{2,3}$", "aa", true},
      {"^a{2,3}$", "aaaa", false},
      {"^a{2}$", "aaa", false},
      {"^a{2,}$", "aaaaa", true},
      {"^x{,2}$", "x{,2}", true},
      {"^[a-c-]+$", "a-c", true},
      {"^[]a]+$", "]a]", true},
      {"^[^a-c]$", "d", true},
      {"^[^a-c]$", "b", false},
      {"^[\\d.]+$", "1.2", true},
      {"^\\w+\\.\\S*$", "ab_1.x", true},
      {"^[[:alpha:]]+$", "abZ", true},
      {"^(?i)abc$", "aBC", true},
      {"^.$", "ä", true},
      {"^.$", "\n", false},
      {"\\bcat\\b", "a cat!", true},
      {"\\bcat\\b", "concat", false},
      {"^\\x41\\x{42}$", "AB", true},
      {"a||b", "zzz", true},
      // What CRDs around us use.
      {"^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$", "1h30m", true},
      {"^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$", "1 h", false},
      {"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", "a-b.c", true},
      {"^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+("
       "\\.[0-9]*)?)|(\\.[0-9]+))))?$",
       "1.5Gi", true},
  };
  for (const auto& c : cases) {
    const auto pattern = Pattern::parse(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << ": " << pattern.error().to_string();
    EXPECT_EQ(pattern->search(c.text), c.matches) << c.pattern << " on " << c.text;
  }
}

TEST(PatternTest, RefusesWhatItCannotRead) {
  for (const char* text : {"(", ")", "[a", "a**b{3,2}", "*a", "\\", "(?=a)", "\\p{Greek}", "[z-a]",
                           "a{2000}", "((((a{1000}){1000}){1000}){1000})"}) {
    EXPECT_FALSE(Pattern::parse(text)) << text;
  }
}

TEST(PatternTest, TakesNoLongerForNastyPatterns) {
  const auto pattern = Pattern::parse("^(a+)+$");
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern->search(std::string(5000, 'a') + "b"));
}

}  // namespace breakwater::apiserver::schema_test
