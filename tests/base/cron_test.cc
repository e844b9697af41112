#include "base/cron.h"

#include <gtest/gtest.h>

#include "base/time_zone.h"

namespace breakwater {
namespace {

Time cron_time(std::string_view text) {
  const auto time = parse_rfc3339(text);
  EXPECT_TRUE(time) << text;
  return time ? *time : Time();
}

std::string cron_next(std::string_view cron, std::string_view after) {
  const auto parsed = Cron::parse(cron);
  if (!parsed) return "error: " + parsed.error().to_string();
  const auto next = parsed->next(cron_time(after));
  return next ? format_rfc3339_nano(*next) : "never";
}

struct NextCase {
  std::string cron, after, next;
};

TEST(Cron, FindsTheNextActivation) {
  for (const NextCase& each :
       std::vector<NextCase>{{"* * * * *", "2026-11-21T03:39:21Z", "2026-11-21T03:40:00Z"},
                             {"* * * * *", "2026-11-21T03:39:00Z", "2026-11-21T03:40:00Z"},
                             {"* * * * *", "2026-11-21T03:39:59.999Z", "2026-11-21T03:40:00Z"},
                             {"*/15 * * * *", "2026-11-21T03:39:21Z", "2026-11-21T03:45:00Z"},
                             {"*/15 * * * *", "2026-11-21T23:45:00Z", "2026-11-22T00:00:00Z"},
                             {"20-35/15 * * * *", "2026-11-21T03:20:00Z", "2026-11-21T03:35:00Z"},
                             {"40/15 * * * *", "2026-11-21T03:40:00Z", "2026-11-21T03:55:00Z"},
                             {"40/15 * * * *", "2026-11-21T03:55:00Z", "2026-11-21T04:40:00Z"},
                             {"0 1,2,,3 * * *", "2026-11-21T02:00:00Z", "2026-11-21T03:00:00Z"},
                             {"10 */1 * * *", "2026-11-21T03:39:21Z", "2026-11-21T04:10:00Z"},
                             {"0 8 * * *", "2026-12-31T08:00:00Z", "2027-01-01T08:00:00Z"},
                             {"0 0 * Feb Mon", "2026-11-21T00:00:00Z", "2027-02-01T00:00:00Z"},
                             {"0 0 * jul-AUG sat", "2026-11-21T00:00:00Z", "2027-07-03T00:00:00Z"},
                             {"0 0 29 2 *", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00Z"},
                             {"0 0 31 * *", "2026-11-30T12:00:00Z", "2026-12-31T00:00:00Z"},
                             {"0 0 30 2 *", "2026-11-21T00:00:00Z", "never"},
                             {"  5\t4  * * *  ", "2026-11-21T00:00:00Z", "2026-11-21T04:05:00Z"},
                             {"0 0 1 1 *", "1969-06-01T00:00:00Z", "1970-01-01T00:00:00Z"},
                             {"30 12 * * *", "1960-02-28T13:00:00Z", "1960-02-29T12:30:00Z"}}) {
    EXPECT_EQ(cron_next(each.cron, each.after), each.next) << each.cron << " after " << each.after;
  }
}

// 21 November 2026 is a Saturday.
TEST(Cron, EitherDayFieldMatchesWhenBothAreRestricted) {
  for (const NextCase& each :
       std::vector<NextCase>{{"0 0 1,15 * Sun", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
                             {"0 0 1,15 * Sun", "2026-11-29T00:00:00Z", "2026-12-01T00:00:00Z"},
                             {"0 0 * * Sun", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
                             {"0 0 1 * *", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"},
                             {"0 0 1 * ?", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"},
                             {"0 0 ? * Sun", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
                             {"0 0 */1 * Sun", "2026-11-23T00:00:00Z", "2026-11-29T00:00:00Z"},
                             // A step makes it a restriction: odd days of the month, or Sundays.
                             {"0 0 */2 * Sun", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
                             {"0 0 */2 * Sun", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"}}) {
    EXPECT_EQ(cron_next(each.cron, each.after), each.next) << each.cron << " after " << each.after;
  }
}

TEST(Cron, KnowsTheDescriptors) {
  for (const NextCase& each : std::vector<NextCase>{
           {"@yearly", "2026-11-21T03:39:21Z", "2027-01-01T00:00:00Z"},
           {"@annually", "2026-11-21T03:39:21Z", "2027-01-01T00:00:00Z"},
           {"@monthly", "2026-11-21T03:39:21Z", "2026-12-01T00:00:00Z"},
           {"@weekly", "2026-11-21T03:39:21Z", "2026-11-22T00:00:00Z"},
           {"@daily", "2026-11-21T03:39:21Z", "2026-11-22T00:00:00Z"},
           {"@midnight", "2026-11-21T03:39:21Z", "2026-11-22T00:00:00Z"},
           {"@hourly", "2026-11-21T03:39:21Z", "2026-11-21T04:00:00Z"},
           {"@every 1h30m", "2026-11-21T03:39:21.5Z", "2026-11-21T05:09:21Z"},
           {"@every 10ms", "2026-11-21T03:39:21.5Z", "2026-11-21T03:39:22Z"},
           {"@every 2.9s", "2026-11-21T03:39:21Z", "2026-11-21T03:39:23Z"},
           {"TZ=Asia/Tokyo @daily", "2026-11-21T03:39:21Z", "2026-11-21T15:00:00Z"}}) {
    EXPECT_EQ(cron_next(each.cron, each.after), each.next) << each.cron;
  }
}

TEST(Cron, FollowsItsTimeZone) {
  const std::string berlin = "CRON_TZ=Europe/Berlin ";
  for (const NextCase& each : std::vector<NextCase>{
           {"TZ=UTC 0 8 * * *", "2026-11-21T03:00:00Z", "2026-11-21T08:00:00Z"},
           {berlin + "0 8 * * *", "2026-11-21T03:00:00Z", "2026-11-21T07:00:00Z"},
           {berlin + "0 8 * * *", "2026-07-21T03:00:00Z", "2026-07-21T06:00:00Z"},
           // 29 March 2026: 02:00 becomes 03:00, so 02:30 does not exist.
           {berlin + "30 2 * * *", "2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"},
           {berlin + "0 3 * * *", "2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z"},
           // 25 October 2026: 03:00 becomes 02:00, so 02:30 comes twice.
           {berlin + "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
           {berlin + "30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
           {berlin + "30 2 * * *", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"},
           // After the last transition that the file lists.
           {berlin + "0 8 * * *", "2071-07-21T03:00:00Z", "2071-07-21T06:00:00Z"},
           {"TZ=Asia/Kolkata 0 0 * * *", "2026-11-21T03:00:00Z", "2026-11-21T18:30:00Z"},
           {"TZ=America/Sao_Paulo 0 0 4 11 *", "2018-11-01T00:00:00Z", "2019-11-04T03:00:00Z"}}) {
    EXPECT_EQ(cron_next(each.cron, each.after), each.next) << each.cron << " after " << each.after;
  }
}

TEST(Cron, RefusesWhatItDoesNotUnderstand) {
  struct Case {
    std::string cron, message;
  };
  const std::string minutes = ", but may hold 0 to 59, '*', ranges, lists and steps";
  for (const Case& bad : std::vector<Case>{
           {"", "the cron expression is empty"},
           {"   ", "the cron expression is empty"},
           {"TZ=UTC", "the cron expression is empty"},
           {"* * * *",
            "the cron expression \"* * * *\" has 4 fields instead of 5 (minute, hour, day of "
            "month, month, day of week)"},
           {"0 * * * * *", "has 6 fields instead of 5"},
           {"60 * * * *", "the minute field of a cron expression is \"60\"" + minutes},
           {"*/0 * * * *", "the minute field of a cron expression is \"*/0\"" + minutes},
           {"5-1 * * * *", "the minute field of a cron expression is \"5-1\"" + minutes},
           {"1-2-3 * * * *", "the minute field"},
           {"1/2/3 * * * *", "the minute field"},
           {"-1 * * * *", "the minute field"},
           {", * * * *", "the minute field"},
           {"x * * * *", "the minute field"},
           {"* 24 * * *", "the hour field of a cron expression is \"24\", but may hold 0 to 23"},
           {"* * 0 * *",
            "the day of month field of a cron expression is \"0\", but may hold 1 to "
            "31"},
           {"* * * 13 *",
            "the month field of a cron expression is \"13\", but may hold 1 to 12 or "
            "jan to dec"},
           {"* * * * 7",
            "the day of week field of a cron expression is \"7\", but may hold 0 to 6 "
            "or sun to sat"},
           {"* * * * sunday", "the day of week field"},
           {"@reboot", "\"@reboot\" is none of @yearly"},
           {"@daily 5", "\"@daily 5\" is none of"},
           {"@every", "\"@every\" is none of"},
           {"@every soon", "while reading the interval of @every: \"soon\" is no duration"},
           {"@every 0s", "the interval \"0s\" of @every is not positive"},
           {"TZ=Nowhere/City * * * * *", "unknown time zone \"Nowhere/City\""},
           {"TZ=../../etc/passwd * * * * *", "\"../../etc/passwd\" is no time zone"}}) {
    const auto parsed = Cron::parse(bad.cron);
    ASSERT_FALSE(parsed) << bad.cron;
    EXPECT_TRUE(parsed.error().is(Code::kInvalid)) << bad.cron;
    EXPECT_NE(parsed.error().to_string().find(bad.message), std::string::npos)
        << bad.cron << ": " << parsed.error().to_string();
  }
}

TEST(Cron, KnowsItsLongestGap) {
  struct Case {
    std::string cron, gap;
  };
  for (const Case& each : std::vector<Case>{{"* * * * *", "1m0s"},
                                            {"*/15 * * * *", "15m0s"},
                                            {"*/25 * * * *", "25m0s"},
                                            {"0 8 * * *", "24h0m0s"},
                                            {"0 8,20 * * *", "12h0m0s"},
                                            {"0 8,9 * * *", "23h0m0s"},
                                            {"0 0 * * 0", "168h0m0s"},
                                            {"0 0 * * 1-5", "72h0m0s"},
                                            {"0 9-17 * * 1-5", "64h0m0s"},
                                            {"0 0 1 * *", "744h0m0s"},
                                            {"0 0 1 1 *", "8760h0m0s"},
                                            {"0 0 29 2 *", "35064h0m0s"},
                                            {"0 0 30 2 *", "0s"},
                                            {"@every 90m", "1h30m0s"},
                                            {"TZ=Europe/Berlin 0 12 * * *", "25h0m0s"},
                                            {"TZ=Europe/Berlin 30 2 * * *", "47h0m0s"},
                                            {"TZ=Europe/Berlin 0 * * * *", "1h0m0s"}}) {
    const auto cron = Cron::parse(each.cron);
    ASSERT_TRUE(cron) << each.cron;
    EXPECT_EQ(format_duration(cron->longest_gap(cron_time("2026-11-21T10:17:00Z"))), each.gap)
        << each.cron;
  }
}

// The shortcut of longest_gap must not change its result.
TEST(Cron, LongestGapEqualsTheLongestStep) {
  for (const char* text : {"7,50 3-9/2 */3 * 2", "TZ=America/New_York 15,45 1,2 * * *",
                           "TZ=Australia/Lord_Howe */40 * * 4,10 0", "3 4 28-31 * *"}) {
    const auto cron = Cron::parse(text);
    ASSERT_TRUE(cron) << text;
    const Time from = cron_time("2026-02-03T01:30:00Z");
    Duration longest(0);
    for (auto time = cron->next(from); time && *time < from + std::chrono::days(365);) {
      const auto next = cron->next(*time);
      longest = std::max(longest, *next - *time);
      time = next;
    }
    EXPECT_EQ(format_duration(cron->longest_gap(from)), format_duration(longest)) << text;
  }
}

TEST(TimeZone, PeriodsJoinWithoutGaps) {
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo",
                           "Africa/Casablanca", "America/Argentina/Buenos_Aires"}) {
    const auto zone = TimeZone::load(name);
    ASSERT_TRUE(zone) << name;
    int changes = 0;
    for (int64_t time = 0; time < int64_t{4} << 30;) {  // to 2106
      const TimeZone::Period period = zone->at(time);
      ASSERT_GT(period.until, time) << name;
      EXPECT_EQ(zone->at(period.until - 1).offset, period.offset) << name;
      EXPECT_LE(std::abs(period.offset), 14 * 3600) << name;
      time = period.until;
      ++changes;
    }
    EXPECT_GT(changes, 0);
  }
  EXPECT_EQ(TimeZone::load("Europe/Berlin")->at(1785000000).offset, 7200);  // July 2026
  EXPECT_EQ(TimeZone::load("")->at(0).offset, 0);
}

}  // namespace
}  // namespace breakwater
