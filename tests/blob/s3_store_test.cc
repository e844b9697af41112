// The S3 store on a server that fails in every way it can.
#include "blob/s3_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/blob/s3_test_server.h"

namespace breakwater::blob {
namespace {

// Fails the first `count` requests whose method is `method` ("" for all).
S3TestServer::Decide first(int count, S3Fault fault, const std::string& method = "") {
  auto left = std::make_shared<std::atomic<int>>(count);
  return [left, fault, method](const S3Request& request) {
    if (!method.empty() && request.method != method) return S3Fault::kNone;
    return (*left)-- > 0 ? fault : S3Fault::kNone;
  };
}

class S3StoreTest : public testing::Test {
 protected:
  void serve(S3TestSettings settings = {}) {
    store_.reset();
    server_ = std::make_unique<S3TestServer>(std::move(settings));
    store_ = make_store(usual());
  }

  S3Settings usual() const {
    const S3TestSettings& its = server_->settings();
    S3Settings settings;
    settings.endpoint = server_->endpoint();
    settings.bucket = its.bucket;
    settings.path_style = true;
    settings.credentials = {its.access_key, its.secret_key, its.session_token};
    settings.attempts = 4;
    settings.first_pause = std::chrono::milliseconds(1);
    settings.longest_pause = std::chrono::milliseconds(4);
    settings.patience = std::chrono::milliseconds(300);
    return settings;
  }

  std::unique_ptr<ObjectStore> make_store(S3Settings settings) {
    auto made = make_s3_store(std::move(settings), clock_, random_);
    EXPECT_TRUE(made) << made.error().to_string();
    return std::move(*made);
  }

  size_t count(const std::string& start) const {
    const auto all = server_->requests();
    return static_cast<size_t>(std::count_if(
        all.begin(), all.end(), [&](const std::string& one) { return one.starts_with(start); }));
  }

