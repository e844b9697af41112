// Cron expressions as Velero reads them (robfig/cron v3, ParseStandard): five fields, or one of
// @yearly @annually @monthly @weekly @daily @midnight @hourly, or "@every <duration>", each after
// an optional "TZ=Zone " or "CRON_TZ=Zone ". Months and week days may be named; '?' equals '*';
// when both day fields are restricted a day needs to match only one of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace breakwater {

class TimeZone;

// Immutable; any number of threads may use one.
class Cron {
 public:
  // kInvalid with one sentence that names the field and what it may hold. A zone is looked up in
  // /usr/share/zoneinfo; an unknown one is kInvalid. "@every" takes whole seconds, at least one.
  static Result<Cron> parse(std::string_view text);

  // The first activation strictly after `after`, to the second; nothing if there is none within
  // five years (30 February). A local time that summer time skips is left out, one that comes twice
  // counts twice. Without "TZ=" fields mean UTC.
  std::optional<Time> next(Time after) const;

  // The longest time between two activations that start within a year of `from`: what "younger than
  // its cron period" means for a Backup. If none starts in that year, the first one that does; zero
  // if there are no two.
  Duration longest_gap(Time from) const;

 private:
  struct Field {
    uint64_t bits = 0;  // bit n: value n matches
    bool any = false;   // written as '*' or '?'
    bool has(int value) const { return (bits >> value & 1) != 0; }
  };
  // Where a day's activations lie, in seconds after midnight, and the longest time between two.
  struct DayPattern {
    int64_t first = 0, last = 0, gap = 0;
  };
  static Result<Field> parse_field(size_t index, std::string_view text);
  static Result<Cron> parse_descriptor(Cron cron, std::span<const std::string_view> words);
  bool day_matches(int day, int month, int weekday) const;
  std::optional<int64_t> next_local(int64_t from, int64_t limit) const;
  DayPattern day_pattern() const;

  Field minute_, hour_, day_, month_, weekday_;
  Duration every_{0};                     // "@every"; the fields are unused then
  std::shared_ptr<const TimeZone> zone_;  // null: UTC
};

}  // namespace breakwater
