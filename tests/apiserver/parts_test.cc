// The parts of the REST front end that need no server: paths, JSONPath, ages, media types, schemas.
#include <gtest/gtest.h>

#include "apiserver/http_request.h"
#include "apiserver/json_path.h"
#include "apiserver/openapi.h"
#include "apiserver/openapi_builtin.h"
#include "apiserver/protobuf_body.h"
#include "apiserver/rest_path.h"
#include "apiserver/rest_reply.h"
#include "apiserver/table.h"
#include "apiserver/tokens.h"

namespace breakwater::apiserver::parts_test {

Json json(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Json();
}

TEST(ResourcePath, NamesGroupNamespaceNameAndSubresource) {
  struct Case {
    std::string_view path;
    std::optional<ResourcePath> want;
  };
  const Case cases[] = {
      {"/api/v1/pods", ResourcePath{"", "v1", "", "pods", "", ""}},
      {"/api/v1/namespaces/a/pods/b/log", ResourcePath{"", "v1", "a", "pods", "b", "log"}},
      {"/api/v1/namespaces/a", ResourcePath{"", "v1", "", "namespaces", "a", ""}},
      {"/api/v1/namespaces/a/status", ResourcePath{"", "v1", "", "namespaces", "a", "status"}},
      {"/api/v1/namespaces/a/pods", ResourcePath{"", "v1", "a", "pods", "", ""}},
      {"/apis/velero.io/v1/namespaces/n/backups/b/status",
       ResourcePath{"velero.io", "v1", "n", "backups", "b", "status"}},
      {"/apis/storage.k8s.io/v1/storageclasses/",
       ResourcePath{"storage.k8s.io", "v1", "", "storageclasses", "", ""}},
      {"/apis/velero.io/v1", std::nullopt},
      {"/api/v1", std::nullopt},
      {"/version", std::nullopt},
      {"/api/v1//pods", std::nullopt},
      {"/api/v1/namespaces/a/pods/b/c/d", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_resource_path(c.path), c.want) << c.path;
}

TEST(JsonPathTest, FindsWhatPrinterColumnsAskFor) {
  const Json object = json(R"({
    "metadata": {"labels": {"app.io/x": "labelled"}},
    "spec": {"list": [{"name": "a", "n": 1}, {"name": "b", "n": 2}]},
    "status": {"conditions": [{"type": "Ready", "status": "True"},
                              {"type": "Done", "status": "False"}]}})");
  struct Case {
    std::string_view path;
    std::string want;
  };
  const Case cases[] = {
      {".spec.list[0].name", R"(["a"])"},
      {".spec.list[-1].name", R"(["b"])"},
      {".spec.list[*].n", "[1,2]"},
      {"{.status.conditions[?(@.type==\"Ready\")].status}", R"(["True"])"},
      {".status.conditions[?(@.type=='Done')].status", R"(["False"])"},
      {".status.conditions[?(@.type!=\"Ready\")].type", R"(["Done"])"},
      {".spec.list[?(@.n==2)].name", R"(["b"])"},
      {".metadata.labels['app.io/x']", R"(["labelled"])"},
      {".metadata.labels.app\\.io/x", R"(["labelled"])"},
      {".spec.list[7].name", "[]"},
      {".nothing.here", "[]"},
  };
  for (const Case& c : cases) {
    const auto path = JsonPath::parse(c.path);
    ASSERT_TRUE(path) << c.path << ": " << path.error().to_string();
    EXPECT_EQ(to_json(Json(path->find(object))), c.want) << c.path;
  }
  for (const std::string_view wrong : {".a[", ".a..b", ".a[x]", ".a[?(b==1)]"}) {
    EXPECT_FALSE(JsonPath::parse(wrong)) << wrong;
  }
}

TEST(HumanDuration, ReadsAsKubectlWritesIt) {
  using namespace std::chrono_literals;
  const std::pair<Duration, std::string_view> cases[] = {
      {-5s, "<invalid>"},   {-500ms, "0s"},       {0s, "0s"},      {119s, "119s"},
      {120s, "2m"},         {190s, "3m10s"},      {600s, "10m"},   {179min, "179m"},
      {180min, "3h"},       {200min, "3h20m"},    {8h, "8h"},      {47h, "47h"},
      {48h, "2d"},          {50h, "2d2h"},        {24h * 9, "9d"}, {24h * 729, "729d"},
      {24h * 770, "2y40d"}, {24h * 365 * 9, "9y"}};
  for (const auto& [duration, want] : cases) EXPECT_EQ(human_duration(duration), want);
}

TEST(Negotiate, TakesTheFirstFormItCanWrite) {
  const auto table = negotiate(
      "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;"
      "g=meta.k8s.io,application/json");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->shape, MediaType::Shape::kTable);
  EXPECT_EQ(table->version, "v1");
  const auto beta = negotiate("application/json;as=Table;v=v1beta1;g=meta.k8s.io, */*");
  EXPECT_EQ(beta->version, "v1beta1");
  const auto discovery = negotiate(
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json");
  ASSERT_TRUE(discovery);
  EXPECT_EQ(discovery->shape, MediaType::Shape::kPlain);
  EXPECT_TRUE(negotiate("application/yaml")->yaml);
  EXPECT_TRUE(negotiate("application/vnd.kubernetes.protobuf, */*"));
  EXPECT_FALSE(negotiate("application/vnd.kubernetes.protobuf"));
  EXPECT_TRUE(negotiate(""));
}

TEST(ReadTarget, DecodesPathAndQuery) {
  Request request;
  ASSERT_TRUE(read_target("/api/v1/pods?labelSelector=a%3Db%2Cc&watch&x=1+2", request));
  EXPECT_EQ(request.path, "/api/v1/pods");
  EXPECT_EQ(request.query["labelSelector"], "a=b,c");
  EXPECT_EQ(request.query.count("watch"), 1u);
  EXPECT_EQ(request.query["x"], "1 2");
  EXPECT_FALSE(read_target("http://host/", request));
  EXPECT_FALSE(read_target("/a%zz", request));
}

TEST(BearerToken, IsTakenFromTheHeader) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bearer  abc"), "abc");
  EXPECT_FALSE(bearer_token("Basic abc"));
  EXPECT_FALSE(bearer_token("Bearer "));
  EXPECT_FALSE(bearer_token(""));
}

