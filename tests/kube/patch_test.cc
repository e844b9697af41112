#include "kube/patch.h"

#include <gtest/gtest.h>

namespace breakwater::kube {
namespace {

Json patch_json(std::string_view text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  return json.value_or(Json());
}

struct PatchCase {
  const char* name;
  const char* target;
  const char* patch;
  const char* expected;  // null: refused
};

TEST(JsonPatch, FollowsRfc6902) {
  const PatchCase kCases[] = {
      {"A.1 adding a member", R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
       R"({"baz":"qux","foo":"bar"})"},
      {"A.2 adding an element", R"({"foo":["bar","baz"]})",
       R"([{"op":"add","path":"/foo/1","value":"qux"}])", R"({"foo":["bar","qux","baz"]})"},
      {"A.3 removing a member", R"({"baz":"qux","foo":"bar"})",
       R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
      {"A.4 removing an element", R"({"foo":["bar","qux","baz"]})",
       R"([{"op":"remove","path":"/foo/1"}])", R"({"foo":["bar","baz"]})"},
      {"A.5 replacing", R"({"baz":"qux"})", R"([{"op":"replace","path":"/baz","value":"boo"}])",
       R"({"baz":"boo"})"},
      {"A.6 moving a value", R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
       R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
       R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
      {"A.7 moving an element", R"({"foo":["all","grass","cows","eat"]})",
       R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
       R"({"foo":["all","cows","eat","grass"]})"},
      {"A.8 testing", R"({"baz":"qux","foo":["a",2,"c"]})",
       R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
       R"({"baz":"qux","foo":["a",2,"c"]})"},
      {"A.9 a failing test", R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])",
       nullptr},
      {"A.10 adding a nested object", R"({"foo":"bar"})",
       R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
       R"({"foo":"bar","child":{"grandchild":{}}})"},
      {"A.12 adding below nothing", R"({"foo":"bar"})",
       R"([{"op":"add","path":"/baz/bat","value":"qux"}])", nullptr},
      {"A.14 escapes", R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])",
       R"({"/":9,"~1":10})"},
      {"A.15 strings are no numbers", R"({"~1":10})",
       R"([{"op":"test","path":"/~01","value":"10"}])", nullptr},
      {"A.16 appending", R"({"foo":["bar"]})",
       R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
       R"({"foo":["bar",["abc","def"]]})"},
      {"the whole document", R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])",
       R"({"b":2})"},
      {"copying", R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/c"}])",
       R"({"a":{"b":1},"c":{"b":1}})"},
      {"removing nothing", R"({})", R"([{"op":"remove","path":"/a"}])", nullptr},
      {"replacing nothing", R"({})", R"([{"op":"replace","path":"/a","value":1}])", nullptr},
      {"leading zero", R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/01"}])", nullptr},
      {"past the end", R"({"a":[1]})", R"([{"op":"add","path":"/a/2","value":1}])", nullptr},
      {"into itself", R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/b"}])", nullptr},
      {"no value", R"({})", R"([{"op":"add","path":"/a"}])", nullptr},
      {"unknown operation", R"({})", R"([{"op":"merge","path":"/a","value":1}])", nullptr},
      {"bad pointer", R"({})", R"([{"op":"add","path":"a","value":1}])", nullptr},
      {"all or none", R"({"a":1})", R"([{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}])",
       nullptr},
  };
  for (const auto& test : kCases) {
    const auto out = apply_json_patch(patch_json(test.target), patch_json(test.patch));
    ASSERT_EQ(out.has_value(), test.expected != nullptr) << test.name;
    if (test.expected) {
      EXPECT_EQ(*out, patch_json(test.expected)) << test.name << ": " << to_json(*out);
    } else {
      EXPECT_EQ(out.error().code(), Code::kInvalid) << test.name;
    }
  }
}

TEST(JsonPatch, NamesTheOperationThatFails) {
  const auto out = apply_json_patch(patch_json(R"({"a":1})"), patch_json(R"([
      {"op":"test","path":"/a","value":1},{"op":"remove","path":"/b"}])"));
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().message().find("operation 1 (remove)"), std::string::npos);
}

TEST(JsonPatch, RefusesToMultiply) {
  Json::Array steps;
  for (int i = 0; i < 64; ++i) {
    steps.push_back(Json::object({{"op", "copy"}, {"from", "/a"}, {"path", "/a/-"}}));
  }
  EXPECT_FALSE(apply_json_patch(patch_json(R"({"a":["x","y"]})"), Json(steps)));
}

