// Our S3 store against a real server (tools/s3_server.sh: Ceph's radosgw), and restic beside it in
// the same bucket.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/clock.h"
#include "base/file.h"
#include "blob/s3_location.h"
#include "repo/repository.h"
#include "tests/blob/object_store_suite.h"

namespace breakwater::blob {
namespace {

constexpr char kPassword[] = "correct horse";

struct ShellOutcome {
  int code = 0;
  std::string output;
};

ShellOutcome run_shell(const std::string& command) {
  ShellOutcome outcome;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return {127, "popen failed"};
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    outcome.output.append(buffer, n);
  }
  const int status = ::pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return outcome;
}

// One server for the program; its environment is ours from then on.
class RealServer : public testing::Environment {
 public:
  void SetUp() override {
    auto made = TempDir::create(testing::TempDir(), "s3");
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    stop_after_us();
    const ShellOutcome started =
        run_shell("tools/s3_server.sh start " + directory_->path().string());
    ASSERT_EQ(started.code, 0)
        << started.output
        << run_shell("tail -n 20 " + directory_->path().string() + "/log/*").output;
    const auto text = read_file(directory_->path() / "s3.env");
    ASSERT_TRUE(text);
    for (size_t at = 0; at < text->size();) {
      const size_t end = text->find('\n', at);
      const size_t equals = text->find('=', at);
      ::setenv(text->substr(at, equals - at).c_str(),
               text->substr(equals + 1, end - equals - 1).c_str(), 1);
      at = end + 1;
    }
    ::setenv("RESTIC_PASSWORD", kPassword, 1);
    ::setenv("RESTIC_CACHE_DIR", (directory_->path() / "cache").c_str(), 1);
  }

  void TearDown() override {
    if (!directory_) return;
    const ShellOutcome stopped =
        run_shell("tools/s3_server.sh stop " + directory_->path().string());
    EXPECT_EQ(stopped.code, 0) << stopped.output;
  }

 private:
  // A test that crashes does not come to TearDown().
  void stop_after_us() const {
    const std::string path = directory_->path().string();
    run_shell(
        fmt::format("setsid sh -c 'while kill -0 {} && test -d {}; do sleep 1; done; "
                    "test -d {} && tools/s3_server.sh stop {} && rm -rf {}' "
                    "> /dev/null 2>&1 < /dev/null &",
                    ::getpid(), path, path, path, path));
  }

  std::optional<TempDir> directory_;
};

const auto* const kServer = testing::AddGlobalTestEnvironment(new RealServer);

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

StoreLocation real_location(const std::string& prefix, bool tls = false) {
  StoreLocation location;
  location.provider = kS3Provider;
  location.bucket = variable("S3_BUCKET");
  location.prefix = prefix;
  location.config = {{"region", variable("AWS_DEFAULT_REGION")},
                     {"s3Url", variable(tls ? "S3_TLS_ENDPOINT" : "S3_ENDPOINT")},
                     {"s3ForcePathStyle", "true"}};
  location.credentials = "[default]\naws_access_key_id = " + variable("AWS_ACCESS_KEY_ID") +
                         "\naws_secret_access_key = " + variable("AWS_SECRET_ACCESS_KEY") + "\n";
  if (tls) location.ca_cert = read_file(variable("S3_CA")).value_or("");
  return location;
}

std::string fresh_prefix() {
  static int count = 0;
  return "suite/" + std::to_string(++count);
}

void open_real(StoreUnderTest& out, const StoreLocation& location) {
  auto opened = open_store(location, out.random);
  ASSERT_TRUE(opened) << opened.error().to_string();
  out.store = std::move(*opened);
}

std::string on_localhost(std::string url) {
  return url.replace(url.find("127.0.0.1"), 9, "localhost");
}

const StoreKind kRealKinds[] = {
    {"radosgw", [](StoreUnderTest& out) { open_real(out, real_location(fresh_prefix())); }},
    {"radosgw_over_tls",
     [](StoreUnderTest& out) { open_real(out, real_location(fresh_prefix(), true)); }},
    {"radosgw_by_host",
     [](StoreUnderTest& out) {
       StoreLocation location = real_location(fresh_prefix(), true);
       location.config["s3ForcePathStyle"] = "false";
       location.config["s3Url"] = on_localhost(location.config["s3Url"]);
       open_real(out, location);
     }},
};

INSTANTIATE_TEST_SUITE_P(Real, ObjectStoreTest, testing::ValuesIn(kRealKinds),
                         [](const auto& tested) { return tested.param.name; });

class RealS3 : public testing::Test {
 protected:
  std::unique_ptr<ObjectStore> open(const StoreLocation& location) {
    auto opened = open_store(location, random_);
    EXPECT_TRUE(opened) << opened.error().to_string();
    return opened ? std::move(*opened) : nullptr;
  }

  std::string complaint(const StoreLocation& location) {
    const auto store = open(location);
    const auto listed = store->list("");
    EXPECT_FALSE(listed);
    if (listed) return "";
    const auto put = store->put("key", as_bytes("x"));
    EXPECT_FALSE(put);
    EXPECT_EQ(store->head("key").error().code(), listed.error().code());
    EXPECT_FALSE(listed.error().is(Code::kNotFound)) << "would be taken for an empty bucket";
    return listed.error().message();
  }

