#include "mover/worker_pod.h"

#include "api/kinds.h"
#include "api/names.h"
#include "mover/children.h"

namespace breakwater::mover {
namespace {

using kube::Object;

constexpr std::string_view kVolumeName = "volume";
constexpr std::string_view kBaseName = "parent-volume";
constexpr std::string_view kFilesystem = "Filesystem";
constexpr int kGraceSeconds = 20;

// The codes that code_name() writes and that a worker may end with.
Code code_of(std::string_view name) {
  for (const Code code : {Code::kNotFound, Code::kAlreadyExists, Code::kConflict, Code::kInvalid,
                          Code::kForbidden, Code::kUnauthorized, Code::kTimeout, Code::kUnavailable,
                          Code::kUnsupported, Code::kCorrupt, Code::kCancelled}) {
    if (code_name(code) == name) return code;
  }
  return Code::kInternal;
}

WorkerReport read_end(const Object& pod, const Json& terminated) {
  WorkerReport report;
  const std::string& text = terminated["message"].as_string();
  const Json message = parse_json(text).value_or(Json());
  if (message.has("error")) {
    report.state = WorkerReport::State::kFailed;
    report.error = Error(code_of(message["code"].as_string()), message["error"].as_string());
    report.message = message["error"].as_string();
    return report;
  }
  if (pod.phase() == "Succeeded" && message["snapshotID"].is_string()) {
    report.state = WorkerReport::State::kSucceeded;
    report.result = message;
    return report;
  }
  // A reason of the pod itself (NodeLost, Evicted, Terminated, …) is none of the worker's.
  const std::string& outside = pod.status()["reason"].as_string();
  report.state = outside.empty() ? WorkerReport::State::kDied : WorkerReport::State::kLost;
  const std::string& reason = outside.empty() ? terminated["reason"].as_string() : outside;
  report.message = fmt::format("worker pod {} ended without a result: {} (exit code {})",
                               pod.key().to_string(), reason, terminated["exitCode"].as_int(-1));
  if (!text.empty()) report.message += ": " + text.substr(0, 300);
  return report;
}

Json from_secret(std::string_view variable, const api::SecretSelector& secret) {
  Json env = Json::object({{"name", variable}});
  env.set({"valueFrom", "secretKeyRef", "name"}, secret.name);
  env.set({"valueFrom", "secretKeyRef", "key"}, secret.key);
  return env;
}

Json secrets_of(const WorkerNeeds& needs) {
  const std::string password(api::kRepositoryPasswordKey);
  Json env = Json::array({from_secret(password, {needs.secret, password})});
  if (needs.credentials) {
    env.push_back(from_secret(datapath::kCredentialsVariable, *needs.credentials));
  }
  return env;
}

Json base_volume(const std::string& claim) {
  Json volume = Json::object({{"name", kBaseName}});
  volume.set({"persistentVolumeClaim", "claimName"}, claim);
  volume.set({"persistentVolumeClaim", "readOnly"}, true);
  return volume;
}

}  // namespace

Object make_worker_pod(const Settings& settings, const Object& move, WorkerNeeds needs,
                       const std::string& claim) {
  datapath::WorkerConfig& config = needs.config;
  const bool backup = config.operation == datapath::WorkerConfig::Operation::kBackup;
  const bool mounted = config.volume_mode == kFilesystem;
  const bool compares = !mounted && !needs.base.empty();
  config.volume = mounted ? kMountPath : kDevicePath;
  if (compares) config.parent_volume = kParentPath;
  Json container = Json::object({{"name", kWorkerCommand}, {"image", settings.image}});
  container.set("args", Json::array({kWorkerCommand, backup ? "backup" : "restore",
                                     std::string(kConfigFlag) +
                                         to_json(datapath::worker_config_to_json(config)),
                                     std::string(kResultFlag) + std::string(kResultPath)}));
  container.set("env", secrets_of(needs));
  const Json place = Json::object(
      {{"name", kVolumeName}, {mounted ? "mountPath" : "devicePath", config.volume.string()}});
  Json places = Json::array({place});
  if (compares) {
    places.push_back(Json::object({{"name", kBaseName}, {"devicePath", kParentPath}}));
  }
  container.set(mounted ? "volumeMounts" : "volumeDevices", places);
  if (mounted) container.set("securityContext", Json::object({{"runAsUser", 0}}));
  container.set("terminationMessagePath", kResultPath);
  container.set("terminationMessagePolicy", "FallbackToLogsOnError");

  Json volume = Json::object({{"name", kVolumeName}});
  volume.set({"persistentVolumeClaim", "claimName"}, claim);
  Json volumes = Json::array({volume});
  if (compares) volumes.push_back(base_volume(needs.base));
  Object pod = make_child(api::kPod, move);
  pod.set({"spec"}, Json::object({{"restartPolicy", "Never"},
                                  {"automountServiceAccountToken", false},
                                  {"terminationGracePeriodSeconds", kGraceSeconds},
                                  {"containers", Json::array({container})},
                                  {"volumes", volumes}}));
  return pod;
}

WorkerReport read_report(const Object& pod) {
  const Json& state = pod.status()["containerStatuses"][0]["state"];
  if (pod.phase() == "Succeeded" || pod.phase() == "Failed") {
    return read_end(pod, state["terminated"]);
  }
  WorkerReport report;
  if (pod.phase() == "Running") {
    report.state = WorkerReport::State::kRunning;
    return report;
  }
  const Json& waiting = state["waiting"];
  report.message = fmt::format("waiting for worker pod {}", pod.key().to_string());
  if (!waiting["reason"].as_string().empty()) {
    report.message +=
        fmt::format(": {}: {}", waiting["reason"].as_string(), waiting["message"].as_string());
  }
  return report;
}

Json last_progress(std::string_view log) {
  while (!log.empty()) {
    const size_t newline = log.rfind('\n');
    const std::string_view line = newline == std::string_view::npos ? log : log.substr(newline + 1);
    log = newline == std::string_view::npos ? std::string_view() : log.substr(0, newline);
    if (!line.starts_with('{')) continue;
    auto json = parse_json(line);
    if (json && (*json)["totalBytes"].is_int()) return std::move(*json);
  }
  return {};
}

}  // namespace breakwater::mover