TEST(MergePatch, FollowsRfc7396) {
  const PatchCase kCases[] = {
      {"", R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {"", R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {"", R"({"a":"b"})", R"({"a":null})", R"({})"},
      {"", R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {"", R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {"", R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {"", R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {"", R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {"", R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {"", R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {"", R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {"", R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {"", R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {"", R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(to_json(apply_merge_patch(patch_json(test.target), patch_json(test.patch))),
              test.expected)
        << test.target << " " << test.patch;
  }
}

TEST(MergePatch, IsMadeFromTheDifference) {
  const PatchCase kCases[] = {
      {"equal", R"({"a":{"b":[1]}})", R"({"a":{"b":[1]}})", R"({})"},
      {"nested", R"({"a":{"b":1,"c":2},"d":3})", R"({"a":{"b":1,"c":4},"d":3})",
       R"({"a":{"c":4}})"},
      {"removed", R"({"a":{"b":1,"c":2}})", R"({"a":{"b":1}})", R"({"a":{"c":null}})"},
      {"emptied", R"({"a":{"b":1}})", R"({"a":{}})", R"({"a":{"b":null}})"},
      {"lists whole", R"({"a":[1,2]})", R"({"a":[1]})", R"({"a":[1]})"},
  };
  for (const auto& test : kCases) {
    const Json from = patch_json(test.target), to = patch_json(test.patch);
    const Json patch = make_merge_patch(from, to);
    EXPECT_EQ(to_json(patch), test.expected) << test.name;
    EXPECT_EQ(apply_merge_patch(from, patch), to) << test.name;
  }
}

TEST(StrategicPatch, MergesListsByTheirKeys) {
  const char* const kPod = R"({"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]})";
  const PatchCase kCases[] = {
      {"changes one container", kPod, R"({"containers":[{"name":"b","image":"3"}]})",
       R"({"containers":[{"name":"a","image":"1"},{"name":"b","image":"3"}]})"},
      {"a new one comes first", kPod, R"({"containers":[{"name":"c","image":"3"}]})",
       R"({"containers":[{"name":"c","image":"3"},{"name":"a","image":"1"},)"
       R"({"name":"b","image":"2"}]})"},
      {"deletes one", kPod, R"({"containers":[{"name":"a","$patch":"delete"}]})",
       R"({"containers":[{"name":"b","image":"2"}]})"},
      {"replaces the list", kPod, R"({"containers":[{"name":"c"},{"$patch":"replace"}]})",
       R"({"containers":[{"name":"c"}]})"},
      {"orders", kPod,
       R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],)"
       R"("containers":[{"name":"a","image":"9"}]})",
       R"({"containers":[{"name":"b","image":"2"},{"name":"a","image":"9"}]})"},
      {"orders alone", kPod, R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]})",
       R"({"containers":[{"name":"b","image":"2"},{"name":"a","image":"1"}]})"},
      {"order must name all", kPod,
       R"({"$setElementOrder/containers":[{"name":"b"}],"containers":[{"name":"a"}]})", nullptr},
      {"needs the key", kPod, R"({"containers":[{"image":"3"}]})", nullptr},
      {"null removes", kPod, R"({"containers":null})", R"({})"},
      {"maps merge", R"({"labels":{"a":"1","b":"2"}})", R"({"labels":{"a":null,"c":"3"}})",
       R"({"labels":{"b":"2","c":"3"}})"},
      {"maps are replaced", R"({"labels":{"a":"1"}})", R"({"labels":{"$patch":"replace","c":"3"}})",
       R"({"labels":{"c":"3"}})"},
      {"maps are emptied", R"({"labels":{"a":"1"}})", R"({"labels":{"$patch":"delete"}})",
       R"({"labels":{}})"},
      {"plain lists are replaced", R"({"args":["a","b"]})", R"({"args":["c"]})",
       R"({"args":["c"]})"},
      {"tolerations are replaced", R"({"tolerations":[{"key":"a"}]})",
       R"({"tolerations":[{"key":"b"}]})", R"({"tolerations":[{"key":"b"}]})"},
      {"finalizers unite", R"({"finalizers":["a","b"]})", R"({"finalizers":["b","c"]})",
       R"({"finalizers":["a","b","c"]})"},
      {"finalizers leave", R"({"finalizers":["a","b"]})",
       R"({"$deleteFromPrimitiveList/finalizers":["a"]})", R"({"finalizers":["b"]})"},
      {"conditions by type", R"({"conditions":[{"type":"Ready","status":"False"}]})",
       R"({"conditions":[{"type":"Ready","status":"True"}]})",
       R"({"conditions":[{"type":"Ready","status":"True"}]})"},
      {"owners by uid", R"({"ownerReferences":[{"uid":"1","name":"a"}]})",
       R"({"ownerReferences":[{"uid":"1","$patch":"delete"}]})", R"({"ownerReferences":[]})"},
      {"devices by path", R"({"volumeDevices":[{"devicePath":"/dev/x","name":"a"}]})",
       R"({"volumeDevices":[{"devicePath":"/dev/x","name":"b"}]})",
       R"({"volumeDevices":[{"devicePath":"/dev/x","name":"b"}]})"},
      {"volumes change their source", R"({"volumes":[{"name":"v","emptyDir":{}}]})",
       R"({"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]})",
       R"({"volumes":[{"name":"v","hostPath":{"path":"/x"}}]})"},
      {"unknown directive", R"({})", R"({"$frobnicate":[]})", nullptr},
      {"unknown $patch", R"({})", R"({"a":{"$patch":"merge-not"}})", nullptr},
      {"new values carry no directives", R"({})",
       R"({"containers":[{"name":"a","$patch":"delete"},)"
       R"({"name":"b","env":[{"name":"x","$patch":"merge"}]}]})",
       R"({"containers":[{"name":"b","env":[{"name":"x"}]}]})"},
  };
  for (const auto& test : kCases) {
    const auto out = apply_strategic_patch("Pod", patch_json(test.target), patch_json(test.patch));
    ASSERT_EQ(out.has_value(), test.expected != nullptr)
        << test.name << (out ? to_json(*out) : out.error().to_string());
    if (test.expected) {
      EXPECT_EQ(to_json(*out), test.expected) << test.name;
    }
  }
}

TEST(StrategicPatch, KnowsKeysByKind) {
  EXPECT_EQ(strategic_merge_key("Service", "ports"), "port");
  EXPECT_EQ(strategic_merge_key("Pod", "ports"), "containerPort");
  EXPECT_EQ(strategic_merge_key("Pod", "command"), "");
  EXPECT_EQ(strategic_merge_key("CustomResourceDefinition", "conditions"), "");
}

TEST(PatchType, GoesWithMediaTypes) {
  EXPECT_EQ(patch_type("application/merge-patch+json").value(), PatchType::kMerge);
  EXPECT_EQ(patch_type("application/json-patch+json; charset=utf-8").value(), PatchType::kJson);
  EXPECT_EQ(patch_type("application/apply-patch+yaml").error().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace breakwater::kube
