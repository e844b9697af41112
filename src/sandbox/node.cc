#include "sandbox/node.h"

#include <algorithm>

#include "api/kinds.h"
#include "base/file.h"
#include "sandbox/node_state.h"

namespace breakwater::sandbox {

std::optional<RunningPod> RunningPods::find(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return std::nullopt;
  return found->second;
}

std::map<std::string, RunningPod> RunningPods::find_named(const kube::Key& pod) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, RunningPod> result;
  for (const auto& [uid, one] : pods_) {
    if (one.pod == pod) result[uid] = one;
  }
  return result;
}

void RunningPods::put(const std::string& uid, RunningPod pod) {
  const std::lock_guard lock(mutex_);
  const auto early = early_exits_.find(uid);
  if (early != early_exits_.end()) {
    pod.exit = early->second;
    early_exits_.erase(early);
  }
  pods_[uid] = std::move(pod);
}

void RunningPods::set_exit(const std::string& uid, ProcessExit exit) {
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(uid);
  if (found == pods_.end()) {
    early_exits_[uid] = exit;
  } else {
    found->second.exit = exit;
  }
}

void RunningPods::set_kill_at(const std::string& uid, Duration at) {
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(uid);
  if (found != pods_.end()) found->second.kill_at = at;
}

void RunningPods::erase(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  pods_.erase(uid);
}

int RunningPods::active() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(
      std::count_if(pods_.begin(), pods_.end(), [](const auto& one) { return !one.second.exit; }));
}

namespace {

// A process's end wakes its pod, a claim the pods that use it.
std::vector<kube::Key> pods_of_claim(kube::Reader& reader, const kube::Object& claim) {
  std::vector<kube::Key> keys;
  const auto pods = reader.list(api::kPod, "");
  if (!pods) return keys;
  for (const kube::Object& pod : *pods) {
    if (pod.ns() != claim.ns() || pod.phase() != "Pending") continue;
    for (const Json& volume : pod.spec()["volumes"].items()) {
      if (volume["persistentVolumeClaim"]["claimName"].as_string() == claim.name()) {
        keys.push_back(pod.key());
      }
    }
  }
  return keys;
}

std::string last_lines(std::string text, int64_t count) {
  if (count < 0) return text;
  size_t at = text.size();
  if (at > 0 && text[at - 1] == '\n') --at;
  for (; count > 0 && at > 0 && at != std::string::npos; --count) {
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) return text;
  }
  return at < text.size() && text[at] == '\n' ? text.substr(at + 1) : text.substr(at);
}

}  // namespace

Node::Node(std::unique_ptr<State> state) : state_(std::move(state)) {}
Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::create(NodeSettings settings, Environment environment) {
  std::error_code problem;
  settings.directory = std::filesystem::absolute(settings.directory, problem);
  TRY(make_directories(settings.directory / "logs"));
  TRY(make_directories(settings.directory / "run"));
  return std::unique_ptr<Node>(
      new Node(std::unique_ptr<State>(new State{std::move(settings), std::move(environment), {}})));
}

std::vector<kube::ControllerSpec> Node::make_controllers() {
  kube::Reader& reader = state_->environment.reader;
  std::vector<kube::ControllerSpec> specs(2);
  specs[0].name = kPodController;
  specs[0].reconciler = make_pod_reconciler(state_->settings, state_->environment, state_->pods);
  specs[0].sources.push_back({api::kPod, "", kube::map_to_self});
  specs[0].sources.push_back(
      {api::kPersistentVolumeClaim, "",
       [&reader](const kube::Object& claim) { return pods_of_claim(reader, claim); }});
  specs[1].name = kNodeController;
  specs[1].reconciler = make_node_reconciler(state_->settings, state_->environment);
  specs[1].sources.push_back({api::kNode, "", kube::map_to_self});
  return specs;
}

kube::Key Node::node_key() const { return {"", state_->settings.name}; }

Result<std::string> Node::read(const kube::Key& pod, const std::string& container,
                               int64_t tail_lines) {
  const kube::Object object = TRY(state_->environment.client.get(api::kPod, pod));
  const std::string& only = object.spec()["containers"][0]["name"].as_string();
  if (!container.empty() && container != only) {
    return fail(Code::kInvalid, "Pod {} has no container \"{}\"", pod.to_string(), container);
  }
  auto text = read_file(files_of(state_->settings.directory, object).log);
  if (!text && text.error().is(Code::kNotFound)) {
    return fail(Code::kNotFound, "Pod {} has no log: its container has not started",
                pod.to_string());
  }
  if (!text) return text;
  return last_lines(std::move(*text), tail_lines);
}

}  // namespace breakwater::sandbox
