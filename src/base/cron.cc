#include "base/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <vector>

#include "base/time_zone.h"

namespace breakwater {

namespace {

constexpr int64_t kDaySeconds = 86400;

struct FieldKind {
  std::string_view name;
  int first, last;
  std::span<const std::string_view> names;  // of first, first + 1, …
};

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};
constexpr std::array<FieldKind, 5> kFields = {{{"minute", 0, 59, {}},
                                               {"hour", 0, 23, {}},
                                               {"day of month", 1, 31, {}},
                                               {"month", 1, 12, kMonths},
                                               {"day of week", 0, 6, kWeekdays}}};

struct Descriptor {
  std::string_view name, fields;
};
constexpr std::array<Descriptor, 7> kDescriptors = {{{"@yearly", "0 0 1 1 *"},
                                                     {"@annually", "0 0 1 1 *"},
                                                     {"@monthly", "0 0 1 * *"},
                                                     {"@weekly", "0 0 * * 0"},
                                                     {"@daily", "0 0 * * *"},
                                                     {"@midnight", "0 0 * * *"},
                                                     {"@hourly", "0 * * * *"}}};

std::vector<std::string_view> split_at(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return parts;
    text.remove_prefix(start);
    parts.push_back(text.substr(0, text.find_first_of(separators)));
    text.remove_prefix(parts.back().size());
  }
}

// Rounds towards the past, as a Time may lie before 1970.
int64_t floor_div(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

int64_t seconds_of(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

tl::unexpected<Error> bad_field(const FieldKind& kind, std::string_view text) {
  return fail(Code::kInvalid,
              "the {} field of a cron expression is \"{}\", but may hold {} to {}{}, '*', ranges, "
              "lists and steps",
              kind.name, text, kind.first, kind.last,
              kind.names.empty()
                  ? std::string()
                  : fmt::format(" or {} to {}", kind.names.front(), kind.names.back()));
}

// One number or name; -1 if it is neither.
int parse_value(const FieldKind& kind, std::string_view text) {
  if (text.empty() || text.size() > 6) return -1;
  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    int value = 0;
    for (const char c : text) value = value * 10 + (c - '0');
    return value;
  }
  for (size_t i = 0; i < kind.names.size(); ++i) {
    const bool same = std::equal(text.begin(), text.end(), kind.names[i].begin(),
                                 kind.names[i].end(), [](char a, char b) { return (a | 32) == b; });
    if (same) return kind.first + static_cast<int>(i);
  }
  return -1;
}

// "*", "7", "7-9", each with an optional "/2". False if malformed.
bool parse_part(const FieldKind& kind, std::string_view part, uint64_t& bits, bool& any) {
  const size_t slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  int step = 1;
  if (slash != std::string_view::npos) {
    step = parse_value({kind.name, 0, 0, {}}, part.substr(slash + 1));
    if (step < 1) return false;
  }
  int first = kind.first;
  int last = kind.last;
  if (range == "*" || range == "?") {
    any |= step == 1;
  } else {
    const size_t dash = range.find('-');
    first = parse_value(kind, range.substr(0, dash));
    if (dash != std::string_view::npos) {
      last = parse_value(kind, range.substr(dash + 1));
    } else if (slash == std::string_view::npos) {
      last = first;
    }
  }
  if (first < kind.first || last > kind.last || first > last) return false;
  for (int value = first; value <= last; value += step) bits |= uint64_t{1} << value;
  return true;
}

struct Calendar {
  int year, month, day, weekday;
};

Calendar calendar_of(int64_t days) {
  const std::chrono::sys_days point{std::chrono::days(days)};
  const std::chrono::year_month_day date(point);
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(std::chrono::weekday(point).c_encoding())};
}

int64_t first_of_next_month(const Calendar& date) {
  const auto next =
      std::chrono::year(date.year) / std::chrono::month(static_cast<unsigned>(date.month)) +
      std::chrono::months(1);
  return std::chrono::sys_days(next / std::chrono::day(1)).time_since_epoch().count();
}

}  // namespace

Result<Cron::Field> Cron::parse_field(size_t index, std::string_view text) {
  const FieldKind& kind = kFields[index];
  Field field;
  const auto parts = split_at(text, ",");
  if (parts.empty()) return bad_field(kind, text);
  for (const std::string_view part : parts) {
    if (!parse_part(kind, part, field.bits, field.any)) return bad_field(kind, text);
  }
  return field;
}

Result<Cron> Cron::parse(std::string_view text) {
  Cron cron;
  std::string_view rest = text;
  for (const std::string_view prefix : {"TZ=", "CRON_TZ="}) {
    if (!rest.starts_with(prefix)) continue;
    const std::string_view name = rest.substr(prefix.size(), rest.find(' ') - prefix.size());
    cron.zone_ = std::make_shared<const TimeZone>(TRY(TimeZone::load(name)));
    rest.remove_prefix(std::min(prefix.size() + name.size(), rest.size()));
    break;
  }
  const auto words = split_at(rest, " \t\n\v\f\r");
  if (words.empty()) return fail(Code::kInvalid, "the cron expression is empty");
  if (words[0].starts_with('@')) return parse_descriptor(std::move(cron), words);
  if (words.size() != kFields.size()) {
    return fail(Code::kInvalid,
                "the cron expression \"{}\" has {} fields instead of 5 (minute, hour, day of "
                "month, month, day of week)",
                text, words.size());
  }
  Field* const fields[] = {&cron.minute_, &cron.hour_, &cron.day_, &cron.month_, &cron.weekday_};
  for (size_t i = 0; i < words.size(); ++i) *fields[i] = TRY(parse_field(i, words[i]));
  return cron;
}

