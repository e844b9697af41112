// Points in time and durations, and their texts in Kubernetes and Go.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

namespace breakwater {

using Duration = std::chrono::nanoseconds;
// Wall-clock time, UTC. A default Time is 1970-01-01.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

// "2026-11-21T03:39:21Z", as metadata.creationTimestamp is written; the fraction is cut off.
std::string format_rfc3339(Time time);
// "2026-11-21T03:39:21.123456Z", always six digits, as Lease and Event times are written.
std::string format_rfc3339_micro(Time time);
// Nanoseconds with trailing zeros trimmed, as Go's RFC3339Nano and so restic write times.
std::string format_rfc3339_nano(Time time);
// "20261121033921", the suffix of a Backup made by a Schedule.
std::string format_compact(Time time);
// Any RFC 3339 time with any fraction and any offset.
Result<Time> parse_rfc3339(std::string_view text);

// Go's duration syntax: "1h30m", "10m0s", "250ms", "-1.5h". "0" is zero.
Result<Duration> parse_duration(std::string_view text);
// As Go prints durations: "24h0m0s", "1.5s", "0s".
std::string format_duration(Duration duration);

}  // namespace breakwater
