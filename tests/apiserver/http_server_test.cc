// The API over real TLS connections: who is who, streams, limits, the end.
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <future>

#include "kube/http_client.h"
#include "tests/apiserver/live_server.h"

namespace breakwater::apiserver::http_server_test {

const kube::Kind kMaps{"", "v1", "ConfigMap", "configmaps", true, false};

class HttpServerTest : public testing::Test {
 protected:
  kube::ClientConfig config(const std::string& token) {
    kube::ClientConfig result;
    result.server = server_.url();
    result.ca_pem = server_.ca().cert_pem;
    result.token = token;
    return result;
  }
  std::unique_ptr<kube::Client> client(kube::ClientConfig with) {
    auto made = kube::make_http_client(std::move(with), Logger());
    CHECK(made);
    return std::move(*made);
  }
  kube::Object config_map(const std::string& name, const std::string& text = "") {
    kube::Object object = kube::Object::make(kMaps, {"default", name});
    object.set({"data", "text"}, text);
    return object;
  }
  // Asks the watch until it has something or five seconds have passed.
  Result<std::optional<kube::WatchEvent>> wait_for_event(kube::Watch& watch) {
    for (int i = 0; i < 500; ++i) {
      auto event = watch.next();
      if (!event || *event) return event;
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, std::chrono::milliseconds(10));
    }
    return std::optional<kube::WatchEvent>();
  }

  LiveServer server_;
  std::mutex mutex_;
  std::condition_variable woken_;
};

TEST_F(HttpServerTest, KnowsUsersByTokenAndByCertificate) {
  EXPECT_TRUE(client(config("admin-token"))->create(kMaps, config_map("m")));
  const auto alice = client(config("alice-token"))->get(kMaps, {"default", "m"});
  ASSERT_FALSE(alice);
  EXPECT_TRUE(alice.error().is(Code::kForbidden)) << alice.error().to_string();
  const auto wrong = client(config("wrong"))->get(kMaps, {"default", "m"});
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().is(Code::kUnauthorized)) << wrong.error().to_string();
  const auto anonymous = client(config(""));
  EXPECT_TRUE(anonymous->get_raw("/version"));
  EXPECT_FALSE(anonymous->get(kMaps, {"default", "m"}));

  const auto pair = make_client_certificate(server_.ca(), "carol", {"system:masters"},
                                            server_.clock().now(), std::chrono::hours(2));
  ASSERT_TRUE(pair);
  kube::ClientConfig carol = config("");
  carol.client_cert_pem = pair->cert_pem;
  carol.client_key_pem = pair->key_pem;
  EXPECT_TRUE(client(carol)->get(kMaps, {"default", "m"}));

  const auto other_ca = make_ca("other", server_.clock().now(), std::chrono::hours(2));
  ASSERT_TRUE(other_ca);
  const auto foreign = make_client_certificate(*other_ca, "carol", {"system:masters"},
                                               server_.clock().now(), std::chrono::hours(2));
  ASSERT_TRUE(foreign);
  carol.client_cert_pem = foreign->cert_pem;
  carol.client_key_pem = foreign->key_pem;
  EXPECT_FALSE(client(carol)->get(kMaps, {"default", "m"}));
}

TEST_F(HttpServerTest, AConnectionDoesNotOutliveItsCertificate) {
  // Certificates begin an hour ago.
  const auto pair =
      make_client_certificate(server_.ca(), "carol", {"system:masters"}, server_.clock().now(),
                              std::chrono::hours(1) + std::chrono::seconds(2));
  ASSERT_TRUE(pair);
  kube::ClientConfig config_of_carol = config("");
  config_of_carol.client_cert_pem = pair->cert_pem;
  config_of_carol.client_key_pem = pair->key_pem;
  const auto carol = client(config_of_carol);
  ASSERT_TRUE(carol->create(kMaps, config_map("m")));
  std::this_thread::sleep_for(std::chrono::milliseconds(3100));
  const auto late = carol->get(kMaps, {"default", "m"});  // on the connection that is open
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(Code::kUnauthorized)) << late.error().to_string();
}

TEST_F(HttpServerTest, ServesManyRequestsAtOnce) {
  const auto shared = client(config("admin-token"));
  std::vector<std::future<int>> workers;
  for (int worker = 0; worker < 8; ++worker) {
    workers.push_back(std::async(std::launch::async, [&, worker] {
      int made = 0;
      for (int i = 0; i < 20; ++i) {
        const std::string name = "m" + std::to_string(worker) + "-" + std::to_string(i);
        if (shared->create(kMaps, config_map(name))) ++made;
      }
      return made;
    }));
  }
  for (auto& worker : workers) EXPECT_EQ(worker.get(), 20);
  const auto all = shared->list(kMaps, "default");
  ASSERT_TRUE(all);
  EXPECT_GE(all->size(), 160u);
}

