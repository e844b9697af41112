#include "kube/http_client.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/kube/fake_client.h"
#include "tests/kube/loopback_server.h"

namespace breakwater::kube {
namespace {

using fake::config_map;
using fake::kConfigMap;
using fake::kWidget;
using loopback::Peer;
using loopback::Request;
using loopback::Server;
using std::chrono::milliseconds;
using std::chrono::seconds;

const char* const kSecretToken = "secret-token-1234";

std::unique_ptr<Client> client_for(const Server& server) {
  ClientConfig config;
  config.server = server.url();
  config.token = kSecretToken;
  return make_http_client(config, Logger()).value();
}

std::string failure(int code, const std::string& reason, const std::string& message) {
  return to_json(Json::object({{"kind", "Status"},
                               {"status", "Failure"},
                               {"reason", reason},
                               {"message", message},
                               {"code", code}}));
}

// The next event, waiting for it; fails after ten seconds.
class WatchReader {
 public:
  explicit WatchReader(Watch& watch) : watch_(watch) {
    watch_.set_wake([state = state_] {
      std::lock_guard lock(state->mutex);
      state->woken = true;
      state->changed.notify_all();
    });
  }
  Result<WatchEvent> next() {
    while (true) {
      auto event = watch_.next();
      if (!event) return tl::unexpected(event.error());
      if (*event) return **event;
      std::unique_lock lock(state_->mutex);
      if (!state_->changed.wait_for(lock, seconds(10), [this] { return state_->woken; })) {
        return fail(Code::kTimeout, "no event came");
      }
      state_->woken = false;
    }
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = false;
  };
  Watch& watch_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST(HttpClient, SendsWhatTheApiExpects) {
  std::mutex mutex;
  std::vector<Request> requests;
  Server server([&](const Request& request, Peer& peer) {
    {
      std::lock_guard lock(mutex);
      requests.push_back(request);
    }
    peer.answer(200, request.body.empty() ? R"({"metadata":{"name":"a"}})" : request.body);
    return true;
  });
  const auto client = client_for(server);
  const Key key{"ns", "a"};
  const Object widget = Object::make(kWidget, key);
  ASSERT_TRUE(client->get(kConfigMap, key));
  ASSERT_TRUE(client->create(kWidget, widget));
  ASSERT_TRUE(client->update(kWidget, widget));
  ASSERT_TRUE(client->update_status(kWidget, widget));
  ASSERT_TRUE(client->update_status(kConfigMap, config_map("b")));
  ASSERT_TRUE(client->patch(kWidget, key, PatchType::kMerge, Json::object({{"x", 1}}), "status"));
  ASSERT_TRUE(client->remove(kWidget, key, {"u1", "7", DeleteOptions::Propagation::kForeground}));
  ASSERT_TRUE(client->get_raw("/version?x=y"));
  ListOptions options;
  options.labels = LabelSelector::parse("a in (b,c)").value();
  options.fields = FieldSelector::name("n");
  options.limit = 10;
  options.continue_token = "t=";
  ASSERT_TRUE(client->list_page(kWidget, "", options));

  const std::string widgets = "/apis/example.com/v1/namespaces/ns/widgets";
  const std::pair<std::string, std::string> kExpected[] = {
      {"GET", "/api/v1/namespaces/ns/configmaps/a"},
      {"POST", widgets},
      {"PUT", widgets + "/a"},
      {"PUT", widgets + "/a/status"},
      {"PUT", "/api/v1/namespaces/default/configmaps/b"},
      {"PATCH", widgets + "/a/status"},
      {"DELETE", widgets + "/a"},
      {"GET", "/version?x=y"},
      {"GET",
       "/apis/example.com/v1/widgets?labelSelector=a%20in%20%28b%2Cc%29&"
       "fieldSelector=metadata.name%3Dn&limit=10&continue=t%3D"},
  };
  ASSERT_EQ(requests.size(), std::size(kExpected));
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(requests[i].method, kExpected[i].first);
    EXPECT_EQ(requests[i].target, kExpected[i].second);
    EXPECT_EQ(requests[i].headers["authorization"], std::string("Bearer ") + kSecretToken);
  }
  EXPECT_EQ(requests[5].headers["content-type"], "application/merge-patch+json");
  EXPECT_EQ(parse_json(requests[6].body).value(),
            parse_json(R"({"kind":"DeleteOptions","apiVersion":"v1",
                "propagationPolicy":"Foreground",
                "preconditions":{"uid":"u1","resourceVersion":"7"}})")
                .value());
  EXPECT_EQ(server.connections(), 1) << "connections are kept";
}

TEST(HttpClient, FillsInWhatListItemsLack) {
  Server server([&](const Request&, Peer& peer) {
    peer.answer(200, R"({"metadata":{"resourceVersion":"9","continue":"c"},
                         "items":[{"metadata":{"name":"a"}}]})");
    return true;
  });
  const auto list = client_for(server)->list_page(kConfigMap, "", {}).value();
  EXPECT_EQ(list.resource_version, "9");
  EXPECT_EQ(list.continue_token, "c");
  EXPECT_TRUE(list.items.at(0).is(kConfigMap));
}

