#include "kube/runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "kube/operations.h"
#include "tests/kube/fake_client.h"

namespace breakwater::kube {
namespace {

using fake::config_map;
using fake::FakeClient;
using fake::kConfigMap;
using std::chrono::milliseconds;
using std::chrono::seconds;

using ReconcileFunction = std::function<Outcome(const Key&)>;

class FunctionReconciler final : public Reconciler {
 public:
  explicit FunctionReconciler(ReconcileFunction run) : run_(std::move(run)) {}
  Outcome reconcile(const Key& key) override { return run_(key); }

 private:
  ReconcileFunction run_;
};

ControllerSpec controller_of(std::string name, ReconcileFunction run) {
  ControllerSpec spec;
  spec.name = std::move(name);
  spec.reconciler = std::make_unique<FunctionReconciler>(std::move(run));
  spec.sources.push_back({kConfigMap, "", map_to_self});
  return spec;
}

class RunnerTest : public ::testing::Test {
 protected:
  void settle(Runner& runner) {
    for (int i = 0; i < 1000 && runner.step(); ++i) {
    }
  }
  ManualClock clock_{Time()};
  FakeClient client_;
  SeededRandom random_{1};
};

TEST_F(RunnerTest, ReconcilesWhatChanges) {
  Runner runner(client_, clock_, random_, Logger());
  std::vector<std::string> seen;
  runner.add(controller_of("c", [&](const Key& key) {
    seen.push_back(key.to_string());
    return Outcome::done();
  }));
  client_.create(kConfigMap, config_map("a"), {}).value();
  settle(runner);
  ASSERT_TRUE(client_.remove(kConfigMap, {"default", "a"}, {}, {}));
  settle(runner);
  runner.enqueue("c", {"x", "y"});
  runner.enqueue("nobody", {"x", "y"});
  EXPECT_EQ(runner.next_due(), Duration::zero());
  settle(runner);
  EXPECT_EQ(seen, (std::vector<std::string>{"default/a", "default/a", "x/y"}));
  EXPECT_EQ(runner.next_due(), std::nullopt);
}

TEST_F(RunnerTest, AReconcilerMayAddAController) {
  Runner runner(client_, clock_, random_, Logger());
  std::vector<std::string> seen;
  bool added = false;
  runner.add(controller_of("first", [&](const Key&) {
    if (std::exchange(added, true)) return Outcome::done();
    runner.add(controller_of("second", [&](const Key& key) {
      seen.push_back(key.name);
      return Outcome::done();
    }));
    return Outcome::done();
  }));
  client_.create(kConfigMap, config_map("a"), {}).value();
  client_.create(kConfigMap, config_map("b"), {}).value();
  settle(runner);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
}

TEST_F(RunnerTest, IsReadyOnlyWhenThereMayBeSomethingToDo) {
  Runner runner(client_, clock_, random_, Logger());
  runner.add(controller_of("c", [](const Key&) { return Outcome::again_after(seconds(10)); }));
  EXPECT_TRUE(runner.ready()) << "nothing has been listed yet";
  settle(runner);
  EXPECT_FALSE(runner.ready());
  client_.create(kConfigMap, config_map("a"), {}).value();
  EXPECT_TRUE(runner.ready());
  settle(runner);
  EXPECT_FALSE(runner.ready());
  clock_.advance(seconds(10));
  EXPECT_TRUE(runner.ready());
}

TEST_F(RunnerTest, RetriesFailuresAndHonoursAgainAfter) {
  auto sink = std::make_shared<MemoryLogSink>();
  Runner runner(client_, clock_, random_, Logger(sink, clock_));
  std::vector<Duration> times;
  runner.add(controller_of("c", [&](const Key&) -> Outcome {
    times.push_back(clock_.monotonic());
    if (times.size() <= 3) return fail(Code::kUnavailable, "not yet");
    if (times.size() == 4) return Outcome::again_after(seconds(30));
    return Outcome::done();
  }));
  runner.enqueue("c", {"ns", "a"});
  settle(runner);
  while (const auto due = runner.next_due()) {
    clock_.advance(*due - clock_.monotonic());
    settle(runner);
  }
  const Duration ms = milliseconds(1);
  EXPECT_EQ(times, (std::vector<Duration>{0 * ms, 5 * ms, 15 * ms, 35 * ms, 30035 * ms}));
  ASSERT_EQ(sink->lines().size(), 3u);
  EXPECT_NE(sink->lines()[0].find("not yet"), std::string::npos);
}

// A run in which the order matters: what each step writes depends on how many came before.
uint64_t run_with_seed(uint64_t seed) {
  ManualClock clock{Time()};
  FakeClient client;
  SeededRandom random(seed);
  Runner runner(client, clock, random, Logger());
  int count = 0;
  const auto reconcile = [&](const Key& key) -> Outcome {
    if (++count % 3 == 0) return fail(Code::kConflict, "every third");
    if (count % 5 == 0) return Outcome::again_after(milliseconds(count));
    const auto object = TRY(runner.reader().get(kConfigMap, key));
    if (object["data"]["value"].as_string() == "done") return Outcome::done();
    TRY(edit(client, kConfigMap, key, false, [&](Object& edited) -> Result<bool> {
      edited.set({"data", "value"}, "done");
      return true;
    }));
    return Outcome::done();
  };
  runner.add(controller_of("one", reconcile));
  runner.add(controller_of("two", reconcile));
  for (int i = 0; i < 20; ++i) {
    client.create(kConfigMap, config_map(fmt::format("m{}", i)), {}).value();
  }
  for (int i = 0; i < 5000; ++i) {
    if (runner.step()) continue;
    const auto due = runner.next_due();
    if (!due) break;
    clock.advance(*due - clock.monotonic());
  }
  EXPECT_EQ(runner.next_due(), std::nullopt) << "it settles";
  return runner.trace_hash();
}

TEST(RunnerTrace, IsEqualForEqualSeedsOnly) {
  for (uint64_t seed = 1; seed <= 5; ++seed) EXPECT_EQ(run_with_seed(seed), run_with_seed(seed));
  EXPECT_NE(run_with_seed(1), run_with_seed(2));
}

TEST_F(RunnerTest, RunWakesForOtherThreadsAndStops) {
  const SystemClock clock;
  Runner runner(client_, clock, random_, Logger());
  std::promise<std::string> reconciled;
  runner.add(controller_of("c", [&](const Key& key) {
    reconciled.set_value(key.to_string());
    return Outcome::done();
  }));
  CancelToken stop;
  std::thread thread([&] { runner.run(stop); });
  runner.enqueue("c", {"ns", "a"});
  auto result = reconciled.get_future();
  const bool came = result.wait_for(seconds(10)) == std::future_status::ready;
  stop.cancel();
  runner.wake();
  thread.join();
  ASSERT_TRUE(came);
  EXPECT_EQ(result.get(), "ns/a");
}

template <class Condition>
bool eventually(Condition condition) {
  std::promise<void> never;
  auto wait = never.get_future();
  for (int i = 0; i < 2000 && !condition(); ++i) wait.wait_for(milliseconds(5));
  return condition();
}

TEST(Operations, RunOnceAreFoundAndForgotten) {
  auto pool = make_operations(2);
  std::atomic<int> runs = 0, finished = 0;
  const auto work = [&](const CancelToken&) -> Result<Json> { return Json(++runs); };
  ASSERT_TRUE(pool->start("a", work, [&] { ++finished; }));
  ASSERT_TRUE(eventually([&] { return finished == 1; }));
  ASSERT_TRUE(pool->start("a", work, [&] { ++finished; }));
  EXPECT_EQ(pool->find("a")->result.value().as_int(), 1);
  EXPECT_FALSE(pool->find("b"));
  pool->forget("a");
  EXPECT_FALSE(pool->find("a"));
  ASSERT_TRUE(pool->start("a", work, [&] { ++finished; }));
  ASSERT_TRUE(eventually([&] { return finished == 2; }));
  EXPECT_EQ(runs, 2);
}

Result<Json> until_cancelled(const CancelToken& cancel) {
  if (!eventually([&] { return cancel.cancelled(); })) return fail(Code::kInternal, "never");
  return fail(Code::kCancelled, "stopped");
}

TEST(Operations, AreBoundedAndCancelled) {
  auto pool = make_operations(1, 1);
  std::atomic<bool> running = false;
  ASSERT_TRUE(pool->start(
      "busy",
      [&](const CancelToken& cancel) {
        running = true;
        return until_cancelled(cancel);
      },
      nullptr));
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  ASSERT_TRUE(pool->start("waits", until_cancelled, nullptr));
  EXPECT_EQ(pool->start("too many", until_cancelled, nullptr).error().code(), Code::kUnavailable);
  EXPECT_FALSE(pool->find("busy")->finished);
  pool->cancel("busy");
  ASSERT_TRUE(eventually([&] { return pool->find("busy")->finished; }));
  EXPECT_EQ(pool->find("busy")->result.error().code(), Code::kCancelled);
  pool->forget("waits");
  EXPECT_TRUE(eventually([&] { return !pool->find("waits"); }));
  ASSERT_TRUE(pool->start("last", until_cancelled, nullptr));  // the destructor ends it
}

TEST(Operations, InlineFinishAtStart) {
  auto operations = make_inline_operations();
  int finished = 0;
  const auto work = [](const CancelToken&) -> Result<Json> { return Json("x"); };
  ASSERT_TRUE(operations->start("a", work, [&] { ++finished; }));
  EXPECT_EQ(finished, 1);
  EXPECT_TRUE(operations->find("a")->finished);
}

}  // namespace
}  // namespace breakwater::kube
