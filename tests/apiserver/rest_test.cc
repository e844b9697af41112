// Kubernetes' REST conventions, without sockets.
#include "apiserver/rest.h"

#include <gtest/gtest.h>

#include "base/yaml.h"
#include "tests/apiserver/live_server.h"

namespace breakwater::apiserver::rest_test {

constexpr std::string_view kMaps = "/api/v1/namespaces/demo/configmaps";
constexpr std::string_view kBackups = "/apis/velero.io/v1/namespaces/demo/backups";
constexpr std::string_view kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

struct Answer {
  int status = 0;
  Json json;
  Response response;
};

class RestTest : public testing::Test {
 protected:
  RestTest() : clock_(*parse_rfc3339("2026-11-21T04:00:00Z")), random_(1) {
    Settings settings;
    settings.history = 20;
    auto opened = ApiServer::open(settings, clock_, random_, Logger());
    CHECK(opened);
    server_ = std::move(*opened);
    const auto installed = server_->install_crds(deployed_crds());
    EXPECT_TRUE(installed) << installed.error().to_string();
    rest_ = std::make_unique<Rest>(*server_, &logs_, clock_);
    EXPECT_EQ(send("POST", "/api/v1/namespaces", R"({"metadata": {"name": "demo"}})").status, 201);
  }

  Answer send(std::string method, std::string_view path, std::string body = "",
              std::map<std::string, std::string> query = {},
              std::string content_type = "application/json", std::string accept = "") {
    Request request;
    request.method = std::move(method);
    request.path = path;
    request.body = std::move(body);
    request.query = std::move(query);
    request.content_type = std::move(content_type);
    request.accept = std::move(accept);
    request.user = user_;
    Answer answer;
    answer.response = rest_->handle(request);
    answer.status = answer.response.status;
    if (answer.response.content_type == "application/json" && !answer.response.stream) {
      answer.json = parse_json(answer.response.body).value_or(Json());
    }
    return answer;
  }
  Answer get(std::string_view path, std::map<std::string, std::string> query = {},
             std::string_view accept = "") {
    return send("GET", path, "", std::move(query), "", std::string(accept));
  }
  void create_map(const std::string& name, const std::string& labels = "{}") {
    EXPECT_EQ(send("POST", kMaps,
                   R"({"metadata": {"name": ")" + name + R"(", "labels": )" + labels + "}}")
                  .status,
              201);
  }
  std::string at(std::string_view collection, std::string_view name) {
    return std::string(collection) + "/" + std::string(name);
  }

