#include "policy/policy_status.h"

#include <algorithm>
#include <charconv>

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr size_t kKept = 10;
constexpr size_t kLongestMessage = 4096;

// One message of a history. `stamp` orders messages and names the event.
struct Entry {
  uint64_t stamp = 0;  // nanoseconds since the epoch
  std::string message;
};

std::string event_name(const std::string& policy, uint64_t stamp) {
  return fmt::format("{}.{:x}", policy, stamp);
}

uint64_t stamp_of(Time time) { return static_cast<uint64_t>(time.time_since_epoch().count()); }

uint64_t stamp_of(const Json& entry) {
  const auto time = parse_rfc3339(entry["lastTimestamp"].as_string());
  return time ? stamp_of(*time) : 0;
}

// The stamp in "<policy>.<hex>"; 0 if there is none.
uint64_t stamp_in(std::string_view event_name) {
  const size_t dot = event_name.rfind('.');
  if (dot == event_name.npos) return 0;
  uint64_t stamp = 0;
  const char* end = event_name.data() + event_name.size();
  const auto [stop, error] = std::from_chars(event_name.data() + dot + 1, end, stamp, 16);
  return error == std::errc() && stop == end ? stamp : 0;
}

// Cut between characters.
std::string shortened(const std::string& message) {
  if (message.size() <= kLongestMessage) return message;
  size_t end = kLongestMessage;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
  return message.substr(0, end);
}

Json old_detail(const Object& policy, const std::string& name) {
  for (const Json& detail : policy.status()["details"].items()) {
    if (detail.at({"templateMeta", "name"}).as_string() == name) return detail;
  }
  return {};
}

void add(std::vector<Entry>& entries, uint64_t stamp, const std::string& message) {
  const bool known = std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.stamp == stamp && entry.message == message;
  });
  if (!known && !message.empty()) entries.push_back({stamp, message});
}

// Newest first.
std::vector<Entry> history_of(const Json& old, const TemplateState& state, Time now) {
  std::vector<Entry> entries;
  for (const Json& entry : old["history"].items()) {
    const uint64_t stamp = stamp_in(entry["eventName"].as_string());
    add(entries, stamp != 0 ? stamp : stamp_of(entry), entry["message"].as_string());
  }
  if (state.object) {
    for (const Json& entry : state.object->status()["history"].items()) {
      add(entries, stamp_of(entry), shortened(entry["message"].as_string()));
    }
  }
  const auto newer = [](const Entry& a, const Entry& b) { return a.stamp > b.stamp; };
  std::stable_sort(entries.begin(), entries.end(), newer);
  const std::string message = shortened(state.message);
  if (!message.empty() && (entries.empty() || entries.front().message != message)) {
    const uint64_t after = entries.empty() ? 0 : entries.front().stamp + 1;
    entries.insert(entries.begin(), Entry{std::max(stamp_of(now), after), message});
  }
  if (entries.size() > kKept) entries.resize(kKept);
  return entries;
}

Json detail_of(const Object& policy, const TemplateState& state, Time now) {
  const std::vector<Entry> entries = history_of(old_detail(policy, state.name), state, now);
  Json detail = Json::object();
  detail.set({"templateMeta", "name"}, state.name);
  Json history = Json::array();
  for (const Entry& entry : entries) {
    const Time time{Duration(static_cast<int64_t>(entry.stamp))};
    history.push_back(Json::object({{"lastTimestamp", format_rfc3339(time)},
                                    {"message", entry.message},
                                    {"eventName", event_name(policy.name(), entry.stamp)}}));
  }
  std::string compliant;
  if (!entries.empty()) {
    compliant = compliance_in(entries.front().message);
  } else if (state.object) {
    compliant = state.object->status()["compliant"].as_string();
  }
  if (!compliant.empty()) detail.set("compliant", compliant);
  detail.set("history", std::move(history));
  return detail;
}

// Nothing while a template has not spoken and none is in trouble.
std::optional<std::string> overall(const Json& details) {
  bool silent = false, pending = false;
  for (const Json& detail : details.items()) {
    const std::string& compliant = detail["compliant"].as_string();
    if (compliant == "NonCompliant") return compliant;
    pending = pending || compliant == "Pending";
    silent = silent || compliant.empty();
  }
  if (pending) return "Pending";
  if (silent || details.empty()) return std::nullopt;
  return "Compliant";
}

// Any case of letters; `word` is in lower case.
bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char wanted, char given) {
           return wanted == (given >= 'A' && given <= 'Z' ? given - 'A' + 'a' : given);
         });
}

}  // namespace

std::string_view compliance_in(std::string_view message) {
  if (starts_with_word(message, "compliant")) return "Compliant";
  if (starts_with_word(message, "pending")) return "Pending";
  return "NonCompliant";
}

Json policy_status(const Object& policy, const std::vector<TemplateState>& templates, Time now) {
  Json details = Json::array();
  for (const TemplateState& state : templates) details.push_back(detail_of(policy, state, now));
  Json status = policy.status();
  if (const auto compliant = overall(details)) status.set("compliant", *compliant);
  status.set("details", std::move(details));
  return status;
}

bool must_speak_again(const Object& policy, const TemplateState& state) {
  if (!state.message.empty() || !state.object) return false;
  if (state.object->status()["compliant"].as_string().empty()) return false;
  const Json detail = old_detail(policy, state.name);
  const Json& newest = detail["history"][0];
  const std::string& message = newest["message"].as_string();
  const bool ours = message.find("; template-error; ") != message.npos ||
                    message.find("; Dependencies were not satisfied") != message.npos;
  if (!ours) return false;
  const uint64_t said = stamp_in(newest["eventName"].as_string());
  return stamp_of(state.object->status()["history"][0]) <= said;
}

}  // namespace breakwater::policy