  std::shared_ptr<const Clock> clock_ = std::make_shared<SystemClock>();
  SystemRandom random_;
  std::unique_ptr<S3TestServer> server_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(S3StoreTest, PassingFaultsAreNotNoticed) {
  using Operation = std::function<Result<>(ObjectStore&)>;
  const std::map<std::string, Operation> operations = {
      {"get",
       [](ObjectStore& store) -> Result<> {
         EXPECT_EQ(as_text(TRY(store.get("there"))), "0123456789");
         return {};
       }},
      {"get_range",
       [](ObjectStore& store) -> Result<> {
         EXPECT_EQ(as_text(TRY(store.get_range("there", 2, 6))), "234567");
         return {};
       }},
      {"head",
       [](ObjectStore& store) -> Result<> {
         EXPECT_EQ(TRY(store.head("there")).size, 10u);
         return {};
       }},
      {"list",
       [](ObjectStore& store) -> Result<> {
         EXPECT_EQ(TRY(store.list("the")).objects.size(), 1u);
         return {};
       }},
      {"put", [](ObjectStore& store) { return store.put("new", as_bytes("text")); }},
      {"put_new", [](ObjectStore& store) { return store.put_new("new", as_bytes("text")); }},
      {"remove", [](ObjectStore& store) { return store.remove("gone"); }},
  };
  for (const S3Fault fault :
       {S3Fault::kInternalError, S3Fault::kSlowDown, S3Fault::kReset, S3Fault::kTruncate,
        S3Fault::kCorruptInput, S3Fault::kLoseAnswer, S3Fault::kLoseWithError}) {
    for (const auto& [name, operation] : operations) {
      serve();
      ASSERT_TRUE(store_->put("there", as_bytes("0123456789")));
      ASSERT_TRUE(store_->put("gone", as_bytes("x")));
      server_->on_request(first(2, fault));
      const auto done = operation(*store_);
      EXPECT_TRUE(done) << name << " after fault " << static_cast<int>(fault) << ": "
                        << done.error().to_string();
      EXPECT_EQ(server_->content("new"), name.starts_with("put") ? "text" : "") << name;
      EXPECT_EQ(server_->has("gone"), name != "remove");
    }
  }
}

TEST_F(S3StoreTest, AStallIsATimeoutByProgress) {
  for (const S3Fault fault : {S3Fault::kStall, S3Fault::kStallInBody}) {
    serve();
    ASSERT_TRUE(store_->put("key", as_bytes("0123456789")));
    server_->on_request(first(1, fault));
    const auto got = store_->get("key");
    ASSERT_TRUE(got) << got.error().to_string();
    EXPECT_EQ(as_text(*got), "0123456789");
  }
  S3Settings settings = usual();
  settings.attempts = 1;
  const auto impatient = make_store(settings);
  server_->on_request(first(1, S3Fault::kStall));
  const auto put = impatient->put("key", as_bytes("x"));
  ASSERT_FALSE(put);
  EXPECT_TRUE(put.error().is(Code::kTimeout)) << put.error().to_string();
}

TEST_F(S3StoreTest, TriesHaveACeiling) {
  serve();
  server_->on_request(first(1000, S3Fault::kSlowDown));
  const auto slow = store_->put("key", as_bytes("x"));
  ASSERT_FALSE(slow);
  EXPECT_TRUE(slow.error().is(Code::kUnavailable));
  EXPECT_EQ(slow.error().message(),
            "the server answers 503 SlowDown: words about SlowDown, also at attempt 4");
  EXPECT_EQ(server_->requests().size(), 4u);
  server_->on_request(first(1000, S3Fault::kReset));
  EXPECT_TRUE(store_->get("key").error().is(Code::kUnavailable));
  EXPECT_GE(server_->requests().size(), 8u);
  EXPECT_LE(server_->requests().size(), 12u);  // libcurl may repeat what a kept connection lost
  S3Settings elsewhere = usual();
  elsewhere.endpoint = "http://127.0.0.1:1";
  EXPECT_TRUE(make_store(elsewhere)->list("").error().is(Code::kUnavailable));
}

TEST_F(S3StoreTest, ALostAnswerIsNoOtherWriter) {
  for (const S3Condition condition :
       {S3Condition::kHonoured, S3Condition::kIgnored, S3Condition::kNotImplemented,
        S3Condition::kInvalidArgument}) {
    for (const S3Fault fault : {S3Fault::kLoseAnswer, S3Fault::kLoseWithError}) {
      S3TestSettings settings;
      settings.condition = condition;
      serve(settings);
      for (const char* key : {"first", "second"}) {  // before and after the server is known
        server_->on_request(first(1, fault, "PUT"));
        const auto made = store_->put_new(key, as_bytes("ours"));
        EXPECT_TRUE(made) << made.error().to_string();
        EXPECT_EQ(store_->put_new(key, as_bytes("again")).error().code(), Code::kAlreadyExists);
        EXPECT_EQ(server_->content(key), "ours");
      }
    }
  }
}

TEST_F(S3StoreTest, AnotherWriterIsSeenEvenAfterALostAnswer) {
  serve();
  ASSERT_TRUE(store_->put_new("known", {}));
  auto other = std::make_shared<std::atomic<bool>>(false);
  server_->on_request([this, other](const S3Request& request) {
    if (request.method != "PUT" || other->exchange(true)) return S3Fault::kNone;
    server_->plant("key", "theirs");
    return S3Fault::kReset;
  });
  EXPECT_EQ(store_->put_new("key", as_bytes("ours")).error().code(), Code::kAlreadyExists);
  EXPECT_EQ(server_->content("key"), "theirs");
}

TEST_F(S3StoreTest, WhereConditionsMeanNothingAnObjectIsNotReplaced) {
  for (const S3Condition condition : {S3Condition::kIgnored, S3Condition::kNotImplemented}) {
    S3TestSettings settings;
    settings.condition = condition;
    serve(settings);
    server_->plant("key", "old");
    EXPECT_EQ(store_->put_new("key", as_bytes("new")).error().code(), Code::kAlreadyExists);
    EXPECT_EQ(server_->content("key"), "old");
    EXPECT_TRUE(store_->put_new("other", as_bytes("new")));
    EXPECT_EQ(store_->put_new("key", as_bytes("new")).error().code(), Code::kAlreadyExists);
    EXPECT_EQ(server_->content("key"), "old");
  }
}

TEST_F(S3StoreTest, DamageIsFound) {
  serve();
  ASSERT_TRUE(store_->put("key", as_bytes("0123456789")));
  server_->on_request(first(1, S3Fault::kCorruptAnswer));
  EXPECT_EQ(as_text(*store_->get("key")), "0123456789");
  server_->on_request({});
  server_->plant("key", "0123456780");
  EXPECT_TRUE(store_->get("key").error().is(Code::kCorrupt));
  server_->on_request(first(1000, S3Fault::kCorruptInput));
  const auto put = store_->put("key", as_bytes("x"));
  ASSERT_FALSE(put);
  EXPECT_TRUE(put.error().is(Code::kUnavailable)) << put.error().to_string();
  EXPECT_EQ(server_->content("key"), "0123456780");
}

TEST_F(S3StoreTest, BigObjectsGoInParts) {
  S3TestSettings server_settings;
  server_settings.least_part = 1000;
  server_settings.most_at_once = 1500;
  serve(server_settings);
  S3Settings settings = usual();
  settings.multipart_threshold = 1500;
  settings.part_size = 1000;
  const auto store = make_store(settings);
  std::string data(3500, '\0');
  random_.fill(std::as_writable_bytes(std::span(data)));

  server_->on_request([](const S3Request& request) {  // once for the second part
    static std::atomic<bool> failed = false;
    const bool second = request.target.find("partNumber=2") != std::string::npos;
    return second && !failed.exchange(true) ? S3Fault::kSlowDown : S3Fault::kNone;
  });
  const auto put = store->put("big", as_bytes(data));
  ASSERT_TRUE(put) << put.error().to_string();
  EXPECT_EQ(server_->content("big"), data);
  EXPECT_EQ(as_text(*store->get("big")), data);
  EXPECT_EQ(count("PUT"), 5u);  // four parts, one of them twice

  for (const S3Fault fault : {S3Fault::kLoseAnswer, S3Fault::kLoseWithError}) {
    server_->on_request([fault, lost = std::make_shared<std::atomic<bool>>(false)](
                            const S3Request& request) {  // the answer to "complete"
      const bool complete = request.method == "POST" && request.body.starts_with("<Complete");
      return complete && !lost->exchange(true) ? fault : S3Fault::kNone;
    });
    EXPECT_TRUE(store->put("big", as_bytes(data)));
    EXPECT_EQ(server_->open_uploads(), 0u);
  }
}

TEST_F(S3StoreTest, AnUploadThatFailsLeavesNothing) {
  serve();
  S3Settings settings = usual();
  settings.multipart_threshold = 1500;
  settings.part_size = 1000;
  const auto store = make_store(settings);
  server_->on_request([](const S3Request& request) {
    const bool third = request.target.find("partNumber=3") != std::string::npos;
    return third ? S3Fault::kInternalError : S3Fault::kNone;
  });
  const std::string data(3500, 'x');
  EXPECT_TRUE(store->put("big", as_bytes(data)).error().is(Code::kUnavailable));
  EXPECT_FALSE(server_->has("big"));
  EXPECT_EQ(server_->open_uploads(), 0u);
}

struct RefusalCase {
  std::string name;
  std::function<void(S3TestSettings&)> server;
  std::function<void(S3Settings&)> client;
  Code code;
  std::string message;
};

TEST_F(S3StoreTest, SaysInASentenceWhatTheServerRefuses) {
  const auto nothing = [](auto&) {};
  const std::vector<RefusalCase> cases = {
      {"wrong secret", nothing,
       [](S3Settings& s) { s.credentials.secret_access_key = "planted/wrong"; },
       Code::kUnauthorized,
       "the server does not accept the signature: the secret access key is wrong "
       "(SignatureDoesNotMatch)"},
      {"unknown key", nothing, [](S3Settings& s) { s.credentials.access_key_id = "AKIAOTHER"; },
       Code::kUnauthorized, "the server does not know the access key (InvalidAccessKeyId)"},
      {"expired",
       [](S3TestSettings& s) { s.session_token = "planted/token", s.token_expired = true; },
       nothing, Code::kUnauthorized,
       "the session token has expired: renew the credentials (ExpiredToken)"},
      {"other token", [](S3TestSettings& s) { s.session_token = "planted/token"; },
       [](S3Settings& s) { s.credentials.session_token = "planted/other"; }, Code::kUnauthorized,
       "the server does not accept the session token (InvalidToken)"},
      {"no such bucket", nothing, [](S3Settings& s) { s.bucket = "absent"; }, Code::kInvalid,
       "the bucket does not exist (NoSuchBucket)"},
      {"other region", [](S3TestSettings& s) { s.region = "eu-west-1"; },
       [](S3Settings& s) { s.region = "us-east-1"; }, Code::kInvalid,
       "the bucket is in region eu-west-1, not in us-east-1: correct region"},
  };
  for (const RefusalCase& one : cases) {
    S3TestSettings settings;
    one.server(settings);
    serve(settings);
    S3Settings client = usual();
    one.client(client);
    const auto store = make_store(client);
    const std::vector<Error> errors = {
        store->get("key").error(),         store->get_range("key", 0, 1).error(),
        store->head("key").error(),        store->put("key", as_bytes("x")).error(),
        store->put_new("key", {}).error(), store->list("").error(),
        store->remove("key").error()};
    for (const Error& error : errors) {
      EXPECT_EQ(error.code(), one.code) << one.name;
      EXPECT_EQ(error.message(), one.message) << one.name;
      EXPECT_EQ(error.to_string().find("planted"), std::string::npos) << error.to_string();
      EXPECT_NE(error.to_string().find("s3 bucket " + client.bucket + " at 127.0.0.1:"),
                std::string::npos);
    }
  }
}

TEST_F(S3StoreTest, ALocationThatMayOnlyBeRead) {
  S3TestSettings settings;
  settings.deny_writes = true;
  serve(settings);
  server_->plant("key", "data");
  EXPECT_EQ(as_text(*store_->get("key")), "data");
  EXPECT_EQ(store_->list("")->objects.size(), 1u);
  const auto put = store_->put("key", as_bytes("x"));
  EXPECT_TRUE(put.error().is(Code::kForbidden));
  EXPECT_EQ(put.error().message(),
            "access denied: the access key has no right to do this (AccessDenied)");
  EXPECT_TRUE(store_->put_new("new", {}).error().is(Code::kForbidden));
  EXPECT_TRUE(store_->remove("key").error().is(Code::kForbidden));
}

TEST_F(S3StoreTest, AClockThatIsOffIsNamed) {
  serve();
  const auto slow = std::make_shared<ManualClock>(SystemClock().now() - std::chrono::hours(1));
  const auto store = *make_s3_store(usual(), slow, random_);
  EXPECT_EQ(store->list("").error().message(),
            "the clock of this machine or that of the server is off by more than 15 minutes "
            "(RequestTimeTooSkewed)");
}

TEST_F(S3StoreTest, TheRegionIsLearntUnlessGiven) {
  S3TestSettings settings;
  settings.region = "eu-central-1";
  serve(settings);
  ASSERT_TRUE(store_->put("key", as_bytes("x")));
  ASSERT_TRUE(store_->get("key"));
  EXPECT_EQ(server_->requests().size(), 3u);  // one of them with the wrong region
}

TEST_F(S3StoreTest, ConnectionsAreKeptAndCounted) {
  serve();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store_->put("key", as_bytes("x")));
  EXPECT_EQ(server_->connections(), 1u);
  S3Settings settings = usual();
  settings.connections = 4;
  const auto store = make_store(settings);
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        if (!store->put("key/" + std::to_string(i), as_bytes("x"))) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_LE(server_->connections(), 1u + 4u);
}

TEST_F(S3StoreTest, CancellingEndsATransferAndAPause) {
  for (const S3Fault fault : {S3Fault::kStall, S3Fault::kSlowDown}) {
    serve();
    S3Settings settings = usual();
    settings.patience = std::chrono::minutes(10);
    settings.first_pause = settings.longest_pause = std::chrono::minutes(10);
    const auto store = make_store(settings);
    server_->on_request(first(1000, fault));
    std::thread canceller([this, &settings] {
      while (server_->requests().empty()) std::this_thread::yield();
      settings.cancel.cancel();
    });
    EXPECT_TRUE(store->get("key").error().is(Code::kCancelled));
    canceller.join();
    EXPECT_TRUE(store->get("key").error().is(Code::kCancelled));
  }
}

TEST_F(S3StoreTest, MarkersOfFoldersAreNotInTheWay) {
  S3TestSettings settings;
  settings.page_size = 1;
  serve(settings);
  for (const char* key : {"a/", "a/b", "a//c", "d"}) server_->plant(key, "x");
  const auto all = store_->list("");
  ASSERT_TRUE(all) << all.error().to_string();
  ASSERT_EQ(all->objects.size(), 2u);
  EXPECT_EQ(all->objects[0].key, "a/b");
  EXPECT_EQ(all->objects[1].key, "d");
}

TEST_F(S3StoreTest, EncryptionIsAskedFor) {
  serve();
  S3Settings settings = usual();
  settings.multipart_threshold = 100;
  settings.put_headers = {{"x-amz-server-side-encryption", "AES256"}};
  const auto store = make_store(settings);
  ASSERT_TRUE(store->put("small", as_bytes("x")));
  ASSERT_TRUE(store->put("big", as_bytes(std::string(200, 'x'))));
  for (const char* key : {"small", "big"}) {
    EXPECT_EQ(server_->headers_of(key)["x-amz-server-side-encryption"], "AES256") << key;
  }
}

}  // namespace
}  // namespace breakwater::blob
