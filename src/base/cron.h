// Cron expressions as Velero reads them (robfig/cron v3, ParseStandard): five fields, or one of
// @yearly @annually @monthly @weekly @daily @midnight @hourly, or "@every <duration>", each after
// an optional "TZ=Zone " or "CRON_TZ=Zone ". Months and week days may be named; '?' equals '*'; when
// both day fields are restricted a day needs to match only one of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace breakwater {

class Cron {
 public:
  // kInvalid with one sentence that names the field and what it may hold.
  static Result<Cron> parse(std::string_view text);

  // The first activation strictly after `after`, to the second; nothing if there is none within
  // five years (30 February).
  std::optional<Time> next(Time after) const;

  // The longest time between two activations that start within a year of `from`: what "younger than
  // its cron period" means for a Backup.
  Duration longest_gap(Time from) const;

 private:
  struct Field {
    uint64_t bits = 0;  // bit n: value n matches
    bool any = false;   // written as '*' or '?'
  };
  bool day_matches(int day, int month, int weekday) const;
  Field minute_, hour_, day_, month_, weekday_;
  Duration every_{0};  // "@every"; the fields are unused then
  std::string zone_;   // "" = UTC
};

}  // namespace breakwater
