// Crashes at every store operation, and damage at every place.
#include "blob/faulty_store.h"
#include "tests/repo/harness.h"

namespace breakwater::repo {
namespace {

using namespace repo_test;

// Everything from operation `k` on fails, as if the process or the network had died there.
blob::BeforeOperation crash_at(int64_t k, bool& crashed) {
  return [k, &crashed](int64_t ordinal, const std::string&) -> Result<> {
    if (ordinal < k) return {};
    crashed = true;
    return fail(Code::kUnavailable, "crashed");
  };
}

TEST(CrashTest, ABackupThatStopsAnywhereHarmsNothing) {
  int points = 0;
  for (bool crashed = true; crashed; ++points) {
    crashed = false;
    World world;
    world.init();
    const auto first = back_up(*world.open(), 1);
    ASSERT_TRUE(first);
    {
      const auto faulty = blob::make_faulty_store(*world.store, world.store_random, {},
                                                  crash_at(points + 1, crashed));
      const auto repository =
          Repository::open(world.environment(*faulty), kPassword, small_settings());
      if (repository) {
        const auto done = back_up(**repository, 2);
        EXPECT_TRUE(done.has_value() || crashed);
      }
    }
    const auto report = world.check();
    EXPECT_TRUE(report.errors.empty()) << "crash at " << points + 1 << ": " << report.errors[0];
    EXPECT_EQ(read_back(*world.open(), *first).value(), expected_content(1));
    // The next run completes it.
    const auto again = back_up(*world.open(), 2);
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(read_back(*world.open(), *again).value(), expected_content(2));
    EXPECT_TRUE(world.check().errors.empty());
  }
  EXPECT_GT(points, 15);
}

TEST(CrashTest, AnInitThatStopsAnywhereCanBeRepeated) {
  int points = 0;
  for (bool crashed = true; crashed; ++points) {
    crashed = false;
    World world;
    const auto faulty = blob::make_faulty_store(*world.store, world.store_random, {},
                                                crash_at(points + 1, crashed));
    const auto stopped = Repository::init(world.environment(*faulty), kPassword, kCheapKdf);
    EXPECT_NE(stopped.has_value(), crashed);
    const auto again = Repository::init(world.environment(), kPassword, kCheapKdf);
    EXPECT_TRUE(again || again.error().is(Code::kAlreadyExists)) << again.error().to_string();
    ASSERT_TRUE(world.open());
    EXPECT_EQ(world.store->list("keys/")->objects.size(), 1u);
  }
  EXPECT_GT(points, 4);
}

TEST(CrashTest, LostAnswersLoseNothing) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    World world;
    world.init();
    SeededRandom faults(seed);
    {
      const auto faulty =
          blob::make_faulty_store(*world.store, faults, {.unavailable = 0.01, .lost_answer = 0.05});
      for (uint64_t run = 1; run <= 3; ++run) {
        const auto repository =
            Repository::open(world.environment(*faulty), kPassword, small_settings());
        if (!repository) continue;
        const auto done = back_up(**repository, run);
        if (!done) continue;
        EXPECT_EQ(read_back(*world.open(), *done).value(), expected_content(run));
      }
    }
    EXPECT_TRUE(world.check().errors.empty());
  }
}

class DamageTest : public testing::Test, protected World {
 protected:
  void SetUp() override {
    init();
    snapshot_ = back_up(*open(), 1, 2).value();
    const auto listing = store->list("");
    for (const auto& object : listing->objects) keys_.push_back(object.key);
    ASSERT_GE(keys_.size(), 6u);
  }

  // Whether opening, loading the index or the check complains.
  bool noticed() {
    const auto opened = Repository::open(environment(), kPassword, small_settings());
    if (!opened) return true;
    const auto report = (*opened)->check(true, CancelToken());
    return !report || !report->errors.empty();
  }

  // Reading either gives what was stored or an error.
  void expect_no_wrong_data(const std::string& where) {
    const auto opened = Repository::open(environment(), kPassword, small_settings());
    if (!opened || !(*opened)->load_index()) return;
    const auto content = read_back(**opened, snapshot_);
    if (content) {
      EXPECT_EQ(*content, expected_content(1, 2)) << where;
    } else {
      EXPECT_TRUE(content.error().is(Code::kCorrupt) || content.error().is(Code::kNotFound))
          << where << ": " << content.error().to_string();
    }
  }

