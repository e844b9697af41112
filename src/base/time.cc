#include "base/time.h"

#include <array>
#include <cstdint>

namespace breakwater {

namespace {

struct Parts {
  int year, hour, minute, second;
  unsigned month, day;
  int64_t nanos;
};

Parts split(Time time) {
  // Not floor<days>(): at the first day that a Time can hold it overflows.
  constexpr int64_t kDay = Duration(std::chrono::days(1)).count();
  const int64_t count = time.time_since_epoch().count();
  const int64_t in_day = (count % kDay + kDay) % kDay;
  const int64_t days = count / kDay - (count % kDay < 0 ? 1 : 0);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  const std::chrono::hh_mm_ss clock{Duration(in_day)};
  return {static_cast<int>(date.year()),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          clock.subseconds().count()};
}

std::string seconds_text(const Parts& parts) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.year, parts.month, parts.day,
                     parts.hour, parts.minute, parts.second);
}

// Takes exactly `count` digits off the front of `text`; -1 if they are not there.
int take_digits(std::string_view& text, size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_char(std::string_view& text, std::string_view one_of) {
  if (text.empty() || one_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Digits after a decimal point as nanoseconds, cut after the ninth. False if there is none.
bool take_fraction(std::string_view& text, int64_t& nanos) {
  int64_t unit = 100'000'000;
  const size_t before = text.size();
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    nanos += unit * (text.front() - '0');
    unit /= 10;
    text.remove_prefix(1);
  }
  return text.size() < before;
}

// "Z" or "+hh:mm", as seconds east of Greenwich.
bool take_offset(std::string_view& text, int& seconds) {
  if (take_char(text, "Zz")) return true;
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!take_char(text, "+-")) return false;
  const int hours = take_digits(text, 2);
  if (hours < 0 || hours > 23 || !take_char(text, ":")) return false;
  const int minutes = take_digits(text, 2);
  if (minutes < 0 || minutes > 59) return false;
  seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

struct Unit {
  std::string_view name;
  int64_t nanos;
};
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"\u00b5s", 1'000},
                                         {"\u03bcs", 1'000},
                                         {"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000}}};

// One "1.5h" of a duration, in nanoseconds; -1 if malformed or too large.
__int128 take_term(std::string_view& text) {
  int64_t whole = 0;
  int64_t fraction = 0;
  int64_t scale = 1;
  bool digits = false;
  bool after_point = false;
  for (; !text.empty(); text.remove_prefix(1)) {
    const char c = text.front();
    if (c == '.' && !after_point) {
      after_point = true;
    } else if (c >= '0' && c <= '9') {
      digits = true;
      if (!after_point) {
        if (whole > (INT64_MAX - (c - '0')) / 10) return -1;
        whole = whole * 10 + (c - '0');
      } else if (scale < 1'000'000'000'000'000) {
        fraction = fraction * 10 + (c - '0');
        scale *= 10;
      }
    } else {
      break;
    }
  }
  if (!digits) return -1;
  const std::string_view name = text.substr(0, text.find_first_of(".0123456789"));
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    text.remove_prefix(name.size());
    return static_cast<__int128>(whole) * unit.nanos +
           static_cast<__int128>(fraction) * unit.nanos / scale;
  }
  return -1;
}

// `value` in units of `unit` as a decimal without trailing zeros.
std::string decimal(uint64_t value, uint64_t unit) {
  std::string text = std::to_string(value / unit);
  uint64_t rest = value % unit;
  if (rest == 0) return text;
  text += '.';
  while (rest > 0) {
    unit /= 10;
    text += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return text;
}

}  // namespace

std::string format_rfc3339(Time time) { return seconds_text(split(time)) + "Z"; }

std::string format_rfc3339_micro(Time time) {
  const Parts parts = split(time);
  return fmt::format("{}.{:06}Z", seconds_text(parts), parts.nanos / 1000);
}

std::string format_rfc3339_nano(Time time) {
  const Parts parts = split(time);
  if (parts.nanos == 0) return seconds_text(parts) + "Z";
  std::string text = fmt::format("{}.{:09}", seconds_text(parts), parts.nanos);
  text.erase(text.find_last_not_of('0') + 1);
  return text + "Z";
}

std::string format_compact(Time time) {
  const Parts parts = split(time);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", parts.year, parts.month, parts.day,
                     parts.hour, parts.minute, parts.second);
}

Result<Time> parse_rfc3339(std::string_view text) {
  const auto malformed = [text] {
    return fail(Code::kInvalid, "\"{}\" is no RFC 3339 time", text);
  };
  std::string_view rest = text;
  const int year = take_digits(rest, 4);
  if (year < 0 || !take_char(rest, "-")) return malformed();
  const int month = take_digits(rest, 2);
  if (month < 0 || !take_char(rest, "-")) return malformed();
  const int day = take_digits(rest, 2);
  if (day < 0 || !take_char(rest, "Tt")) return malformed();
  const int hour = take_digits(rest, 2);
  if (hour < 0 || hour > 23 || !take_char(rest, ":")) return malformed();
  const int minute = take_digits(rest, 2);
  if (minute < 0 || minute > 59 || !take_char(rest, ":")) return malformed();
  const int second = take_digits(rest, 2);
  if (second < 0 || second > 59) return malformed();
  int64_t nanos = 0;
  if (take_char(rest, ".") && !take_fraction(rest, nanos)) return malformed();
  int offset = 0;
  if (!take_offset(rest, offset) || !rest.empty()) return malformed();
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return malformed();
  // What 64 bits of nanoseconds can hold.
  if (year < 1678 || year > 2261) {
    return fail(Code::kInvalid, "\"{}\" lies outside the years 1678 to 2261", text);
  }
  return Time(std::chrono::sys_days(date)) +
         std::chrono::seconds(hour * 3600 + minute * 60 + second - offset) + Duration(nanos);
}

Result<Duration> parse_duration(std::string_view text) {
  const auto malformed = [text] {
    return fail(Code::kInvalid, "\"{}\" is no duration such as 1h30m or 500ms", text);
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  take_char(rest, "+-");
  if (rest == "0") return Duration(0);
  if (rest.empty()) return malformed();
  __int128 total = 0;
  while (!rest.empty()) {
    const __int128 term = take_term(rest);
    if (term < 0) return malformed();
    total += term;
    if (total > __int128{INT64_MAX} + (negative ? 1 : 0)) return malformed();
  }
  return Duration(static_cast<int64_t>(negative ? -total : total));
}

std::string format_duration(Duration duration) {
  const int64_t count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  const auto bits = static_cast<uint64_t>(count);
  const uint64_t nanos = count < 0 ? 0 - bits : bits;
  if (nanos < 1'000) return fmt::format("{}{}ns", sign, nanos);
  if (nanos < 1'000'000) return fmt::format("{}{}\u00b5s", sign, decimal(nanos, 1'000));
  if (nanos < 1'000'000'000) return fmt::format("{}{}ms", sign, decimal(nanos, 1'000'000));
  const uint64_t hours = nanos / 3'600'000'000'000;
  const uint64_t minutes = nanos / 60'000'000'000 % 60;
  const std::string seconds = decimal(nanos % 60'000'000'000, 1'000'000'000);
  if (hours > 0) return fmt::format("{}{}h{}m{}s", sign, hours, minutes, seconds);
  if (minutes > 0) return fmt::format("{}{}m{}s", sign, minutes, seconds);
  return fmt::format("{}{}s", sign, seconds);
}

}  // namespace breakwater