TEST(HttpClient, TranslatesFailures) {
  std::atomic<int> status = 0;
  std::string body;
  Server server([&](const Request&, Peer& peer) {
    peer.answer(status, body);
    return true;
  });
  const auto client = client_for(server);
  const struct {
    int status;
    std::string body;
    Code code;
  } kCases[] = {
      {404, failure(404, "NotFound", "no such thing"), Code::kNotFound},
      {409, failure(409, "AlreadyExists", "taken"), Code::kAlreadyExists},
      {409, failure(409, "Conflict", "modified"), Code::kConflict},
      {410, failure(410, "Expired", "too old"), Code::kExpired},
      {422, failure(422, "Invalid", "bad"), Code::kInvalid},
      {403, failure(403, "Forbidden", "no"), Code::kForbidden},
      {401, "Unauthorized", Code::kUnauthorized},
      {503, "<html>", Code::kUnavailable},
      {200, "<html>", Code::kUnavailable},
      {302, "", Code::kInternal},
  };
  for (const auto& test : kCases) {
    status = test.status;
    body = test.body;
    const auto answer = client->create(kConfigMap, config_map("a"));
    ASSERT_FALSE(answer) << test.body;
    EXPECT_EQ(answer.error().code(), test.code) << test.body;
    EXPECT_EQ(answer.error().to_string().find(kSecretToken), std::string::npos);
  }
}

TEST(HttpClient, RefusesKeysThatWouldAddressSomethingElse) {
  Server server([&](const Request&, Peer&) { return false; });
  const auto client = client_for(server);
  EXPECT_EQ(client->remove(kConfigMap, {"ns", ""}).error().code(), Code::kInvalid);
  EXPECT_EQ(client->get(kConfigMap, {"", "a"}).error().code(), Code::kInvalid);
  EXPECT_EQ(client->create(kConfigMap, config_map("a", "", "")).error().code(), Code::kInvalid);
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpClient, GivesUpInTimeAndWhenCancelled) {
  Server server([&](const Request&, Peer& peer) {
    peer.stall();
    return false;
  });
  const auto client = client_for(server);
  const SystemClock clock;
  const Duration start = clock.monotonic();
  Call call;
  call.timeout = milliseconds(200);
  EXPECT_EQ(client->get(kConfigMap, {"ns", "a"}, call).error().code(), Code::kTimeout);
  EXPECT_LT(clock.monotonic() - start, seconds(3));

  Call cancelled;
  std::thread canceller([&] {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, milliseconds(100));
    cancelled.cancel.cancel();
  });
  EXPECT_EQ(client->get(kConfigMap, {"ns", "a"}, cancelled).error().code(), Code::kCancelled);
  canceller.join();
  EXPECT_LT(clock.monotonic() - start, seconds(6));
  EXPECT_EQ(client->get(kConfigMap, {"ns", "a"}, cancelled).error().code(), Code::kCancelled);
}

