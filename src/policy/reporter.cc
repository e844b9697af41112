#include "policy/reporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "api/kinds.h"

namespace breakwater::policy {
namespace {

using kube::Object;
using Weight = Finding::Weight;

constexpr size_t kLongestMessage = 4096;  // what the framework keeps
constexpr size_t kLongestFinding = 1024;  // so that one cannot hide all others
constexpr size_t kRoomForCount = 32;      // "; and 123456 more"
constexpr size_t kWorst = 20, kHistory = 10, kMostRelated = 100;

// At most `limit` bytes in one line, not cutting a UTF-8 sequence.
std::string one_line(std::string text, size_t limit) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  text.resize(limit);
  return text;
}

bool concerns_one_vm(const Finding& finding) { return finding.kind == api::kVirtualMachine; }

auto order_of(const Finding& finding) {
  return std::tuple(finding.weight, concerns_one_vm(finding), finding.kind.kind, finding.object,
                    finding.reason, finding.message);
}

std::string piece_of(const Finding& finding) {
  const char* type = finding.weight == Weight::kViolation ? "violation" : "notification";
  return one_line(fmt::format("{} - {} {}: {}: {}", type, finding.kind.kind,
                              finding.object.to_string(), finding.reason, finding.message),
                  kLongestFinding);
}

std::string joined(std::string text, const std::vector<std::string>& pieces) {
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool last = i + 1 == pieces.size();
    const size_t room = kLongestMessage - (last ? 0 : kRoomForCount);
    if (text.size() + 2 + pieces[i].size() > room) {
      return text + fmt::format("; and {} more", pieces.size() - i);
    }
    text += "; " + pieces[i];
  }
  return text;
}

std::string state_of(const std::vector<Finding>& sorted, const Evaluation& evaluation) {
  if (!sorted.empty() && sorted.front().weight == Weight::kViolation) return "NonCompliant";
  const bool waits = std::any_of(sorted.begin(), sorted.end(), [](const Finding& finding) {
    return finding.weight == Weight::kPending;
  });
  return waits || !evaluation.pending.empty() ? "Pending" : "Compliant";
}

Json findings_status(const std::vector<Finding>& sorted) {
  int64_t total = 0;
  Json worst = Json::array();
  for (const Finding& finding : sorted) {
    if (finding.weight == Weight::kNotice) continue;
    if (static_cast<size_t>(total++) >= kWorst) continue;
    worst.push_back(Json::object({{"kind", finding.kind.kind},
                                  {"namespace", finding.object.ns},
                                  {"name", finding.object.name},
                                  {"reason", finding.reason},
                                  {"message", one_line(finding.message, kLongestFinding)}}));
  }
  return Json::object({{"total", total}, {"worst", worst}});
}

std::string_view reason_of(Enforced::State state) {
  switch (state) {
    case Enforced::State::kAsWanted:
      return "Resource found as expected";
    case Enforced::State::kMissing:
      return "Resource not found but should exist";
    case Enforced::State::kDiffers:
      return "Resource found but does not match";
    case Enforced::State::kUnwanted:
      return "Resource found but should not exist";
  }
  return "";
}

Json related_object(const Enforced& object) {
  const bool fine = object.state == Enforced::State::kAsWanted;
  Json metadata = Json::object({{"name", object.key.name}});
  if (!object.key.ns.empty()) metadata.set("namespace", object.key.ns);
  Json properties = Json::object({{"createdByPolicy", object.created}});
  if (!object.uid.empty()) properties.set("uid", object.uid);
  return Json::object({{"object", Json::object({{"apiVersion", object.kind.api_version()},
                                                {"kind", object.kind.kind},
                                                {"metadata", metadata}})},
                       {"compliant", fine ? "Compliant" : "NonCompliant"},
                       {"reason", reason_of(object.state)},
                       {"properties", properties}});
}

Json related_objects(std::vector<Enforced> objects) {
  std::stable_sort(objects.begin(), objects.end(), [](const Enforced& a, const Enforced& b) {
    return std::tie(a.kind.kind, a.key) < std::tie(b.kind.kind, b.key);
  });
  if (objects.size() > kMostRelated) objects.resize(kMostRelated);
  Json list = Json::array();
  for (const Enforced& object : objects) list.push_back(related_object(object));
  return list;
}

// History keeps microseconds; the Event is named after the same instant.
Time to_micros(Time time) { return std::chrono::floor<std::chrono::microseconds>(time); }

Json history_with(const Json& before, const std::string& message, Time now) {
  Json history = Json::array(
      {Json::object({{"lastTimestamp", format_rfc3339_micro(now)}, {"message", message}})});
  for (const Json& entry : before.items()) {
    if (history.size() < kHistory) history.push_back(entry);
  }
  return history;
}

}  // namespace

