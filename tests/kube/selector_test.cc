#include "kube/selector.h"

#include <gtest/gtest.h>

namespace breakwater::kube {
namespace {

Json selector_labels(std::initializer_list<std::pair<const char*, const char*>> labels) {
  Json out = Json::object();
  for (const auto& [name, value] : labels) out.set(name, value);
  return out;
}

TEST(LabelSelector, MatchesAndPrints) {
  const Json web = selector_labels({{"app", "web"}, {"tier", "front"}, {"empty", ""}});
  const struct {
    const char* text;
    const char* printed;
    bool matches;
  } kCases[] = {
      {"", "", true},
      {"app=web", "app=web", true},
      {" app == web ", "app=web", true},
      {"app!=web", "app!=web", false},
      {"absent!=x", "absent!=x", true},
      {"app=web,tier=back", "app=web,tier=back", false},
      {"app in (db, web)", "app in (db,web)", true},
      {"app in (web)", "app=web", true},
      {"app notin (db,web)", "app notin (db,web)", false},
      {"absent notin (db,web)", "absent notin (db,web)", true},
      {"app", "app", true},
      {"!app", "!app", false},
      {"! absent", "!absent", true},
      {"empty=", "empty=", true},
      {"empty in ()", "empty=", true},
      {"app in (a,b,b,a),tier", "app in (a,b),tier", false},
      {"breakwater.io/x.y_z=1-2", "breakwater.io/x.y_z=1-2", false},
  };
  for (const auto& test : kCases) {
    const auto selector = LabelSelector::parse(test.text);
    ASSERT_TRUE(selector) << test.text << ": " << selector.error().to_string();
    EXPECT_EQ(selector->matches(web), test.matches) << test.text;
    EXPECT_EQ(selector->to_string(), test.printed);
    EXPECT_EQ(LabelSelector::parse(selector->to_string())->requirements(),
              selector->requirements());
  }
}

TEST(LabelSelector, RefusesMalformedTextNamingTheRequirement) {
  for (const char* text :
       {"a=b,", ",", "=b", "a=b c", "a in b", "a in (b", "a in (b))", "a near (b)", "a>1", "-a",
        "a=-b", "a=b=c", "A.B/c/d", "UPPER.example/x=1", "!"}) {
    const auto selector = LabelSelector::parse(text);
    ASSERT_FALSE(selector) << text;
    EXPECT_EQ(selector.error().code(), Code::kInvalid);
    EXPECT_NE(selector.error().message().find("requirement \""), std::string::npos) << text;
  }
  EXPECT_FALSE(LabelSelector::parse("a=" + std::string(64, 'x')));
  EXPECT_TRUE(LabelSelector::parse("a=" + std::string(63, 'x')));
}

TEST(LabelSelector, ReadsSpecs) {
  const Json spec = *parse_json(R"({"matchLabels": {"app": "web"}, "matchExpressions": [
      {"key": "tier", "operator": "NotIn", "values": ["b", "a"]},
      {"key": "x", "operator": "DoesNotExist"}]})");
  const auto selector = LabelSelector::from_json(spec);
  ASSERT_TRUE(selector);
  EXPECT_EQ(selector->to_string(), "app=web,tier notin (a,b),!x");
  EXPECT_TRUE(selector->matches(selector_labels({{"app", "web"}})));
  EXPECT_FALSE(selector->matches(selector_labels({{"app", "web"}, {"tier", "a"}})));
  EXPECT_TRUE(LabelSelector::from_json(Json())->everything());

  for (const char* bad : {R"({"matchExpressions": [{"key": "a", "operator": "In"}]})",
                          R"({"matchExpressions": [{"key": "a", "operator": "in",)"
                          R"( "values": ["b"]}]})",
                          R"({"matchExpressions": [{"key": "a", "operator": "Exists",)"
                          R"( "values": ["b"]}]})",
                          R"({"matchLabels": {"a": 1}})", R"(["a"])"}) {
    EXPECT_FALSE(LabelSelector::from_json(*parse_json(bad))) << bad;
  }
}

TEST(FieldSelector, MatchesPathsIntoTheObject) {
  const Object pod(*parse_json(R"({"metadata": {"name": "p", "namespace": "n"},
      "spec": {"hostNetwork": true, "priority": 7}, "status": {"phase": "Running"}})"));
  const struct {
    const char* text;
    bool matches;
  } kCases[] = {
      {"", true},
      {"metadata.name=p", true},
      {"metadata.name==p,status.phase=Running", true},
      {"metadata.name=p,status.phase!=Running", false},
      {"spec.nodeName=", true},
      {"spec.nodeName!=", false},
      {"spec.hostNetwork=true", true},
      {"spec.priority=7", true},
      {"metadata.name=a\\,b\\=c", false},
  };
  for (const auto& test : kCases) {
    const auto selector = FieldSelector::parse(test.text);
    ASSERT_TRUE(selector) << test.text;
    EXPECT_EQ(selector->matches(pod), test.matches) << test.text;
  }
  EXPECT_EQ(FieldSelector::parse("a.b==x\\,y,c!=d")->to_string(), "a.b=x\\,y,c!=d");
  EXPECT_EQ(FieldSelector::name("vm").to_string(), "metadata.name=vm");
  for (const char* bad : {"name", "=x", "a=b=c", "a!b", "a=\\x", "a=b\\"}) {
    EXPECT_FALSE(FieldSelector::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace breakwater::kube