  ManualClock clock_;
  SeededRandom random_;
  FakePodLogs logs_;
  std::unique_ptr<ApiServer> server_;
  std::unique_ptr<Rest> rest_;
  User user_ = admin_user();
};

TEST_F(RestTest, CreatesReadsReplacesAndDeletes) {
  Answer answer = send("POST", kMaps, R"({"metadata": {"name": "m"}, "data": {"a": "1"}})");
  ASSERT_EQ(answer.status, 201) << answer.response.body;
  EXPECT_EQ(answer.json["kind"].as_string(), "ConfigMap");
  EXPECT_EQ(answer.json["metadata"]["namespace"].as_string(), "demo");
  answer = send("POST", kMaps, R"({"metadata": {"name": "m"}})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.json["reason"].as_string(), "AlreadyExists");
  Json object = get(at(kMaps, "m")).json;
  EXPECT_EQ(object["data"]["a"].as_string(), "1");
  object.set({"data", "a"}, "2");
  EXPECT_EQ(send("PUT", at(kMaps, "m"), to_json(object)).status, 200);
  EXPECT_EQ(send("PUT", at(kMaps, "m"), to_json(object)).status, 409) << "the version is stale";
  answer = send("DELETE", at(kMaps, "m"), R"({"propagationPolicy": "Background"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json["kind"].as_string(), "Status");
  EXPECT_EQ(answer.json["status"].as_string(), "Success");
  answer = get(at(kMaps, "m"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.json["reason"].as_string(), "NotFound");
}

TEST_F(RestTest, DeletingAnObjectWithFinalizersReturnsIt) {
  const Answer made =
      send("POST", kBackups, R"({"metadata": {"name": "b", "finalizers": ["x.io/f"]}})");
  ASSERT_EQ(made.status, 201) << made.response.body;
  const Answer answer = send("DELETE", at(kBackups, "b"));
  EXPECT_EQ(answer.json["kind"].as_string(), "Backup");
  EXPECT_TRUE(answer.json["metadata"].has("deletionTimestamp"));
}

TEST_F(RestTest, RefusesBodiesThatDoNotFitThePath) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}})", "Secret"},
      {R"({"metadata": {"name": "x", "namespace": "other"}})", "other"},
      {"{", "offset"},
      {"[]", "object"},
  };
  for (const auto& [body, mention] : cases) {
    const Answer answer = send("POST", kMaps, body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_NE(answer.json["message"].as_string().find(mention), std::string::npos)
        << answer.response.body;
  }
  EXPECT_EQ(send("PUT", at(kMaps, "a"), R"({"metadata": {"name": "b"}})").status, 400);
  EXPECT_EQ(send("POST", kMaps, "x", {}, "application/cbor").status, 415);
  EXPECT_EQ(send("POST", kMaps, "{}", {{"dryRun", "All"}}).status, 400);
  EXPECT_EQ(send("POST", "/api/v1/configmaps", "{}").status, 405);
  EXPECT_EQ(get("/api/v1/unknowns").status, 404);
  EXPECT_EQ(get("/api/v1/configmaps/x").status, 404) << "a namespaced object without namespace";
  EXPECT_EQ(get(at(kMaps, "x/scale")).status, 404);
  EXPECT_EQ(get(kMaps, {}, "image/png").status, 406);
}

TEST_F(RestTest, SaysWhichFieldOfWhichObjectIsInvalid) {
  const Answer answer = send("POST", kBackups, R"({"metadata": {"name": "b"},
                                                   "spec": {"storageLocation": 5}})");
  EXPECT_EQ(answer.status, 422);
  const Json& details = answer.json["details"];
  EXPECT_EQ(details["name"].as_string(), "b");
  EXPECT_EQ(details["kind"].as_string(), "Backup");
  EXPECT_EQ(details["group"].as_string(), "velero.io");
  EXPECT_EQ(details["causes"][0]["field"].as_string(), "spec.storageLocation");
}

TEST_F(RestTest, AnswersRawReadsOfClientsInProcess) {
  const auto version = server_->client(anonymous_user())->get_raw("/version");
  ASSERT_TRUE(version) << version.error().to_string();
  EXPECT_NE(version->find("breakwater"), std::string::npos);
  create_map("m");
  const std::string list = std::string(kMaps) + "?labelSelector=x%3Dy";
  EXPECT_TRUE(server_->client(admin_user())->get_raw(list));
  const auto denied = server_->client(anonymous_user())->get_raw(list);
  ASSERT_FALSE(denied);
  EXPECT_TRUE(denied.error().is(Code::kForbidden));
}