TEST(HttpClient, RepeatsReadsOnceAndWritesNever) {
  std::atomic<int> reads = 0, writes = 0;
  Server server([&](const Request& request, Peer& peer) {
    if (request.method == "GET" && ++reads > 1) {
      peer.answer(200, "{}");
      return true;
    }
    if (request.method != "GET") ++writes;
    return false;  // closes without an answer
  });
  const auto client = client_for(server);
  EXPECT_TRUE(client->get(kConfigMap, {"ns", "a"}));
  EXPECT_EQ(reads, 2);
  // On the connection that the read has left open, which is where a repetition would be tempting.
  EXPECT_EQ(client->create(kConfigMap, config_map("a")).error().code(), Code::kUnavailable);
  EXPECT_EQ(writes, 1);
}

TEST(HttpClient, CannotReachAClosedPort) {
  std::string url;
  {
    Server server([](const Request&, Peer&) { return false; });
    url = server.url();
  }
  ClientConfig config;
  config.server = url;
  const auto client = make_http_client(config, Logger()).value();
  EXPECT_EQ(client->get(kConfigMap, {"ns", "a"}).error().code(), Code::kUnavailable);
  config.server = "http://kubernetes.example.com";
  EXPECT_EQ(make_http_client(config, Logger()).error().code(), Code::kInvalid);
  config.server = "kubernetes";
  EXPECT_EQ(make_http_client(config, Logger()).error().code(), Code::kInvalid);
}

TEST(HttpClient, ReadsTheTokenFileForEachRequest) {
  std::mutex mutex;
  std::vector<std::string> seen;
  Server server([&](const Request& request, Peer& peer) {
    std::lock_guard lock(mutex);
    seen.push_back(request.headers.at("authorization"));
    peer.answer(200, "{}");
    return true;
  });
  const auto dir = TempDir::create(std::filesystem::temp_directory_path(), "kube-test").value();
  ClientConfig config;
  config.server = server.url();
  config.token_file = dir.path() / "token";
  ASSERT_TRUE(write_file(config.token_file, "one\n"));
  const auto client = make_http_client(config, Logger()).value();
  ASSERT_TRUE(client->get(kConfigMap, {"ns", "a"}));
  ASSERT_TRUE(write_file(config.token_file, "two\n"));
  ASSERT_TRUE(client->get(kConfigMap, {"ns", "a"}));
  EXPECT_EQ(seen, (std::vector<std::string>{"Bearer one", "Bearer two"}));
}

TEST(HttpWatch, StreamsEventsAcrossArbitraryChunks) {
  std::string target;
  Server server([&](const Request& request, Peer& peer) {
    target = request.target;
    peer.begin_stream();
    peer.chunk(R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"2"}}})"
               "\n"
               R"({"type":"MODI)");
    peer.chunk(R"(FIED","object":{"metadata":{"name":"a","resourceVersion":"3"}}})"
               "\n\n");
    peer.chunk(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}})"
               "\r\n");
    peer.chunk(R"({"type":"DELETED","object":{"metadata":{"name":"a"}}})"
               "\n");
    peer.end_stream();
    return true;
  });
  const auto client = client_for(server);
  WatchOptions options;
  options.resource_version = "1";
  options.labels = LabelSelector::equals("a", "b");
  const auto watch = client->watch(kConfigMap, "ns", options).value();
  WatchReader reader(*watch);
  EXPECT_EQ(reader.next()->type, WatchEvent::Type::kAdded);
  const WatchEvent modified = reader.next().value();
  EXPECT_EQ(modified.type, WatchEvent::Type::kModified);
  EXPECT_EQ(modified.object.resource_version(), "3");
  EXPECT_EQ(reader.next()->type, WatchEvent::Type::kBookmark);
  EXPECT_EQ(reader.next()->type, WatchEvent::Type::kDeleted);
  EXPECT_EQ(reader.next().error().code(), Code::kUnavailable);
  EXPECT_EQ(reader.next().error().code(), Code::kUnavailable) << "it stays ended";
  EXPECT_EQ(target.find("/api/v1/namespaces/ns/configmaps?watch=1&allowWatchBookmarks=true"
                        "&labelSelector=a%3Db&resourceVersion=1"),
            0u)
      << target;
}

