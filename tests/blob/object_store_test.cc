#include "base/file.h"
#include "blob/local_store.h"
#include "blob/memory_store.h"
#include "blob/s3_store.h"
#include "tests/blob/object_store_suite.h"
#include "tests/blob/s3_test_server.h"

namespace breakwater::blob {
namespace {

void make_local(StoreUnderTest& out) {
  auto created = TempDir::create(testing::TempDir(), "store");
  ASSERT_TRUE(created);
  auto directory = std::make_shared<TempDir>(std::move(*created));
  out.store = make_local_store({.root = directory->path() / "deep" / "store"}, out.random);
  out.beneath = directory;
}

void make_prefixed(StoreUnderTest& out) {
  std::shared_ptr<ObjectStore> inner = make_memory_store();
  ASSERT_TRUE(inner->put("fleet/one-not-mine", as_bytes("x")));
  out.store = prefixed_store(*inner, "fleet/one");
  out.beneath = inner;
}

// Small pages, so that a listing has several.
void make_s3(StoreUnderTest& out, S3Condition condition, bool path_style) {
  S3TestSettings server_settings;
  server_settings.condition = condition;
  server_settings.page_size = 2;
  auto server = std::make_shared<S3TestServer>(server_settings);
  S3Settings settings;
  settings.endpoint = path_style ? server->endpoint() : server->named_endpoint();
  settings.bucket = server->settings().bucket;
  settings.path_style = path_style;
  settings.credentials = {server->settings().access_key, server->settings().secret_key, ""};
  auto made = make_s3_store(std::move(settings), std::make_shared<SystemClock>(), out.random);
  ASSERT_TRUE(made) << made.error().to_string();
  out.store = std::move(*made);
  out.beneath = server;
}

const StoreKind kKinds[] = {
    {"local", make_local},
    {"memory", [](StoreUnderTest& out) { out.store = make_memory_store(); }},
    {"prefixed", make_prefixed},
    {"s3", [](StoreUnderTest& out) { make_s3(out, S3Condition::kHonoured, true); }},
    {"s3_by_host", [](StoreUnderTest& out) { make_s3(out, S3Condition::kHonoured, false); }},
    {"s3_without_conditions",
     [](StoreUnderTest& out) { make_s3(out, S3Condition::kIgnored, true); }},
    {"s3_refusing_conditions",
     [](StoreUnderTest& out) { make_s3(out, S3Condition::kNotImplemented, true); }},
};

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreTest, testing::ValuesIn(kKinds),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace breakwater::blob
