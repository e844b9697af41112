#include "velero/findings.h"

#include <fmt/format.h>

namespace breakwater::velero {

void Findings::warning(const std::string& ns, std::string message) {
  warnings_[ns].insert(std::move(message));
}
void Findings::error(const std::string& ns, std::string message) {
  errors_[ns].insert(std::move(message));
}

void Findings::merge(const Findings& other) {
  for (const auto& [ns, messages] : other.warnings_)
    warnings_[ns].insert(messages.begin(), messages.end());
  for (const auto& [ns, messages] : other.errors_)
    errors_[ns].insert(messages.begin(), messages.end());
}

size_t Findings::count(const ByNamespace& messages) {
  size_t sum = 0;
  for (const auto& [ns, of_ns] : messages) sum += of_ns.size();
  return sum;
}

Json Findings::group(const ByNamespace& messages) {
  Json result = Json::object();
  for (const auto& [ns, of_ns] : messages) {
    Json::Array list(of_ns.begin(), of_ns.end());
    if (ns.empty()) {
      result.set("cluster", std::move(list));
    } else {
      result.set({"namespaces", ns}, std::move(list));
    }
  }
  return result;
}

Findings::ByNamespace Findings::ungroup(const Json& group) {
  ByNamespace result;
  auto take = [&result](const std::string& ns, const Json& list) {
    for (const Json& message : list.items())
      if (message.is_string()) result[ns].insert(message.as_string());
  };
  take("", group["velero"]);
  take("", group["cluster"]);
  for (const auto& [ns, list] : group["namespaces"].members()) take(ns, list);
  return result;
}

Json Findings::to_json() const {
  return Json::object({{"warnings", group(warnings_)}, {"errors", group(errors_)}});
}

Findings Findings::from_json(const Json& results) {
  Findings findings;
  findings.warnings_ = ungroup(results["warnings"]);
  findings.errors_ = ungroup(results["errors"]);
  return findings;
}

std::string Findings::to_log() const {
  std::string text;
  auto add = [&text](std::string_view level, const ByNamespace& messages) {
    for (const auto& [ns, of_ns] : messages)
      for (const std::string& message : of_ns) {
        text += fmt::format("level={} msg={}", level, breakwater::to_json(Json(message)));
        if (!ns.empty()) text += fmt::format(" namespace={}", ns);
        text += '\n';
      }
  };
  add("warning", warnings_);
  add("error", errors_);
  return text;
}

}  // namespace breakwater::velero