TEST(HttpWatch, ExpiresByStatusAndByEvent) {
  Server server([&](const Request& request, Peer& peer) {
    if (request.target.find("widgets") != std::string::npos) {
      peer.answer(410, failure(410, "Expired", "too old"));
      return true;
    }
    peer.begin_stream();
    peer.chunk(R"({"type":"ERROR","object":)" + failure(410, "Expired", "too old") + "}\n");
    peer.stall();
    return false;
  });
  const auto client = client_for(server);
  for (const Kind& kind : {kConfigMap, kWidget}) {
    const auto watch = client->watch(kind, "", {}).value();
    WatchReader reader(*watch);
    EXPECT_EQ(reader.next().error().code(), Code::kExpired) << kind.kind;
  }
}

TEST(HttpWatch, ReportsRefusalsAndRubbish) {
  Server server([&](const Request& request, Peer& peer) {
    if (request.target.find("widgets") != std::string::npos) {
      peer.answer(403, failure(403, "Forbidden", "widgets is forbidden"));
      return true;
    }
    peer.begin_stream();
    peer.chunk("<html>\n");
    peer.stall();
    return false;
  });
  const auto client = client_for(server);
  const auto forbidden = client->watch(kWidget, "", {}).value();
  EXPECT_EQ(WatchReader(*forbidden).next().error().message(), "widgets is forbidden");
  const auto rubbish = client->watch(kConfigMap, "", {}).value();
  EXPECT_EQ(WatchReader(*rubbish).next().error().code(), Code::kUnavailable);
}

TEST(HttpWatch, ManyAtOnceAndEndedEarly) {
  std::atomic<int> closed = 0;
  Server server([&](const Request& request, Peer& peer) {
    peer.begin_stream();
    peer.chunk(R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})"
               "\n");
    peer.stall();
    ++closed;
    return request.method.empty();
  });
  const auto client = client_for(server);
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 20; ++i) {
    watches.push_back(client->watch(kConfigMap, "", {}).value());
    EXPECT_TRUE(WatchReader(*watches.back()).next());
  }
  watches.clear();
  const SystemClock clock;
  const Duration start = clock.monotonic();
  while (closed < 20 && clock.monotonic() - start < seconds(10)) std::this_thread::yield();
  EXPECT_EQ(closed, 20) << "destroying a watch ends its stream";
}

TEST(HttpWatch, ASlowConsumerSlowsTheServerAndLosesNothing) {
  constexpr int kEvents = 60000;
  std::atomic<int> sent = 0;
  Server server([&](const Request&, Peer& peer) {
    peer.begin_stream();
    const std::string padding(500, 'x');
    for (int i = 0; i < kEvents; i += 100) {
      std::string lines;
      for (int j = i; j < i + 100; ++j) {
        lines += fmt::format(
            R"({{"type":"ADDED","object":{{"metadata":{{"name":"n{}","x":"{}"}}}}}})", j, padding);
        lines += "\n";
      }
      if (!peer.chunk(lines)) return false;
      sent = i + 100;
    }
    peer.end_stream();
    return true;
  });
  const auto client = client_for(server);
  const auto watch = client->watch(kConfigMap, "", {}).value();
  WatchReader reader(*watch);
  ASSERT_TRUE(reader.next());
  const SystemClock clock;
  const Duration start = clock.monotonic();
  int before = -1;  // until nothing more leaves the server for a while
  while (before != sent && clock.monotonic() - start < seconds(5)) {
    before = sent;
    const Duration pause = clock.monotonic();
    while (clock.monotonic() - pause < milliseconds(100)) std::this_thread::yield();
  }
  EXPECT_LT(sent, kEvents) << "it is not all in our memory";
  for (int i = 1; i < kEvents; ++i) {
    const auto event = reader.next();
    ASSERT_TRUE(event) << i << ": " << event.error().to_string();
    ASSERT_EQ(event->object.name(), fmt::format("n{}", i));
  }
  EXPECT_EQ(reader.next().error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace breakwater::kube