  Id snapshot_;
  std::vector<std::string> keys_;
};

TEST_F(DamageTest, AFlippedByteAnywhereIsNoticedAndNeverReturned) {
  for (const std::string& key : keys_) {
    const Bytes good = store->get(key).value();
    const size_t step = std::max<size_t>(1, good.size() / 40);
    for (size_t at = 0; at < good.size(); at += step) {
      Bytes bad = good;
      bad[at] ^= std::byte{0x10};
      ASSERT_TRUE(store->put(key, bad));
      const std::string where = key + " byte " + std::to_string(at);
      EXPECT_TRUE(noticed()) << where;
      expect_no_wrong_data(where);
    }
    ASSERT_TRUE(store->put(key, good));
  }
  EXPECT_FALSE(noticed());
}

TEST_F(DamageTest, AMissingOrShortFileIsNoticed) {
  for (const std::string& key : keys_) {
    const Bytes good = store->get(key).value();
    for (const size_t size : {size_t{0}, good.size() / 2, good.size() - 1}) {
      ASSERT_TRUE(store->put(key, ByteSpan(good).first(size)));
      EXPECT_TRUE(noticed()) << key << " cut to " << size;
      expect_no_wrong_data(key);
    }
    ASSERT_TRUE(store->remove(key));
    // Without its record there is no snapshot that could miss anything.
    EXPECT_TRUE(noticed() || key.starts_with("snapshots/")) << key << " removed";
    expect_no_wrong_data(key);
    ASSERT_TRUE(store->put(key, good));
  }
}

TEST_F(DamageTest, ErrorsNamePackAndBlob) {
  const auto repository = open();
  const Snapshot record = repository->load_snapshot(snapshot_).value();
  const auto place = repository->find(BlobType::kTree, record.tree);
  const std::string key =
      "data/" + place->pack.to_string().substr(0, 2) + "/" + place->pack.to_string();
  Bytes bad = store->get(key).value();
  bad[place->offset + 20] ^= std::byte{1};
  ASSERT_TRUE(store->put(key, bad));
  const auto loaded = repository->load_blob(BlobType::kTree, record.tree);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Code::kCorrupt);
  EXPECT_NE(loaded.error().to_string().find(place->pack.to_string()), std::string::npos);
  EXPECT_NE(loaded.error().to_string().find(record.tree.to_string()), std::string::npos);
  const auto report = check();
  ASSERT_FALSE(report.errors.empty());
  EXPECT_NE(report.errors[0].find(snapshot_.short_string()), std::string::npos) << report.errors[0];
  ASSERT_TRUE(store->remove(key));
  const auto missing = repository->load_blob(BlobType::kTree, record.tree);
  EXPECT_EQ(missing.error().code(), Code::kCorrupt);
}

TEST_F(DamageTest, ReadsThatFlipOnTheWayAreRepeated) {
  SeededRandom faults(4);
  const auto faulty = blob::make_faulty_store(*store, faults, {.corrupt_read = 0.05});
  int good = 0;
  for (int i = 0; i < 30; ++i) {
    const auto opened = Repository::open(environment(*faulty), kPassword, small_settings());
    if (!opened || !(*opened)->load_index()) continue;
    const auto content = read_back(**opened, snapshot_);
    if (!content) continue;
    EXPECT_EQ(*content, expected_content(1, 2));
    ++good;
  }
  EXPECT_GT(good, 20);
}

TEST_F(DamageTest, AnUnreferencedPackIsOnlyAHint) {
  ASSERT_TRUE(store->put("data/00/" + std::string(64, '0'), as_bytes("left by a crash")));
  ASSERT_TRUE(store->put("data/00/abc-tmp-1", as_bytes("left by a crash")));
  const auto report = check();
  EXPECT_TRUE(report.errors.empty());
  EXPECT_EQ(report.hints.size(), 1u);
}

}  // namespace
}  // namespace breakwater::repo
