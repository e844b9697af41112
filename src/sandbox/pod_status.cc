#include "sandbox/pod_status.h"

namespace breakwater::sandbox {
namespace {

using kube::Object;

void set_container(Object& pod, Json state, bool ready) {
  const Json& container = pod.spec()["containers"][0];
  Json status = Json::object({{"name", container["name"]},
                              {"image", container["image"]},
                              {"imageID", ""},
                              {"restartCount", 0},
                              {"ready", ready},
                              {"started", ready}});
  status.set("state", std::move(state));
  pod.set({"status", "containerStatuses"}, Json::array({status}));
}

void set_conditions(Object& pod, std::string_view ready, std::string_view reason, Time now) {
  kube::set_condition(pod, "PodScheduled", "True", "", "", now);
  kube::set_condition(pod, "Ready", ready, reason, "", now);
}

void set_phase(Object& pod, std::string_view phase, Time now) {
  pod.set({"status", "phase"}, phase);
  if (!pod.status().has("startTime")) pod.set({"status", "startTime"}, format_rfc3339(now));
}

}  // namespace

void set_waiting(Object& pod, std::string_view reason, std::string_view message, Time now) {
  Json state;
  state.set({"waiting", "reason"}, reason);
  state.set({"waiting", "message"}, message);
  set_phase(pod, "Pending", now);
  set_container(pod, std::move(state), false);
  set_conditions(pod, "False", "ContainersNotReady", now);
}

void set_running(Object& pod, Time started, Time now) {
  Json state;
  state.set({"running", "startedAt"}, format_rfc3339(started));
  set_phase(pod, "Running", now);
  set_container(pod, std::move(state), true);
  set_conditions(pod, "True", "", now);
}

void set_terminated(Object& pod, const PodEnd& end, Time now) {
  const Json& before = pod.status()["containerStatuses"][0]["state"]["running"]["startedAt"];
  const std::string started = before.as_string_or(format_rfc3339(now));
  Json ended = Json::object({{"exitCode", end.exit.code},
                             {"reason", end.reason},
                             {"startedAt", started},
                             {"finishedAt", format_rfc3339(now)}});
  if (!end.message.empty()) ended.set("message", end.message);
  if (end.exit.killed) ended.set("signal", end.exit.code - 128);
  Json state;
  state.set({"terminated"}, std::move(ended));
  const bool succeeded = end.exit.code == 0 && !end.lost;
  set_phase(pod, succeeded ? "Succeeded" : "Failed", now);
  set_container(pod, std::move(state), false);
  set_conditions(pod, "False", succeeded ? "PodCompleted" : "PodFailed", now);
  if (end.lost) {
    pod.set({"status", "reason"}, end.reason);
    pod.set({"status", "message"}, end.message);
  }
}

bool has_ended(const Object& pod) { return pod.phase() == "Succeeded" || pod.phase() == "Failed"; }

}  // namespace breakwater::sandbox
