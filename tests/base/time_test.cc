#include "base/time.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace breakwater {
namespace {

TEST(TimeText, WritesEveryForm) {
  const Time time = *parse_rfc3339("2026-11-21T03:39:21.120450Z");
  EXPECT_EQ(format_rfc3339(time), "2026-11-21T03:39:21Z");
  EXPECT_EQ(format_rfc3339_micro(time), "2026-11-21T03:39:21.120450Z");
  EXPECT_EQ(format_rfc3339_nano(time), "2026-11-21T03:39:21.12045Z");
  EXPECT_EQ(format_compact(time), "20261121033921");
  EXPECT_EQ(format_rfc3339_nano(Time()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339_micro(Time(Duration(-1))), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_rfc3339_nano(Time::min()), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(format_rfc3339_nano(Time::max()), "2262-04-11T23:47:16.854775807Z");
}

TEST(TimeText, ReadsRfc3339) {
  struct Case {
    std::string text, utc;
  };
  for (const Case& each :
       std::vector<Case>{{"2026-11-21T03:39:21Z", "2026-11-21T03:39:21Z"},
                         {"2026-11-21t03:39:21z", "2026-11-21T03:39:21Z"},
                         {"2026-11-21T03:39:21.5Z", "2026-11-21T03:39:21.5Z"},
                         {"2026-11-21T03:39:21.1234567899Z", "2026-11-21T03:39:21.123456789Z"},
                         {"2026-11-21T03:39:21+02:00", "2026-11-21T01:39:21Z"},
                         {"2026-11-21T03:39:21.000000001-05:30", "2026-11-21T09:09:21.000000001Z"},
                         {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
                         {"1700-01-01T00:00:00Z", "1700-01-01T00:00:00Z"}}) {
    const auto time = parse_rfc3339(each.text);
    ASSERT_TRUE(time) << each.text << ": " << time.error().to_string();
    EXPECT_EQ(format_rfc3339_nano(*time), each.utc);
  }
  for (const char* bad : {"", "2026", "2026-11-21", "2026-11-21 03:39:21Z", "2026-11-21T03:39:21",
                          "2026-11-21T03:39Z", "2026-11-21T03:39:21.Z", "2026-11-21T03:39:21+0200",
                          "2026-11-21T03:39:21Zx", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
                          "2026-11-21T24:00:00Z", "2026-11-21T03:60:21Z", "2026-11-21T03:39:60Z",
                          "26-11-21T03:39:21Z", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z",
                          "2026-11-21T03:39:21+24:00", "+2026-11-21T03:39:21Z"}) {
    const auto time = parse_rfc3339(bad);
    ASSERT_FALSE(time) << bad;
    EXPECT_TRUE(time.error().is(Code::kInvalid));
    EXPECT_NE(time.error().message().find(std::string("\"") + bad + "\""), std::string::npos);
  }
}

TEST(DurationText, ReadsAsGo) {
  struct Case {
    std::string text;
    int64_t nanos;
  };
  constexpr int64_t kSecond = 1'000'000'000;
  for (const Case& each : std::vector<Case>{{"0", 0},
                                            {"0s", 0},
                                            {"5s", 5 * kSecond},
                                            {"1h30m", 5400 * kSecond},
                                            {"10m0s", 600 * kSecond},
                                            {"250ms", kSecond / 4},
                                            {"-1.5h", -5400 * kSecond},
                                            {"+5s", 5 * kSecond},
                                            {".5s", kSecond / 2},
                                            {"1.s", kSecond},
                                            {"1us", 1000},
                                            {"1\u00b5s", 1000},
                                            {"1\u03bcs", 1000},
                                            {"7ns", 7},
                                            {"720h", 2592000 * kSecond},
                                            {"1h1h", 7200 * kSecond},
                                            {"0.3333333333333333333h", 1199999999999},
                                            {"9223372036854775807ns", INT64_MAX},
                                            {"2562047h47m16.854775807s", INT64_MAX}}) {
    const auto duration = parse_duration(each.text);
    ASSERT_TRUE(duration) << each.text;
    EXPECT_EQ(duration->count(), each.nanos) << each.text;
  }
  for (const char* bad : {"", "3", "-", "s", ".s", "1x", "1h 2m", "1d", "1.2.3s", "h1", "--1s",
                          "9223372036854775808ns", "2562048h", "99999999999999999999h", "1e3s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(DurationText, WritesAsGo) {
  struct Case {
    int64_t nanos;
    std::string text;
  };
  for (const Case& each : std::vector<Case>{{0, "0s"},
                                            {1, "1ns"},
                                            {1100, "1.1\u00b5s"},
                                            {2'200'000, "2.2ms"},
                                            {3'300'000'000, "3.3s"},
                                            {60'000'000'000, "1m0s"},
                                            {245'001'000'000, "4m5.001s"},
                                            {86'400'000'000'000, "24h0m0s"},
                                            {18'367'001'000'000, "5h6m7.001s"},
                                            {-1'500'000'000, "-1.5s"},
                                            {480'000'000'001, "8m0.000000001s"},
                                            {INT64_MAX, "2562047h47m16.854775807s"},
                                            {INT64_MIN, "-2562047h47m16.854775808s"}}) {
    EXPECT_EQ(format_duration(Duration(each.nanos)), each.text);
    EXPECT_EQ(parse_duration(each.text)->count(), each.nanos) << each.text;
  }
}

TEST(Clock, ManualClockMovesWhenTold) {
  const Time start = *parse_rfc3339("2026-11-21T00:00:00Z");
  ManualClock clock(start);
  EXPECT_EQ(clock.now(), start);
  clock.advance(std::chrono::hours(2));
  EXPECT_EQ(format_rfc3339(clock.now()), "2026-11-21T02:00:00Z");
  EXPECT_EQ(clock.monotonic(), std::chrono::hours(2));
}

TEST(Clock, SystemClockRuns) {
  const SystemClock clock;
  const Duration before = clock.monotonic();
  EXPECT_GT(clock.now(), *parse_rfc3339("2020-01-01T00:00:00Z"));
  EXPECT_GE(clock.monotonic(), before);
}

}  // namespace
}  // namespace breakwater
