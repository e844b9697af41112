#include "repo/repository.h"

#include <atomic>
#include <thread>

#include "blob/faulty_store.h"
#include "tests/repo/harness.h"

namespace breakwater::repo {
namespace {

using namespace repo_test;

class RepositoryTest : public testing::Test, protected World {};

TEST_F(RepositoryTest, StoresAndGivesBack) {
  init();
  const auto first = back_up(*open(), 1);
  ASSERT_TRUE(first) << first.error().to_string();
  const auto second = back_up(*open(), 2);
  ASSERT_TRUE(second);
  const auto repository = open();
  EXPECT_EQ(read_back(*repository, *first).value(), expected_content(1));
  EXPECT_EQ(read_back(*repository, *second).value(), expected_content(2));
  const auto snapshots = repository->snapshots();
  ASSERT_EQ(snapshots->size(), 2u);
  EXPECT_EQ((*snapshots)[0].id, *first);
  EXPECT_EQ((*snapshots)[1].id, *second);
  const auto report = check();
  EXPECT_TRUE(report.errors.empty());
  EXPECT_TRUE(report.hints.empty());
  EXPECT_EQ(report.snapshots, 2u);
  EXPECT_EQ(report.blobs, 2 * 12u + 4);
  EXPECT_EQ(store->list("locks/")->objects.size(), 0u);
  ASSERT_TRUE(repository->remove_snapshot(*first));
  EXPECT_EQ(repository->snapshots()->size(), 1u);
  EXPECT_EQ(repository->load_snapshot(*first).error().code(), Code::kNotFound);
}

TEST_F(RepositoryTest, WhatIsThereIsNotStoredAgain) {
  init();
  ASSERT_TRUE(back_up(*open(), 1));
  const size_t objects = store->list("")->objects.size();
  ASSERT_TRUE(back_up(*open(), 1));
  // The same snapshot record sealed once more.
  EXPECT_EQ(store->list("")->objects.size(), objects + 1);
  const auto saved = open()->save_blob(BlobType::kData, as_bytes(some_data(1000, 9000)));
  ASSERT_TRUE(saved);
  EXPECT_FALSE(saved->added);
  EXPECT_EQ(saved->packed_size, 0u);
}

TEST_F(RepositoryTest, ThreadsSavingTheSameStoreItOnce) {
  init();
  constexpr int kThreads = 6, kBlobs = 60;
  const auto repository = open(Settings{.pack_size = 8 << 10, .upload_threads = 3});
  std::vector<std::atomic<int>> added(kBlobs);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kBlobs; ++i) {
        const int blob = (i + t) % kBlobs;
        const auto saved = repository->save_blob(
            BlobType::kData, as_bytes(some_data(static_cast<uint64_t>(blob), 3000)));
        EXPECT_TRUE(saved);
        if (saved && saved->added) ++added[static_cast<size_t>(blob)];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(repository->flush());
  for (const auto& count : added) EXPECT_EQ(count, 1);
  const auto report = check();
  EXPECT_EQ(report.blobs, static_cast<uint64_t>(kBlobs));
  EXPECT_TRUE(report.errors.empty());
}

TEST_F(RepositoryTest, TreesAndDataLieInDifferentPacks) {
  init();
  ASSERT_TRUE(back_up(*open(), 1));
  const auto report = check();
  EXPECT_TRUE(report.hints.empty()) << report.hints[0];
}

TEST_F(RepositoryTest, LoadsSeveralBlobsOfAPackInOrder) {
  init();
  const auto writer = open(Settings{.pack_size = 1 << 20});
  std::vector<Id> ids;
  for (uint64_t i = 0; i < 20; ++i) {
    ids.push_back(writer->save_blob(BlobType::kData, as_bytes(some_data(i, 2000 + i)))->id);
  }
  ASSERT_TRUE(writer->flush());
  const auto repository = open();
  const Id pack = repository->find(BlobType::kData, ids[0])->pack;
  const std::vector<Id> wanted{ids[17], ids[3], ids[4], ids[11]};
  std::vector<Id> got;
  const auto keep = [&](const Id& id, ByteSpan plain) -> Result<> {
    EXPECT_EQ(sha256(plain), id.bytes);
    got.push_back(id);
    return {};
  };
  ASSERT_TRUE(repository->load_from_pack(pack, wanted, keep));
  EXPECT_EQ(got, (std::vector<Id>{ids[3], ids[4], ids[11], ids[17]}));
  EXPECT_EQ(repository->load_from_pack(ids[0], wanted, keep).error().code(), Code::kNotFound);
  const auto stop = [&](const Id&, ByteSpan) -> Result<> {
    return fail(Code::kCancelled, "enough");
  };
  EXPECT_EQ(repository->load_from_pack(pack, wanted, stop).error().code(), Code::kCancelled);
}

TEST_F(RepositoryTest, EmptyAndLargeBlobs) {
  init();
  const auto repository = open();
  const auto empty = repository->save_blob(BlobType::kData, {});
  const std::string large(300 << 10, 'z');
  const auto big = repository->save_blob(BlobType::kData, as_bytes(large));
  ASSERT_TRUE(repository->flush());
  EXPECT_TRUE(repository->load_blob(BlobType::kData, empty->id)->empty());
  EXPECT_EQ(as_text(*repository->load_blob(BlobType::kData, big->id)), large);
  EXPECT_LT(big->packed_size, 1000u);
  EXPECT_EQ(repository->load_blob(BlobType::kTree, big->id).error().code(), Code::kNotFound);
  EXPECT_TRUE(check().errors.empty());
}

TEST_F(RepositoryTest, CompressesOnlyWhatShrinks) {
  init();
  const auto repository = open();
  SeededRandom noise(77);
  Bytes data(20'000);
  noise.fill(data);
  const auto saved = repository->save_blob(BlobType::kData, data);
  ASSERT_TRUE(repository->flush());
  EXPECT_EQ(saved->packed_size, data.size() + 32);
  EXPECT_EQ(repository->find(BlobType::kData, saved->id)->uncompressed_length, 0u);
}

TEST_F(RepositoryTest, InitRefusesWhateverIsThere) {
  init();
  const auto again = Repository::init(environment(), kPassword, kCheapKdf);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::kAlreadyExists);
  // Not even with the config gone.
  ASSERT_TRUE(back_up(*open(), 1));
  ASSERT_TRUE(store->remove("config"));
  EXPECT_EQ(Repository::init(environment(), kPassword, kCheapKdf).error().code(),
            Code::kAlreadyExists);
  EXPECT_EQ(Repository::open(environment(), kPassword, {}).error().code(), Code::kNotFound);
}

TEST_F(RepositoryTest, InitRefusesAKeyOfAnotherPassword) {
  init();
  ASSERT_TRUE(store->remove("config"));
  EXPECT_EQ(Repository::init(environment(), "other", kCheapKdf).error().code(),
            Code::kAlreadyExists);
  // The one who was interrupted goes on.
  EXPECT_TRUE(Repository::init(environment(), kPassword, kCheapKdf));
  EXPECT_TRUE(open());
  EXPECT_EQ(store->list("keys/")->objects.size(), 1u);
}

TEST_F(RepositoryTest, InitsBesideEachOtherHaveOneWinner) {
  SystemRandom shared;
  std::atomic<int> winners = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const Environment own{*store, clock, shared, Logger(), "h", "u"};
      if (Repository::init(own, kPassword, kCheapKdf)) ++winners;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(winners, 1);
  EXPECT_TRUE(open());
}

TEST_F(RepositoryTest, AWrongPasswordIsForbiddenAndNotRepeated) {
  init();
  const auto opened = Repository::open(environment(), "secret-guess", {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::kForbidden);
  EXPECT_EQ(opened.error().to_string().find("secret-guess"), std::string::npos);
  EXPECT_NE(opened.error().to_string().find("wrong password"), std::string::npos);
}

TEST_F(RepositoryTest, AMissingRepositoryIsNotFound) {
  EXPECT_EQ(Repository::open(environment(), kPassword, {}).error().code(), Code::kNotFound);
  EXPECT_FALSE(Repository::exists(*store).value());
  init();
  EXPECT_TRUE(Repository::exists(*store).value());
}

TEST_F(RepositoryTest, AFailedUploadStopsEverythingAfterIt) {
  init();
  bool down = false;
  const auto faulty = blob::make_faulty_store(
      *store, store_random, {}, [&](int64_t, const std::string& what) -> Result<> {
        if (down && what.starts_with("put data/"))
          return fail(Code::kUnavailable, "the store is down");
        return {};
      });
  auto repository = Repository::open(environment(*faulty), kPassword, small_settings());
  ASSERT_TRUE(repository);
  down = true;
  const auto failed = back_up(**repository, 1);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::kUnavailable);
  down = false;
  EXPECT_FALSE((*repository)->flush()) << "blobs are missing: no later success may hide it";
  EXPECT_FALSE((*repository)->save_blob(BlobType::kData, as_bytes("x")));
  EXPECT_EQ(open()->snapshots()->size(), 0u);
  EXPECT_TRUE(back_up(*open(), 1));
  EXPECT_TRUE(check().errors.empty());
}

TEST_F(RepositoryTest, WritesAnIndexEveryFiveMinutes) {
  init();
  const auto repository = open();
  const auto eventually_has = [&](const char* folder, size_t objects) {
    for (int i = 0; i < 5000 && store->list(folder)->objects.size() < objects; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return store->list(folder)->objects.size() >= objects;
  };
  std::vector<Id> ids;
  for (uint64_t i = 0; i < 4; ++i) {  // a pack a minute
    ids.push_back(repository->save_blob(BlobType::kData, as_bytes(some_data(i, 40'000)))->id);
    ASSERT_TRUE(eventually_has("data/", i + 1));
    EXPECT_EQ(store->list("index/")->objects.size(), 0u);
    clock.advance(std::chrono::minutes(1));
  }
  clock.advance(std::chrono::minutes(2));
  ASSERT_TRUE(repository->save_blob(BlobType::kData, as_bytes(some_data(9, 40'000))));
  EXPECT_TRUE(eventually_has("index/", 1)) << "before flush()";
  // Another process finds what was uploaded until then.
  for (const Id& id : ids) EXPECT_TRUE(open()->find(BlobType::kData, id));
}

TEST_F(RepositoryTest, WithoutUploadThreadsEveryRunIsTheSame) {
  const auto objects_of_a_run = [] {
    World world;
    world.init();
    Settings settings = small_settings();
    settings.upload_threads = 0;
    EXPECT_TRUE(back_up(*world.open(settings), 1));
    EXPECT_TRUE(world.check().errors.empty());
    std::vector<std::string> keys;
    const auto listing = world.store->list("");
    for (const auto& object : listing->objects) keys.push_back(object.key);
    return keys;
  };
  EXPECT_EQ(objects_of_a_run(), objects_of_a_run());
}

TEST_F(RepositoryTest, CheckCanBeCancelled) {
  init();
  ASSERT_TRUE(back_up(*open(), 1));
  CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(open()->check(true, cancel).error().code(), Code::kCancelled);
}

}  // namespace
}  // namespace breakwater::repo
