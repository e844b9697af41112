#include "base/time_zone.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/file.h"

namespace breakwater {

namespace {

constexpr int64_t kDay = 86400;

int64_t days_of(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                               std::chrono::day(day))
      .time_since_epoch()
      .count();
}

int64_t big_endian(std::string_view bytes) {
  uint64_t value = bytes[0] < 0 ? ~uint64_t{0} : 0;  // sign extension
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<int64_t>(value);
}

// The six counts in the header of a TZif block.
struct Counts {
  size_t ut, standard, leap, times, types, chars;
  size_t size(size_t time_size) const {
    return times * time_size + times + types * 6 + chars + leap * (time_size + 4) + standard + ut;
  }
};

constexpr size_t kHeader = 44;

std::optional<Counts> read_header(std::string_view data) {
  if (data.size() < kHeader || !data.starts_with("TZif")) return std::nullopt;
  std::array<size_t, 6> counts;
  for (size_t i = 0; i < counts.size(); ++i) {
    counts[i] = static_cast<size_t>(big_endian(data.substr(20 + 4 * i, 4)));
    if (counts[i] > data.size()) return std::nullopt;
  }
  return Counts{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int> take_number(std::string_view& text) {
  size_t digits = 0;
  int value = 0;
  while (digits < text.size() && digits < 4 && text[digits] >= '0' && text[digits] <= '9') {
    value = value * 10 + (text[digits++] - '0');
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

// [+-]hh[:mm[:ss]] in seconds.
std::optional<int64_t> take_time(std::string_view& text) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  int64_t seconds = 0;
  int64_t unit = 3600;
  do {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    seconds += *number * unit;
    unit /= 60;
  } while (unit > 0 && take(text, ':'));
  return negative ? -seconds : seconds;
}

// "CET" or "<+03>".
bool take_name(std::string_view& text) {
  size_t length = 0;
  if (text.starts_with('<')) {
    length = text.find('>');
    if (length == std::string_view::npos) return false;
    ++length;
  } else {
    length = std::min(text.find_first_of("0123456789+-,"), text.size());
  }
  text.remove_prefix(length);
  return length >= 3;
}

}  // namespace

int64_t TimeZone::Change::in_year(int year) const {
  namespace chr = std::chrono;
  int64_t days = days_of(year, 1, 1);
  if (form == Form::kJulian) {  // 1 to 365, 29 February is not counted
    days += day - 1 + (chr::year(year).is_leap() && day >= 60 ? 1 : 0);
  } else if (form == Form::kDayOfYear) {
    days += day;
  } else {
    const auto in_month = chr::year(year) / chr::month(static_cast<unsigned>(month));
    const chr::weekday weekday(static_cast<unsigned>(day));
    const chr::sys_days date = week == 5 ? chr::sys_days(in_month / weekday[chr::last])
                                         : chr::sys_days(in_month / weekday[week]);
    days = date.time_since_epoch().count();
  }
  return days * kDay + seconds;
}

std::optional<TimeZone::Change> TimeZone::parse_change(std::string_view& text) {
  Change change{Change::Form::kDayOfYear, 1, 1, 0, 2 * 3600};
  if (!take(text, ',')) return std::nullopt;
  if (take(text, 'M')) {
    change.form = Change::Form::kMonthWeekDay;
    const auto month = take_number(text);
    if (!month || *month < 1 || *month > 12 || !take(text, '.')) return std::nullopt;
    const auto week = take_number(text);
    if (!week || *week < 1 || *week > 5 || !take(text, '.')) return std::nullopt;
    change.month = *month;
    change.week = *week;
  } else if (take(text, 'J')) {
    change.form = Change::Form::kJulian;
  }
  const auto day = take_number(text);
  if (!day || *day > (change.form == Change::Form::kMonthWeekDay ? 6 : 365)) return std::nullopt;
  change.day = *day;
  if (take(text, '/')) {
    const auto seconds = take_time(text);
    if (!seconds) return std::nullopt;
    change.seconds = *seconds;
  }
  return change;
}

std::optional<TimeZone::Rule> TimeZone::parse_rule(std::string_view text) {
  Rule rule;
  if (!take_name(text)) return std::nullopt;
  const auto west = take_time(text);  // POSIX counts westwards
  if (!west) return std::nullopt;
  rule.standard = -*west;
  if (text.empty()) return rule;
  if (!take_name(text)) return std::nullopt;
  rule.summer = rule.standard + 3600;
  if (!text.starts_with(',')) {
    const auto summer_west = take_time(text);
    if (!summer_west) return std::nullopt;
    rule.summer = -*summer_west;
  }
  rule.begin = parse_change(text);
  rule.end = parse_change(text);
  if (!rule.begin || !rule.end || !text.empty()) return std::nullopt;
  return rule;
}

std::optional<TimeZone> TimeZone::parse(std::string_view data) {
  const auto first = read_header(data);
  if (!first || data[4] < '2') return std::nullopt;
  // The first block has 32-bit times and is there for old readers only.
  if (data.size() < kHeader + first->size(4)) return std::nullopt;
  data.remove_prefix(kHeader + first->size(4));
  const auto counts = read_header(data);
  if (!counts || data.size() < kHeader + counts->size(8) || counts->types == 0) return std::nullopt;
  data.remove_prefix(kHeader);
  const std::string_view times = data.substr(0, counts->times * 8);
  const std::string_view indexes = data.substr(times.size(), counts->times);
  const std::string_view types = data.substr(times.size() + indexes.size(), counts->types * 6);
  std::string_view footer = data.substr(counts->size(8));

  TimeZone zone;
  zone.first_offset_ = big_endian(types.substr(0, 4));
  for (size_t i = 0; i < counts->times; ++i) {
    const auto type = static_cast<unsigned char>(indexes[i]);
    if (type >= counts->types) return std::nullopt;
    zone.transitions_.push_back(
        {big_endian(times.substr(8 * i, 8)), big_endian(types.substr(size_t{6} * type, 4))});
  }
  if (take(footer, '\n')) footer = footer.substr(0, footer.find('\n'));
  if (!footer.empty()) zone.rule_ = parse_rule(footer);
  return zone;
}

Result<TimeZone> TimeZone::load(std::string_view name, const std::filesystem::path& database) {
  if (name.empty() || name == "UTC") return TimeZone();
  const bool plain = name.front() != '/' && name.find("..") == std::string_view::npos &&
                     name.find('\\') == std::string_view::npos &&
                     name.find('\0') == std::string_view::npos;
  if (!plain) return fail(Code::kInvalid, "\"{}\" is no time zone", name);
  const auto data = read_file(database / name);
  if (!data) return fail(Code::kInvalid, "unknown time zone \"{}\"", name);
  auto zone = parse(*data);
  if (!zone) return fail(Code::kInvalid, "time zone \"{}\" has a damaged file", name);
  return *std::move(zone);
}

TimeZone::Period TimeZone::by_rule(int64_t time) const {
  if (!rule_->begin) return {rule_->standard, INT64_MAX};
  const std::chrono::year_month_day date{
      std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(time)))};
  const int year = static_cast<int>(date.year());
  // The changes around `time`, each with the offset that holds after it.
  std::vector<Transition> changes;
  for (int each = year - 1; each <= year + 1; ++each) {
    changes.push_back({rule_->begin->in_year(each) - rule_->standard, rule_->summer});
    changes.push_back({rule_->end->in_year(each) - rule_->summer, rule_->standard});
  }
  std::sort(changes.begin(), changes.end(),
            [](const Transition& a, const Transition& b) { return a.time < b.time; });
  const auto next = std::upper_bound(changes.begin(), changes.end(), time,
                                     [](int64_t t, const Transition& c) { return t < c.time; });
  return {std::prev(next)->offset, next->time};
}

TimeZone::Period TimeZone::at(int64_t time) const {
  const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), time,
                                     [](int64_t t, const Transition& c) { return t < c.time; });
  if (next != transitions_.end()) {
    return {next == transitions_.begin() ? first_offset_ : std::prev(next)->offset, next->time};
  }
  if (rule_) return by_rule(time);
  return {transitions_.empty() ? first_offset_ : transitions_.back().offset, INT64_MAX};
}

}  // namespace breakwater