TEST_F(HttpServerTest, StreamsChangesAsTheyHappen) {
  const auto admin = client(config("admin-token"));
  const auto page = admin->list_page(kMaps, "default", {});
  ASSERT_TRUE(page);
  kube::WatchOptions options;
  options.resource_version = page->resource_version;
  auto watch = admin->watch(kMaps, "default", options);
  ASSERT_TRUE(watch) << watch.error().to_string();
  (*watch)->set_wake([this] { woken_.notify_all(); });
  ASSERT_TRUE(admin->create(kMaps, config_map("m", std::string(100000, 'x'))));
  auto event = wait_for_event(**watch);
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->type, kube::WatchEvent::Type::kAdded);
  EXPECT_EQ((*event)->object["data"]["text"].as_string().size(), 100000u);
  ASSERT_TRUE(admin->remove(kMaps, {"default", "m"}));
  event = wait_for_event(**watch);
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->type, kube::WatchEvent::Type::kDeleted);
}

TEST_F(HttpServerTest, RefusesBodiesBeyondTheLimit) {
  const auto admin = client(config("admin-token"));
  const auto made = admin->create(kMaps, config_map("big", std::string(9u << 20, 'x')));
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().to_string().find("larger than"), std::string::npos)
      << made.error().to_string();
  EXPECT_TRUE(admin->create(kMaps, config_map("small")));
}

// Sends bytes over TLS and returns everything until the server closes or five seconds have passed.
std::string send_raw(uint16_t port, const std::string& bytes) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_ssl_connect(context.get()),
                                                          BIO_free_all);
  BIO_set_conn_hostname(bio.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
  if (BIO_do_connect(bio.get()) != 1) return "no connection";
  const timeval five{5, 0};
  ::setsockopt(BIO_get_fd(bio.get(), nullptr), SOL_SOCKET, SO_RCVTIMEO, &five, sizeof five);
  BIO_write(bio.get(), bytes.data(), static_cast<int>(bytes.size()));
  std::string answer;
  std::array<char, 4096> buffer;
  for (int size = 1; size > 0;) {
    size = BIO_read(bio.get(), buffer.data(), buffer.size());
    if (size > 0) answer.append(buffer.data(), static_cast<size_t>(size));
  }
  return answer;
}

TEST_F(HttpServerTest, SpeaksHttp) {
  const uint16_t port = server_.http().port();
  const std::string close = "Host: x\r\nConnection: close\r\n";
  const auto starts = [](const std::string& answer, std::string_view want) {
    EXPECT_EQ(answer.substr(0, want.size()), want);
  };
  const std::string two = send_raw(
      port, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\n" + close + "\r\n");
  starts(two, "HTTP/1.1 200");
  EXPECT_NE(two.find("HTTP/1.1 200", 12), std::string::npos) << "the connection is kept: " << two;
  const std::string head = send_raw(port, "HEAD /healthz HTTP/1.1\r\n" + close + "\r\n");
  starts(head, "HTTP/1.1 200");
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  starts(send_raw(port, "POST /apis HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" +
                            close + "\r\n{}"),
         "HTTP/1.1 100");
  starts(send_raw(port, "nonsense\r\n\r\n"), "HTTP/1.1 400");
  starts(send_raw(port, "GET /%zz HTTP/1.1\r\n" + close + "\r\n"), "HTTP/1.1 400");
  starts(send_raw(port, "GET / HTTP/1.1\r\nX: " + std::string(70000, 'x') + "\r\n\r\n"),
         "HTTP/1.1 431");
  starts(
      send_raw(port, "GET /version HTTP/1.1\r\nAuthorization: Bearer wrong\r\n" + close + "\r\n"),
      "HTTP/1.1 401");
}

TEST_F(HttpServerTest, StopEndsStreams) {
  const auto admin = client(config("admin-token"));
  auto watch = admin->watch(kMaps, "default", {});
  ASSERT_TRUE(watch);
  (*watch)->set_wake([this] { woken_.notify_all(); });
  server_.http().stop();
  auto event = wait_for_event(**watch);
  while (event && *event) event = wait_for_event(**watch);  // what was there before
  ASSERT_FALSE(event);
  EXPECT_TRUE(event.error().is(Code::kUnavailable)) << event.error().to_string();
  EXPECT_FALSE(admin->get(kMaps, {"default", "m"}));
}

TEST_F(HttpServerTest, RefusesAPortThatIsTaken) {
  HttpSettings settings;
  settings.port = server_.http().port();
  const auto cert = make_server_certificate(server_.ca(), {"127.0.0.1"}, server_.clock().now(),
                                            std::chrono::hours(2));
  ASSERT_TRUE(cert);
  settings.cert_pem = cert->cert_pem;
  settings.key_pem = cert->key_pem;
  const auto second = HttpServer::start(settings, server_.rest(), server_.tokens(), Logger());
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(Code::kUnavailable));
  settings.key_pem = "no key";
  const auto third = HttpServer::start(settings, server_.rest(), server_.tokens(), Logger());
  ASSERT_FALSE(third);
  EXPECT_TRUE(third.error().is(Code::kInvalid));
}

}  // namespace breakwater::apiserver::http_server_test