Result<Cron> Cron::parse_descriptor(Cron cron, std::span<const std::string_view> words) {
  if (words[0] == "@every" && words.size() == 2) {
    cron.every_ = TRY(while_doing(parse_duration(words[1]), "reading the interval of @every"));
    if (cron.every_ <= Duration(0)) {
      return fail(Code::kInvalid, "the interval \"{}\" of @every is not positive", words[1]);
    }
    cron.every_ = std::max<Duration>(std::chrono::floor<std::chrono::seconds>(cron.every_),
                                     std::chrono::seconds(1));
    return cron;
  }
  for (const Descriptor& descriptor : kDescriptors) {
    if (words.size() != 1 || words[0] != descriptor.name) continue;
    Cron fields = TRY(parse(descriptor.fields));
    fields.zone_ = std::move(cron.zone_);
    return fields;
  }
  return fail(Code::kInvalid,
              "\"{}\" is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly "
              "and @every <duration>",
              fmt::join(words, " "));
}

bool Cron::day_matches(int day, int month, int weekday) const {
  if (!month_.has(month)) return false;
  const bool by_day = day_.has(day);
  const bool by_weekday = weekday_.has(weekday);
  return day_.any || weekday_.any ? by_day && by_weekday : by_day || by_weekday;
}

// The first matching local time at or after `from`, in local seconds, before `limit`.
std::optional<int64_t> Cron::next_local(int64_t from, int64_t limit) const {
  int64_t day = floor_div(from, kDaySeconds);
  auto minute = static_cast<int>((from - day * kDaySeconds + 59) / 60);
  while (day * kDaySeconds < limit) {
    const Calendar date = calendar_of(day);
    if (!month_.has(date.month)) {
      day = first_of_next_month(date);
      minute = 0;
      continue;
    }
    if (day_matches(date.day, date.month, date.weekday)) {
      for (int hour = minute / 60; hour < 24; ++hour, minute = 0) {
        if (!hour_.has(hour)) continue;
        const uint64_t later = minute_.bits >> (minute % 60);
        if (later == 0) continue;
        const int found = minute % 60 + std::countr_zero(later);
        const int64_t time = day * kDaySeconds + hour * 3600 + found * 60;
        if (time >= limit) return std::nullopt;
        return time;
      }
    }
    ++day;
    minute = 0;
  }
  return std::nullopt;
}

std::optional<Time> Cron::next(Time after) const {
  if (every_ > Duration(0)) return std::chrono::floor<std::chrono::seconds>(after) + every_;
  int64_t time = seconds_of(after) + 1;
  const int64_t horizon = time + 5 * 366 * kDaySeconds;
  // Within one period of the zone, local time is UTC plus a constant. A local time that summer time
  // skips is never reached; one that comes twice matches twice.
  while (time < horizon) {
    TimeZone::Period period;
    if (zone_) period = zone_->at(time);
    const int64_t end = std::min(period.until, horizon);
    if (const auto local = next_local(time + period.offset, end + period.offset)) {
      return Time(std::chrono::seconds(*local - period.offset));
    }
    time = end;
  }
  return std::nullopt;
}

Cron::DayPattern Cron::day_pattern() const {
  DayPattern pattern;
  bool found = false;
  for (int minute = 0; minute < 24 * 60; ++minute) {
    if (!hour_.has(minute / 60) || !minute_.has(minute % 60)) continue;
    const int64_t time = int64_t{60} * minute;
    if (found) pattern.gap = std::max(pattern.gap, time - pattern.last);
    if (!found) pattern.first = time;
    pattern.last = time;
    found = true;
  }
  return pattern;
}

Duration Cron::longest_gap(Time from) const {
  if (every_ > Duration(0)) return every_;
  const DayPattern pattern = day_pattern();
  const Time end = from + std::chrono::days(365);
  Duration longest(0);
  std::optional<Time> time = next(from - std::chrono::seconds(1));
  while (time && (*time < end || longest == Duration(0))) {
    const int64_t now = seconds_of(*time);
    TimeZone::Period period;
    if (zone_) period = zone_->at(now);
    const int64_t local = now + period.offset;
    const int64_t midnight = floor_div(local, kDaySeconds) * kDaySeconds;
    const int64_t last = midnight + pattern.last - period.offset;
    // The activations of a day with one offset lie as on every other such day: skip to the last.
    if (local == midnight + pattern.first && last < period.until) {
      longest = std::max<Duration>(longest, std::chrono::seconds(pattern.gap));
      time = Time(std::chrono::seconds(last));
    }
    const std::optional<Time> following = next(*time);
    if (following) longest = std::max(longest, *following - *time);
    time = following;
  }
  return longest;
}

}  // namespace breakwater
