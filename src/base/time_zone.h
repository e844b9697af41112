// Time zones of the zoneinfo database, for schedules that name one.
//
// Files are TZif as RFC 8536 describes them: a list of transitions, and for the time after the last
// one a rule in the syntax of POSIX TZ ("CET-1CEST,M3.5.0,M10.5.0/3").
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace breakwater {

// Immutable after load(); any number of threads may use one. Times are seconds since 1970, UTC.
class TimeZone {
 public:
  // A stretch of time with one offset: from some time up to, but not including, `until`.
  struct Period {
    int64_t offset = 0;  // seconds east of Greenwich
    int64_t until = INT64_MAX;
  };

  // "" and "UTC" need no file. kInvalid for a name that the database does not have or that is no
  // plain relative path, and for a damaged file.
  static Result<TimeZone> load(std::string_view name,
                               const std::filesystem::path& database = "/usr/share/zoneinfo");

  // The period that contains `time`.
  Period at(int64_t time) const;

 private:
  struct Transition {
    int64_t time;
    int64_t offset;  // from `time` on
  };
  // One end of summer time, as POSIX TZ writes it.
  struct Change {
    enum class Form { kJulian, kDayOfYear, kMonthWeekDay } form;
    int month, week, day;
    int64_t seconds;  // after local midnight
    // In local seconds, before the offset is taken off.
    int64_t in_year(int year) const;
  };
  struct Rule {
    int64_t standard = 0;
    int64_t summer = 0;
    std::optional<Change> begin, end;  // of summer time; both or neither
  };
  static std::optional<Rule> parse_rule(std::string_view text);
  static std::optional<Change> parse_change(std::string_view& text);
  static std::optional<TimeZone> parse(std::string_view data);
  Period by_rule(int64_t time) const;

  int64_t first_offset_ = 0;
  std::vector<Transition> transitions_;
  std::optional<Rule> rule_;
};

}  // namespace breakwater