TEST(StaticTokensTest, KnowsWhoHasAToken) {
  StaticTokens tokens;
  tokens.add("secret", User{"alice", {"staff"}, ""});
  EXPECT_EQ(tokens.user_of("secret")->name, "alice");
  EXPECT_FALSE(tokens.user_of("other"));
  EXPECT_FALSE(tokens.user_of(""));
  tokens.remove("secret");
  EXPECT_FALSE(tokens.user_of("secret"));
}

TEST(OpenApiV2, SaysOnlyWhatVersionTwoCanSay) {
  const Json schema = to_openapi_v2(json(R"({
    "type": "object", "required": ["a"],
    "properties": {
      "a": {"type": "string", "pattern": "x+"},
      "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}]},
      "maybe": {"type": "string", "nullable": true},
      "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
               "properties": {"known": {"type": "string"}}},
      "map": {"type": "object", "additionalProperties": {"type": "integer"}},
      "list": {"type": "array", "items": {"type": "boolean", "nullable": true}}}})"));
  const Json& properties = schema["properties"];
  EXPECT_EQ(properties["a"]["pattern"].as_string(), "x+");
  EXPECT_FALSE(properties["port"].has("type"));
  EXPECT_FALSE(properties["port"].has("anyOf"));
  EXPECT_FALSE(properties["maybe"].has("type"));
  EXPECT_FALSE(properties["free"].has("properties"));
  EXPECT_EQ(properties["map"]["additionalProperties"]["type"].as_string(), "integer");
  EXPECT_FALSE(properties["list"]["items"].has("type"));
  EXPECT_EQ(schema["required"][0].as_string(), "a");
}

// Every reference of the built-in definitions leads somewhere.
void expect_references(const Json& definitions, const Json& node) {
  for (const Json& item : node.items()) expect_references(definitions, item);
  for (const auto& [name, member] : node.members()) {
    if (name == "$ref") {
      EXPECT_TRUE(definitions.has(member.as_string().substr(14))) << member.as_string();
    } else {
      expect_references(definitions, member);
    }
  }
}

TEST(OpenApiBuiltin, DefinitionsAreWholeAndMergeByKey) {
  const Json definitions = builtin_definitions();
  expect_references(definitions, definitions);
  const Json& spec = definitions["io.k8s.api.core.v1.PodSpec"];
  EXPECT_EQ(spec["properties"]["containers"]["x-kubernetes-patch-merge-key"].as_string(), "name");
  EXPECT_EQ(spec["required"][0].as_string(), "containers");
  const Json& pod = definitions["io.k8s.api.core.v1.Pod"];
  EXPECT_EQ(to_json(pod["x-kubernetes-group-version-kind"]),
            R"([{"group":"","version":"v1","kind":"Pod"}])");
  EXPECT_EQ(definition_name("velero.io", "v1", "Backup"), "io.velero.v1.Backup");
}