  std::string noise(size_t size, uint64_t seed) {
    SeededRandom random(seed);
    std::string data(size, '\0');
    random.fill(std::as_writable_bytes(std::span(data)));
    return data;
  }

  SystemRandom random_;
  SystemClock clock_;
};

TEST_F(RealS3, ABigObjectGoesInParts) {
  S3Settings settings = *s3_settings_of(real_location(""));
  settings.multipart_threshold = 6 << 20;
  settings.part_size = 5 << 20;
  const auto store = *make_s3_store(settings, std::make_shared<SystemClock>(), random_);
  const std::string data = noise(17 << 20, 1);
  const auto put = store->put("big/object", as_bytes(data));
  ASSERT_TRUE(put) << put.error().to_string();
  EXPECT_EQ(store->head("big/object")->size, data.size());
  EXPECT_EQ(as_text(*store->get("big/object")), data);
  EXPECT_EQ(as_text(*store->get_range("big/object", (5 << 20) - 3, 6)),
            data.substr((5 << 20) - 3, 6));
}

TEST_F(RealS3, TwoClientsOneWinner) {
  const auto first = open(real_location("claims"));
  const auto second = open(real_location("claims"));
  ASSERT_TRUE(first->put_new("x", as_bytes("first")));
  EXPECT_EQ(second->put_new("x", as_bytes("second")).error().code(), Code::kAlreadyExists);
  for (int round = 0; round < 10; ++round) {
    const std::string key = "round/" + std::to_string(round);
    std::atomic<int> winners = 0;
    std::vector<std::thread> writers;
    for (ObjectStore* store : {first.get(), second.get(), first.get(), second.get()}) {
      writers.emplace_back([&, store] {
        if (store->put_new(key, as_bytes("x"))) ++winners;
      });
    }
    for (auto& writer : writers) writer.join();
    EXPECT_EQ(winners, 1) << key;
  }
}

TEST_F(RealS3, SaysWhatIsWrongInASentence) {
  StoreLocation location = real_location("");
  const std::string secret = variable("AWS_SECRET_ACCESS_KEY");
  location.credentials.replace(location.credentials.find(secret), secret.size(), "planted-secret");
  EXPECT_EQ(complaint(location),
            "the server does not accept the signature: the secret access key is wrong "
            "(SignatureDoesNotMatch)");
  location = real_location("");
  location.credentials = "[default]\naws_access_key_id=unknown\naws_secret_access_key=x\n";
  EXPECT_EQ(complaint(location), "the server does not know the access key (InvalidAccessKeyId)");
  location = real_location("");
  location.bucket = "absent";
  EXPECT_EQ(complaint(location), "the bucket does not exist (NoSuchBucket)");
  location = real_location("", true);
  location.ca_cert.clear();
  EXPECT_NE(complaint(location).find("caCert"), std::string::npos);
}

TEST_F(RealS3, ResticReadsWhatWeWrite) {
  const auto store = open(real_location("ours"));
  const repo::Environment environment{*store, clock_, random_, Logger(), "vm-host", "mover"};
  ASSERT_TRUE(repo::Repository::init(environment, kPassword, {.n = 1024, .r = 8, .p = 1}));
  auto repository = *repo::Repository::open(environment, kPassword, {});
  ASSERT_TRUE(repository->load_index());
  for (uint64_t seed = 0; seed < 40; ++seed) {
    ASSERT_TRUE(repository->save_blob(repo::BlobType::kData, as_bytes(noise(1 << 20, seed))));
  }
  ASSERT_TRUE(repository->flush());
  const ShellOutcome checked = run_shell("restic -r s3:" + variable("S3_ENDPOINT") + "/" +
                                         variable("S3_BUCKET") + "/ours check --read-data");
  EXPECT_EQ(checked.code, 0) << checked.output;
  EXPECT_NE(checked.output.find("no errors were found"), std::string::npos) << checked.output;
}

TEST_F(RealS3, WeReadWhatResticWrites) {
  const std::string url =
      "s3:" + variable("S3_TLS_ENDPOINT") + "/" + variable("S3_BUCKET") + "/theirs/deep";
  const std::string restic = "restic --cacert " + variable("S3_CA") + " -r " + url;
  const ShellOutcome made = run_shell(restic + " init && " + restic + " backup tools docs");
  ASSERT_EQ(made.code, 0) << made.output;
  StoreLocation location = *location_of_restic_url(url, variable("AWS_DEFAULT_REGION"));
  location.credentials = real_location("").credentials;
  location.ca_cert = read_file(variable("S3_CA")).value_or("");
  const auto store = open(location);
  const repo::Environment environment{*store, clock_, random_, Logger(), "vm-host", "mover"};
  auto repository = repo::Repository::open(environment, kPassword, {});
  ASSERT_TRUE(repository) << repository.error().to_string();
  ASSERT_TRUE((*repository)->load_index());
  const auto report = (*repository)->check(true, CancelToken());
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_TRUE(report->errors.empty()) << report->errors.front();
  EXPECT_GT(report->blobs, 0u);
}

}  // namespace
}  // namespace breakwater::blob
