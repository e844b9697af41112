#include "kube/queue.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace breakwater::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class QueueTest : public ::testing::Test {
 protected:
  std::vector<std::string> drain() {
    std::vector<std::string> names;
    while (queue_.ready() > 0) names.push_back(queue_.take(0).name);
    std::sort(names.begin(), names.end());
    return names;
  }
  ManualClock clock_{Time()};
  WorkQueue queue_{clock_};
  const Key a_{"ns", "a"}, b_{"ns", "b"};
};

TEST_F(QueueTest, HoldsEachKeyOnce) {
  queue_.add(a_);
  queue_.add(b_);
  queue_.add(a_);
  EXPECT_EQ(drain(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queue_.next_due(), std::nullopt);
  queue_.add(a_);  // as if it changed while it was reconciled
  EXPECT_EQ(drain(), std::vector<std::string>{"a"});
}

TEST_F(QueueTest, DelaysAndTakesTheEarlierTime) {
  queue_.add_after(a_, seconds(10));
  queue_.add_after(a_, seconds(5));
  queue_.add_after(a_, seconds(20));
  EXPECT_EQ(queue_.next_due(), clock_.monotonic() + seconds(5));
  clock_.advance(seconds(5) - milliseconds(1));
  EXPECT_EQ(queue_.ready(), 0u);
  clock_.advance(milliseconds(1));
  EXPECT_EQ(drain(), std::vector<std::string>{"a"});
  clock_.advance(seconds(60));
  EXPECT_EQ(queue_.ready(), 0u) << "the later times are gone";
}

TEST_F(QueueTest, AChangeOvertakesADelay) {
  queue_.add_after(a_, seconds(10));
  queue_.add(a_);
  EXPECT_EQ(queue_.next_due(), Duration::zero());
  EXPECT_EQ(drain(), std::vector<std::string>{"a"});
  clock_.advance(seconds(10));
  EXPECT_EQ(queue_.ready(), 0u);
}

TEST_F(QueueTest, BacksOffFromFiveMillisecondsToAMinute) {
  Duration expected = milliseconds(5);
  for (int i = 0; i < 40; ++i) {
    queue_.add_failed(a_);
    EXPECT_EQ(*queue_.next_due() - clock_.monotonic(), expected) << i;
    EXPECT_EQ(queue_.failures(a_), i + 1);
    clock_.advance(expected);
    ASSERT_EQ(queue_.ready(), 1u);
    queue_.take(0);
    expected = std::min<Duration>(expected * 2, seconds(60));
  }
  queue_.forget(a_);
  queue_.add_failed(a_);
  EXPECT_EQ(*queue_.next_due() - clock_.monotonic(), milliseconds(5));
}

TEST_F(QueueTest, TakesAnyReadyKey) {
  for (const char* name : {"a", "b", "c"}) queue_.add({"ns", name});
  EXPECT_EQ(queue_.take(1).name, "b");
  EXPECT_EQ(queue_.ready(), 2u);
  EXPECT_EQ(drain(), (std::vector<std::string>{"a", "c"}));
}

}  // namespace
}  // namespace breakwater::kube