TEST(OpenApiProto, WritesTheWireFormat) {
  const std::string bytes = encode_openapi_v2(json(R"({
    "swagger": "2.0", "info": {"title": "T", "version": "1"},
    "definitions": {"a.B": {"type": "string", "maxLength": 300}}})"));
  // swagger=2.0; info{title, version}; paths{}; definitions{named{name, schema{maxLength, type}}}
  const std::string want = std::string("\x0a\x03") + "2.0" + "\x12\x06\x0a\x01T\x12\x01" + "1" +
                           std::string("\x42\x00", 2) + "\x4a\x17\x0a\x15\x0a\x03" + "a.B" +
                           "\x12\x0e\x58\xac\x02\xb2\x01\x08\x0a\x06" + "string";
  EXPECT_EQ(bytes, want);
}

// A length-delimited protobuf field.
std::string delimited(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

std::string protobuf_body(const std::string& api_version, const std::string& kind,
                          const std::string& raw) {
  return std::string("k8s\0", 4) + delimited(1, delimited(1, api_version) + delimited(2, kind)) +
         delimited(2, raw);
}

TEST(ProtobufBody, ReadsWhatKubectlMakesUp) {
  const std::string metadata = delimited(1, delimited(1, "x"));
  auto body = read_protobuf_body(protobuf_body(
      "rbac.authorization.k8s.io/v1", "RoleBinding",
      delimited(1, delimited(1, "x") + delimited(11, delimited(1, "l") + delimited(2, "v"))) +
          delimited(2, delimited(1, "User") + delimited(3, "alice")) +
          delimited(3, delimited(2, "Role") + delimited(3, "ro"))));
  ASSERT_TRUE(body) << body.error().to_string();
  EXPECT_EQ(to_json(*body),
            R"({"metadata":{"name":"x","labels":{"l":"v"}},)"
            R"("subjects":[{"kind":"User","name":"alice"}],"roleRef":{"kind":"Role","name":"ro"},)"
            R"("apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding"})");
  body = read_protobuf_body(protobuf_body(
      "v1", "Secret",
      metadata + delimited(2, delimited(1, "k") + delimited(2, "v")) + delimited(3, "Opaque")));
  ASSERT_TRUE(body) << body.error().to_string();
  EXPECT_EQ((*body)["data"]["k"].as_string(), "dg==");
}

TEST(ProtobufBody, RefusesWhatItWouldLose) {
  const std::string metadata = delimited(1, delimited(1, "x"));
  const auto pod = read_protobuf_body(protobuf_body("v1", "Pod", metadata));
  ASSERT_FALSE(pod);
  EXPECT_TRUE(pod.error().is(Code::kUnsupported));
  const auto account = read_protobuf_body(
      protobuf_body("v1", "ServiceAccount", metadata + delimited(2, delimited(3, "secret"))));
  ASSERT_FALSE(account);
  EXPECT_TRUE(account.error().is(Code::kUnsupported));
  const std::string whole = protobuf_body("v1", "ConfigMap", metadata);
  EXPECT_TRUE(read_protobuf_body(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_protobuf_body(whole.substr(0, size))) << size;
  }
}

TEST(BuiltinColumns, ShowAPodAsKubectlDoes) {
  const kube::Object pod(json(R"({
    "metadata": {"name": "p", "creationTimestamp": "2026-11-21T03:00:00Z"},
    "spec": {"containers": [{"name": "a"}, {"name": "b"}], "nodeName": "n1"},
    "status": {"phase": "Running", "containerStatuses": [
      {"ready": true, "restartCount": 2, "state": {"running": {}}},
      {"ready": false, "restartCount": 1,
       "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}})"));
  const Time now = *parse_rfc3339("2026-11-21T03:05:00Z");
  const Json table =
      make_table(builtin_columns("", "Pod"), std::span(&pod, 1), "v1", RowObject::kMetadata, now);
  EXPECT_EQ(to_json(table["rows"][0]["cells"]),
            R"(["p","1/2","CrashLoopBackOff","3","5m","<none>","n1","<none>","<none>"])");
  EXPECT_EQ(table["rows"][0]["object"]["kind"].as_string(), "PartialObjectMetadata");
  EXPECT_EQ(table["columnDefinitions"][0]["format"].as_string(), "name");
}

}  // namespace breakwater::apiserver::parts_test