TEST_F(RestTest, ListsInPagesWithAnEnvelope) {
  for (const char* name : {"a", "b", "c"}) create_map(name, R"({"l": "1"})");
  create_map("d");
  Answer answer = get(kMaps, {{"limit", "2"}, {"labelSelector", "l=1"}});
  EXPECT_EQ(answer.json["kind"].as_string(), "ConfigMapList");
  EXPECT_EQ(answer.json["apiVersion"].as_string(), "v1");
  EXPECT_EQ(answer.json["items"].size(), 2u);
  EXPECT_NE(answer.json["metadata"]["resourceVersion"].as_string(), "");
  const std::string next = answer.json["metadata"]["continue"].as_string();
  ASSERT_NE(next, "");
  answer = get(kMaps, {{"limit", "2"}, {"labelSelector", "l=1"}, {"continue", next}});
  EXPECT_EQ(answer.json["items"].size(), 1u);
  EXPECT_FALSE(answer.json["metadata"].has("continue"));
  EXPECT_EQ(get(kMaps, {{"labelSelector", "a b c"}}).status, 400);
  EXPECT_EQ(get(kMaps, {{"limit", "many"}}).status, 400);
  answer = send("DELETE", kMaps, "", {{"labelSelector", "l=1"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json["items"].size(), 3u);
  EXPECT_EQ(get(at(kMaps, "a")).status, 404);
  EXPECT_EQ(get(at(kMaps, "d")).status, 200);
}

TEST_F(RestTest, ShowsTablesWithAColumnDefinitionPerPrinterColumn) {
  ASSERT_EQ(send("POST", kBackups, R"({"metadata": {"name": "b"},
      "status": {"phase": "Completed", "startTimestamp": "2026-11-21T03:50:00Z"}})")
                .status,
            201);
  Answer answer = get(kBackups, {}, kTable);
  EXPECT_EQ(answer.json["kind"].as_string(), "Table");
  EXPECT_NE(answer.json["metadata"]["resourceVersion"].as_string(), "");
  EXPECT_EQ(answer.json["columnDefinitions"][1]["name"].as_string(), "Status");
  const Json& row = answer.json["rows"][0];
  EXPECT_EQ(row["cells"][0].as_string(), "b");
  EXPECT_EQ(row["cells"][1].as_string(), "Completed");
  EXPECT_TRUE(row["cells"][2].is_null()) << "no errors are recorded";
  EXPECT_EQ(row["cells"][4].as_string(), "10m");
  EXPECT_EQ(row["object"]["kind"].as_string(), "PartialObjectMetadata");
  answer = get(at(kBackups, "b"), {{"includeObject", "Object"}}, kTable);
  EXPECT_EQ(answer.json["rows"][0]["object"]["kind"].as_string(), "Backup");
  EXPECT_EQ(get(kBackups, {{"includeObject", "Half"}}, kTable).status, 400);
}

TEST_F(RestTest, PatchesByMediaType) {
  create_map("m");
  const auto patch = [&](std::string body, std::string type, std::string_view collection) {
    return send("PATCH", at(collection, "m"), std::move(body), {}, std::move(type));
  };
  EXPECT_EQ(patch(R"({"data": {"a": "1"}})", "application/merge-patch+json", kMaps).status, 200);
  EXPECT_EQ(patch(R"({"data": {"b": "2"}})", "application/strategic-merge-patch+json", kMaps)
                .json["data"]
                .size(),
            2u);
  EXPECT_EQ(patch(R"([{"op": "remove", "path": "/data/a"}])", "application/json-patch+json", kMaps)
                .json["data"]
                .size(),
            1u);
  const Answer apply = patch("{}", "application/apply-patch+yaml", kMaps);
  EXPECT_EQ(apply.status, 415);
  EXPECT_NE(apply.json["message"].as_string().find("server-side apply"), std::string::npos);
  ASSERT_EQ(send("POST", kBackups, R"({"metadata": {"name": "m"}})").status, 201);
  EXPECT_EQ(patch("{}", "application/strategic-merge-patch+json", kBackups).status, 415);
  EXPECT_EQ(patch("{", "application/merge-patch+json", kBackups).status, 400);
}

TEST_F(RestTest, SpeaksYaml) {
  const Answer made = send("POST", kMaps, "metadata: {name: y}\ndata: {a: 'yes'}\n", {},
                           "application/yaml", "application/yaml");
  EXPECT_EQ(made.status, 201) << made.response.body;
  EXPECT_EQ(made.response.content_type, "application/yaml");
  const auto documents = parse_yaml(made.response.body);
  ASSERT_TRUE(documents);
  EXPECT_EQ((*documents)[0]["data"]["a"].as_string(), "yes");
}

TEST_F(RestTest, StreamsEventsAsLines) {
  create_map("m");
  Answer answer = get(kMaps, {{"watch", "1"}, {"timeoutSeconds", "7"}});
  ASSERT_TRUE(answer.response.stream);
  EXPECT_EQ(answer.response.stream_timeout, std::chrono::seconds(7));
  auto event = answer.response.stream->next();
  ASSERT_TRUE(event && *event);
  std::string line = answer.response.encode(**event);
  EXPECT_EQ(line.back(), '\n');
  Json json = *parse_json(line);
  EXPECT_EQ(json["type"].as_string(), "ADDED");
  EXPECT_EQ(json["object"]["kind"].as_string(), "ConfigMap");

  answer = get(kMaps, {{"watch", "true"}}, kTable);
  event = answer.response.stream->next();
  ASSERT_TRUE(event && *event);
  json = *parse_json(answer.response.encode(**event));
  EXPECT_EQ(json["object"]["kind"].as_string(), "Table");
  EXPECT_EQ(json["object"]["rows"][0]["cells"][0].as_string(), "m");
}

TEST_F(RestTest, SendsBookmarksOnlyToThoseWhoAsk) {
  kube::WatchEvent bookmark;
  bookmark.type = kube::WatchEvent::Type::kBookmark;
  bookmark.object.set({"metadata", "resourceVersion"}, "7");
  EXPECT_EQ(get(kMaps, {{"watch", "1"}}).response.encode(bookmark), "");
  const Answer asked = get(kMaps, {{"watch", "1"}, {"allowWatchBookmarks", "true"}});
  const Json line = *parse_json(asked.response.encode(bookmark));
  EXPECT_EQ(line["type"].as_string(), "BOOKMARK");
  EXPECT_EQ(line["object"]["kind"].as_string(), "ConfigMap");
  EXPECT_EQ(line["object"]["metadata"]["resourceVersion"].as_string(), "7");
}

TEST_F(RestTest, TellsThatAVersionIsTooOldByAnEvent) {
  const std::string old = get(kMaps).json["metadata"]["resourceVersion"].as_string();
  for (int i = 0; i < 40; ++i) create_map("m" + std::to_string(i));
  const Answer answer = get(kMaps, {{"watch", "1"}, {"resourceVersion", old}});
  EXPECT_EQ(answer.status, 200);
  Json event = answer.json;
  if (answer.response.stream) {
    const auto next = answer.response.stream->next();
    ASSERT_FALSE(next);
    event = *parse_json(watch_error_line(next.error()));
  }
  EXPECT_EQ(event["type"].as_string(), "ERROR");
  EXPECT_EQ(event["object"]["code"].as_int(), 410);
}

TEST_F(RestTest, DescribesWhatItServes) {
  const Json core = get("/api/v1").json;
  const auto find = [](const Json& list, std::string_view name) {
    for (const Json& resource : list["resources"].items()) {
      if (resource["name"].as_string() == name) return resource;
    }
    return Json();
  };
  EXPECT_EQ(find(core, "configmaps")["shortNames"][0].as_string(), "cm");
  EXPECT_EQ(find(core, "pods")["categories"][0].as_string(), "all");
  EXPECT_FALSE(find(core, "pods/log").is_null());
  const Json velero = get("/apis/velero.io/v1").json;
  EXPECT_EQ(velero["groupVersion"].as_string(), "velero.io/v1");
  EXPECT_FALSE(find(velero, "backups").is_null());
  EXPECT_TRUE(find(velero, "backups/status").is_null()) << "Velero's kinds have none";
  EXPECT_FALSE(find(get("/apis/kubevirt.io/v1").json, "virtualmachines/status").is_null());
  EXPECT_EQ(get("/apis/velero.io").json["preferredVersion"]["version"].as_string(), "v1");
  EXPECT_EQ(get("/apis/nobody.io").status, 404);
  EXPECT_EQ(get("/version").json["gitVersion"].as_string(), "v1.31.0+breakwater");
  EXPECT_EQ(get("/readyz").response.body, "ok");
}

TEST_F(RestTest, PublishesSchemas) {
  const Json v2 = get("/openapi/v2").json;
  const Json& backup = v2["definitions"]["io.velero.v1.Backup"];
  EXPECT_EQ(backup["x-kubernetes-group-version-kind"][0]["kind"].as_string(), "Backup");
  EXPECT_TRUE(backup["properties"]["spec"]["properties"].has("ttl"));
  const Answer protobuf =
      get("/openapi/v2", {}, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  EXPECT_EQ(protobuf.response.body.substr(0, 5),
            "\x0a\x03"
            "2.0");
  EXPECT_TRUE(get("/openapi/v3").json["paths"].has("apis/velero.io/v1"));
  const Json v3 = get("/openapi/v3/apis/velero.io/v1").json;
  EXPECT_TRUE(v3["components"]["schemas"].has("io.velero.v1.Backup"));
  EXPECT_TRUE(v3["paths"].has("/apis/velero.io/v1/namespaces/{namespace}/backups"));
  EXPECT_EQ(get("/openapi/v3/apis/nobody.io/v1").status, 404);
}

TEST_F(RestTest, ReadsLogs) {
  ASSERT_EQ(send("POST", "/api/v1/namespaces/demo/pods",
                 R"({"metadata": {"name": "p"},
                     "spec": {"containers": [{"name": "c", "image": "i"}]}})")
                .status,
            201);
  logs_.set("demo/p", "one\ntwo\n");
  EXPECT_EQ(get("/api/v1/namespaces/demo/pods/p/log", {{"tailLines", "1"}}).response.body, "two\n");
  EXPECT_EQ(get("/api/v1/namespaces/demo/pods/q/log").status, 404);
  user_ = User{"alice", {"system:authenticated"}, ""};
  EXPECT_EQ(get("/api/v1/namespaces/demo/pods/p/log").status, 403);
}

TEST_F(RestTest, EnforcesAccess) {
  user_ = anonymous_user();
  EXPECT_EQ(get("/version").status, 200);
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/api").status, 403);
  EXPECT_EQ(get(kMaps).status, 403);
  user_ = User{"alice", {"system:authenticated"}, ""};
  EXPECT_EQ(get("/apis").status, 200);
  EXPECT_EQ(get("/openapi/v2").status, 200);
  const Answer denied = get(kMaps);
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(denied.json["reason"].as_string(), "Forbidden");
  EXPECT_EQ(send("DELETE", kMaps).status, 403);
  EXPECT_EQ(get("/metrics").status, 403);
}

TEST_F(RestTest, AnswersAccessReviews) {
  constexpr std::string_view kSelf = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const std::string review =
      R"({"spec": {"resourceAttributes": {"verb": "get", "resource": "pods",
                                          "namespace": "demo"}}})";
  Answer answer = send("POST", kSelf, review);
  EXPECT_EQ(answer.status, 201);
  EXPECT_TRUE(answer.json["status"]["allowed"].as_bool());
  EXPECT_EQ(answer.json["kind"].as_string(), "SelfSubjectAccessReview");
  user_ = User{"alice", {"system:authenticated"}, ""};
  answer = send("POST", kSelf, review);
  EXPECT_FALSE(answer.json["status"]["allowed"].as_bool(true));
  constexpr std::string_view kOther = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  const std::string about = R"({"spec": {"user": "bob", "nonResourceAttributes":
                                {"verb": "get", "path": "/x"}}})";
  EXPECT_EQ(send("POST", kOther, about).status, 403) << "asking about others is a permission";
  answer = send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
  EXPECT_EQ(answer.json["status"]["userInfo"]["username"].as_string(), "alice");
  user_ = admin_user();
  EXPECT_FALSE(send("POST", kOther, about).json["status"]["allowed"].as_bool(true));
  answer = send("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
                R"({"spec": {"namespace": "demo"}})");
  EXPECT_EQ(answer.json["status"]["resourceRules"][0]["verbs"][0].as_string(), "*");
}

}  // namespace breakwater::apiserver::rest_test
