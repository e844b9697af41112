#include "repo/lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "blob/faulty_store.h"
#include "tests/repo/harness.h"

namespace breakwater::repo {
namespace {

using namespace repo_test;

class LockTest : public testing::Test {
 protected:
  LockRecord wanted(bool exclusive) {
    LockRecord record;
    record.exclusive = exclusive;
    record.hostname = "host-1";
    record.username = "mover";
    record.pid = ::getpid();
    return record;
  }

  Result<std::unique_ptr<Lock>> acquire(bool exclusive) {
    return acquire_lock(files_, clock_, Logger(), wanted(exclusive), timing_);
  }

  // Lets the refresher act on the advanced clock.
  template <class Condition>
  bool eventually(const Condition& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }

  std::vector<std::string> lock_keys() {
    std::vector<std::string> keys;
    const auto listing = store_->list("locks/");
    for (const auto& object : listing->objects) keys.push_back(object.key);
    return keys;
  }

  void write(LockRecord record) { ASSERT_TRUE(files_.save(FileKind::kLock, encode_lock(record))); }

  ManualClock clock_{kStart};
  SeededRandom random_{2}, faults_{3};
  std::unique_ptr<blob::ObjectStore> store_ = blob::make_memory_store();
  std::atomic<bool> down_ = false;
  std::unique_ptr<blob::ObjectStore> faulty_ = blob::make_faulty_store(
      *store_, faults_, {}, [this](int64_t, const std::string&) -> Result<> {
        if (down_) return fail(Code::kUnavailable, "the store is down");
        return {};
      });
  SharedRandom shared_{random_};
  SealedFiles files_{*faulty_, Sealer(random_key(random_)), shared_};
  LockTiming timing_{.recheck = Duration::zero(), .poll = std::chrono::milliseconds(1)};
};

TEST_F(LockTest, ExclusiveExcludesEverything) {
  {
    const auto shared = acquire(false);
    ASSERT_TRUE(shared);
    EXPECT_TRUE(acquire(false));
    const auto exclusive = acquire(true);
    ASSERT_FALSE(exclusive);
    EXPECT_EQ(exclusive.error().code(), Code::kConflict);
    const std::string message = exclusive.error().to_string();
    EXPECT_NE(message.find("mover@host-1"), std::string::npos) << message;
    EXPECT_NE(message.find(std::to_string(::getpid())), std::string::npos) << message;
    EXPECT_NE(message.find("2026-11-21T03:00:00Z"), std::string::npos) << message;
    EXPECT_EQ(lock_keys().size(), 1u);
  }
  EXPECT_TRUE(lock_keys().empty());
  const auto exclusive = acquire(true);
  ASSERT_TRUE(exclusive);
  EXPECT_FALSE(acquire(true));
  EXPECT_FALSE(acquire(false));
  EXPECT_EQ(lock_keys().size(), 1u);
}

TEST_F(LockTest, IsRefreshedEveryFiveMinutes) {
  const auto lock = acquire(false);
  ASSERT_TRUE(lock);
  const auto before = lock_keys();
  clock_.advance(std::chrono::minutes(5));
  ASSERT_TRUE(eventually([&] { return lock_keys() != before && lock_keys().size() == 1; }));
  EXPECT_EQ(list_locks(files_)->at(0).time, clock_.now());
  for (int i = 0; i < 10; ++i) {
    clock_.advance(std::chrono::minutes(5));
    ASSERT_TRUE(eventually([&] {
      const auto locks = list_locks(files_);
      return locks && locks->size() == 1 && locks->at(0).time == clock_.now();
    }));
    EXPECT_TRUE((*lock)->check());
  }
}

TEST_F(LockTest, TellsWhenItCouldNotBeRefreshed) {
  const auto lock = acquire(false);
  ASSERT_TRUE(lock);
  down_ = true;
  clock_.advance(std::chrono::minutes(10));
  EXPECT_TRUE((*lock)->check());
  clock_.advance(std::chrono::minutes(13));
  const auto stale = (*lock)->check();
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), Code::kConflict);
  // Nobody took it meanwhile: it is ours again.
  down_ = false;
  clock_.advance(std::chrono::minutes(1));
  EXPECT_TRUE(eventually([&] { return (*lock)->check().has_value(); }));
}

TEST_F(LockTest, IsLostForGoodWhenSomebodyRemovesIt) {
  const auto lock = acquire(false);
  ASSERT_TRUE(lock);
  ASSERT_TRUE(store_->remove(lock_keys().at(0)));
  clock_.advance(std::chrono::minutes(6));
  ASSERT_TRUE(eventually([&] { return !(*lock)->check(); }));
  EXPECT_NE((*lock)->check().error().to_string().find("removed"), std::string::npos);
  EXPECT_TRUE(lock_keys().empty());
}

TEST_F(LockTest, StaleIsOldOrOfADeadProcessHere) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  LockRecord record = wanted(true);
  record.time = kStart;
  const auto stale = [&](Duration age) {
    return is_stale(record, kStart + age, "host-1", timing_);
  };
  EXPECT_FALSE(stale(std::chrono::minutes(29)));
  EXPECT_TRUE(stale(std::chrono::minutes(31)));
  record.pid = child;
  EXPECT_TRUE(stale(Duration::zero()));
  record.hostname = "host-2";
  EXPECT_FALSE(stale(Duration::zero()));
  EXPECT_TRUE(stale(std::chrono::minutes(31)));
}

TEST_F(LockTest, UnlockRemovesWhatIsStale) {
  LockRecord old = wanted(true);
  old.time = kStart - std::chrono::hours(1);
  LockRecord fresh = wanted(false);
  fresh.time = kStart;
  write(old);
  write(fresh);
  ASSERT_TRUE(store_->put("locks/" + std::string(64, 'a'), {}));  // its writer died
  const auto refused = acquire(false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().to_string().find("unlock"), std::string::npos)
      << refused.error().to_string();
  EXPECT_EQ(remove_locks(files_, clock_, "host-1", LocksToRemove::kStale, timing_).value(), 1);
  EXPECT_TRUE(acquire(false));
  EXPECT_FALSE(acquire(true));
  EXPECT_EQ(remove_locks(files_, clock_, "host-1", LocksToRemove::kAll, timing_).value(), 2);
  EXPECT_TRUE(acquire(true));
}

TEST_F(LockTest, ADamagedLockIsNamedAndRemovable) {
  const std::string name(64, 'b');
  ASSERT_TRUE(store_->put("locks/" + name, as_bytes("nonsense")));
  const auto refused = acquire(false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kCorrupt);
  EXPECT_NE(refused.error().to_string().find(name), std::string::npos);
  EXPECT_EQ(remove_locks(files_, clock_, "host-1", LocksToRemove::kStale, timing_).value(), 0);
  EXPECT_EQ(remove_locks(files_, clock_, "host-1", LocksToRemove::kAll, timing_).value(), 1);
}

TEST(LockThroughRepositoryTest, HoldersSeeEachOther) {
  World world;
  world.init();
  const auto one = world.open(), two = world.open();
  const auto lock = one->lock(true);
  ASSERT_TRUE(lock);
  EXPECT_EQ(two->lock(false).error().code(), Code::kConflict);
  EXPECT_EQ(two->unlock(false).value(), 0);
  EXPECT_EQ(two->unlock(true).value(), 1);
  EXPECT_TRUE(two->lock(false));
}

}  // namespace
}  // namespace breakwater::repo