std::vector<Finding> sorted_findings(const Evaluation& evaluation, const Enforcement& done) {
  std::vector<Finding> all = evaluation.findings;
  all.insert(all.end(), done.failures.begin(), done.failures.end());
  std::sort(all.begin(), all.end(),
            [](const Finding& a, const Finding& b) { return order_of(a) < order_of(b); });
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Compliance compliance_of(const Evaluation& evaluation, const Enforcement& done) {
  const std::vector<Finding> sorted = sorted_findings(evaluation, done);
  Compliance result;
  result.state = state_of(sorted, evaluation);
  std::vector<std::string> pieces;
  if (result.state == "Pending" && !evaluation.pending.empty()) {
    pieces.push_back(one_line(evaluation.pending, kLongestFinding));
  }
  if (result.state == "Compliant" && !evaluation.summary.empty()) {
    pieces.push_back("notification - " + one_line(evaluation.summary, kLongestFinding));
  }
  for (const Finding& finding : sorted) pieces.push_back(piece_of(finding));
  if (pieces.empty()) pieces.push_back("notification - nothing is wrong");
  result.message = joined(result.state, pieces);
  return result;
}

StatusUpdate status_after(const Report& report, Time now) {
  const Compliance compliance = compliance_of(report.evaluation, report.done);
  const Json& before = report.policy.status();
  const std::string& state_before = before["compliant"].as_string();
  const Json& newest = before["history"][0];
  StatusUpdate update;
  update.status = before.is_object() ? before : Json::object();
  if (newest["message"].as_string() != compliance.message || state_before.empty()) {
    const auto told = parse_rfc3339(newest["lastTimestamp"].as_string());
    update.held_back =
        state_before == compliance.state && told && now >= *told && now - *told < kQuietTime;
    update.announced = !update.held_back;
  }
  if (update.announced) {
    update.status.set("history", history_with(before["history"], compliance.message, now));
  }
  update.status.set("compliant", compliance.state);
  update.status.set("findings", findings_status(sorted_findings(report.evaluation, report.done)));
  update.status.set("relatedObjects", related_objects(report.done.objects));
  const bool removed = !report.evaluation.removal.empty() && report.evaluation.unwanted.empty();
  if (removed) {
    update.status.set("removed", report.evaluation.removal);
  } else {
    update.status.erase("removed");
  }
  for (const auto& [name, value] : report.extra.members()) {
    if (value.is_null()) {
      update.status.erase(name);
    } else {
      update.status.set(name, value);
    }
  }
  return update;
}

Object compliance_event(const Object& policy, const Compliance& compliance, Time time,
                        const std::string& component) {
  const Json* owner = nullptr;
  for (const Json& reference : policy.metadata()["ownerReferences"].items()) {
    if (reference["kind"].as_string() == api::kPolicy.kind && owner == nullptr) owner = &reference;
  }
  if (owner == nullptr) return Object();
  const std::string& parent = (*owner)["name"].as_string();
  const auto nanos = static_cast<uint64_t>(time.time_since_epoch().count());
  Object event = Object::make(api::kEvent, {policy.ns(), fmt::format("{}.{:x}", parent, nanos)});
  event.set({"involvedObject"}, Json::object({{"apiVersion", api::kPolicy.api_version()},
                                              {"kind", api::kPolicy.kind},
                                              {"namespace", policy.ns()},
                                              {"name", parent},
                                              {"uid", (*owner)["uid"]}}));
  event.set({"reason"}, fmt::format("policy: {}/{}", policy.ns(), policy.name()));
  event.set({"message"}, compliance.message);
  event.set({"type"}, compliance.state == "Compliant" ? "Normal" : "Warning");
  event.set({"firstTimestamp"}, format_rfc3339(time));
  event.set({"lastTimestamp"}, format_rfc3339(time));
  event.set({"count"}, 1);
  event.set({"action"}, "ComplianceStateUpdate");
  event.set({"related"}, Json::object({{"apiVersion", policy.api_version()},
                                       {"kind", policy.kind()},
                                       {"namespace", policy.ns()},
                                       {"name", policy.name()},
                                       {"uid", policy.uid()}}));
  event.set({"source", "component"}, component);
  event.set({"reportingComponent"}, component);
  return event;
}

Result<bool> Reporter::report(const Report& report) {
  const Time now = to_micros(clock_.now());
  const StatusUpdate update = status_after(report, now);
  if (!(update.status == report.policy.status())) {
    Object next = report.policy;
    next.set({"status"}, update.status);
    TRY(client_.update_status(report.kind, next));
  }
  if (!update.announced) return update.held_back;
  const Compliance compliance = compliance_of(report.evaluation, report.done);
  log_.info("compliance",
            {{"policy", report.policy.key().to_string()}, {"message", compliance.message}});
  const Object event = compliance_event(report.policy, compliance, now, component_);
  if (event.json().is_null()) return false;
  auto written = client_.create(api::kEvent, event);
  if (!written && !written.error().is(Code::kAlreadyExists)) {
    log_.warning("event not recorded", {{"policy", report.policy.key().to_string()},
                                        {"error", written.error().to_string()}});
  }
  return false;
}

}  // namespace breakwater::policy
