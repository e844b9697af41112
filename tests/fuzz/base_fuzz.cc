// Parsers of base/.
#include <algorithm>
#include <chrono>

#include "base/cron.h"
#include "base/encoding.h"
#include "base/quantity.h"
#include "base/time.h"
#include "base/yaml.h"
#include "tests/fuzz/fuzz.h"

namespace breakwater::fuzz {
namespace {

bool count_down(const Json& value, size_t& left) {
  if (left == 0) return false;
  --left;
  const auto fits = [&](const auto& child) { return count_down(child, left); };
  const auto member_fits = [&](const Json::Member& member) { return fits(member.second); };
  return std::ranges::all_of(value.items(), fits) &&
         std::ranges::all_of(value.members(), member_fits);
}

}  // namespace

bool is_small(const Json& value, size_t limit) { return count_down(value, limit); }

void fuzz_json(std::string_view input) {
  const auto value = parse_json(input);
  if (!value) return;
  for (const int indent : {-1, 2}) {
    const auto again = parse_json(to_json(*value, indent));
    CHECK(again && *again == *value);
    CHECK(to_json(*again) == to_json(*value));
  }
}

void fuzz_yaml(std::string_view input) {
  const auto documents = parse_yaml(input);
  if (!documents) return;
  for (const Json& document : *documents) {
    if (document.is_null() || !is_small(document, 10'000)) continue;
    const auto again = parse_yaml(to_yaml(document));
    CHECK(again && again->size() == 1 && again->front() == document);
  }
}

void fuzz_cron(std::string_view input) {
  const auto cron = Cron::parse(input);
  if (!cron) return;
  const Time start = Time(std::chrono::sys_days(std::chrono::year(2026) / 3 / 28));
  Time last = start;
  for (int i = 0; i < 5; ++i) {
    const auto next = cron->next(last);
    if (!next) break;
    CHECK(*next > last);
    last = *next;
  }
  const Duration gap = cron->longest_gap(start);
  CHECK(gap >= Duration(0));
  const auto first = cron->next(start);
  const auto second = first ? cron->next(*first) : first;
  if (second && *first < start + std::chrono::days(365)) CHECK(*second - *first <= gap);
}

void fuzz_quantity(std::string_view input) {
  const auto value = parse_quantity(input);
  if (!value) return;
  CHECK(*value >= 0);
  const auto again = parse_quantity(format_quantity(*value));
  CHECK(again && *again == *value);
  CHECK(!format_bytes(static_cast<uint64_t>(*value)).empty());
}

void fuzz_time(std::string_view input) {
  const auto time = parse_rfc3339(input);
  if (!time) return;
  const std::string text = format_rfc3339_nano(*time);
  // An offset may carry a time across the first or last year that is read.
  if (text < "1678" || text >= "2262") return;
  const auto again = parse_rfc3339(text);
  CHECK(again && *again == *time);
  const auto whole = parse_rfc3339(format_rfc3339(*time));
  CHECK(whole && *whole <= *time && *time - *whole < std::chrono::seconds(1));
}

void fuzz_duration(std::string_view input) {
  const auto duration = parse_duration(input);
  if (!duration) return;
  const auto again = parse_duration(format_duration(*duration));
  CHECK(again && *again == *duration);
}

// Hex, base64 and percent-encoding of one text: each is tried as what it may be and as bytes to
// encode.
void fuzz_encoding(std::string_view input) {
  const ByteSpan bytes = as_bytes(input);
  const auto same = [&](const auto& decoded) { return decoded && as_text(*decoded) == input; };
  CHECK(same(from_hex(to_hex(bytes))));
  CHECK(same(from_base64(to_base64(bytes))));
  const auto url = url_decode(url_encode(input));
  CHECK(url && *url == input);
  if (const auto decoded = from_hex(input)) CHECK(*from_hex(to_hex(*decoded)) == *decoded);
  if (const auto decoded = from_base64(input)) CHECK(*from_base64(to_base64(*decoded)) == *decoded);
  (void)url_decode(input, true);
}

}  // namespace breakwater::fuzz
