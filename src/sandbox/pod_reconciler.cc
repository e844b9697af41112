#include <csignal>

#include "api/kinds.h"
#include "api/names.h"
#include "base/file.h"
#include "sandbox/node_state.h"
#include "sandbox/pod_plan.h"
#include "sandbox/pod_status.h"

namespace breakwater::sandbox {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

constexpr Duration kPoll = std::chrono::seconds(1);
constexpr size_t kMostMessage = 4096;  // as kubelet cuts termination messages

class Pods final : public kube::Reconciler {
 public:
  Pods(const NodeSettings& settings, const Node::Environment& environment, RunningPods& pods)
      : settings_(settings), environment_(environment), pods_(pods) {}

  Outcome reconcile(const Key& key) override {
    auto pod = environment_.reader.get(api::kPod, key);
    if (!pod && !pod.error().is(Code::kNotFound)) return tl::unexpected(std::move(pod).error());
    const Outcome strays = end_strays(key, pod ? pod->uid() : "");
    if (!pod) return strays;
    if (has_ended(*pod)) return pod->is_deleting() ? release(*pod) : strays;
    const std::string& node = pod->spec()["nodeName"].as_string();
    if (node.empty()) return pod->is_deleting() ? Outcome::done() : assign(*pod);
    if (node != settings_.name) return Outcome::done();
    const auto running = pods_.find(pod->uid());
    if (running) return follow(*pod, *running);
    if (pod->is_deleting()) return release(*pod);
    return start(*pod);
  }

 private:
  // What a scheduler does: there is one node. The finalizer comes with it.
  Outcome assign(const Object& pod) {
    TRY(edit_pod(pod, false, [&](Object& now) {
      if (now.is_deleting() || !now.spec()["nodeName"].as_string().empty()) return false;
      now.set({"spec", "nodeName"}, settings_.name);
      now.add_finalizer(kPodFinalizer);
      return true;
    }));
    return Outcome::done();
  }

  Outcome start(const Object& cached) {
    // Live: what the cache shows may have been started, or be gone.
    auto pod = environment_.client.get(api::kPod, cached.key());
    if (!pod && !pod.error().is(Code::kNotFound)) return tl::unexpected(std::move(pod).error());
    if (!pod || pod->uid() != cached.uid() || pod->is_deleting() || has_ended(*pod)) {
      return Outcome::again_after(kPoll);
    }
    if (pod->phase() == "Running") return declare_lost(*pod);
    if (pods_.active() >= settings_.max_processes) {
      return wait(*pod, "ContainerCreating",
                  fmt::format("node {} runs {} processes, its limit", settings_.name,
                              settings_.max_processes));
    }
    const PodFiles files = files_of(settings_.directory, *pod);
    auto plan = plan_pod(environment_.client, *pod, files, settings_.binary);
    if (!plan) return wait_for_plan(*pod, plan.error());
    return spawn(*pod, files, *plan);
  }

  Outcome wait_for_plan(const Object& pod, const Error& error) {
    if (error.is(Code::kUnavailable)) TRY(select_node(pod));
    return wait(pod, waiting_reason(error), error.message());
  }

  // Claims of a WaitForFirstConsumer class are provisioned once they know a node.
  Result<> select_node(const Object& pod) {
    for (const Json& volume : pod.spec()["volumes"].items()) {
      const std::string& name = volume["persistentVolumeClaim"]["claimName"].as_string();
      if (name.empty()) continue;
      auto edited = kube::edit(environment_.client, api::kPersistentVolumeClaim, {pod.ns(), name},
                               false, [&](Object& claim) -> Result<bool> {
                                 if (!claim.annotation(api::kSelectedNodeAnnotation).empty() ||
                                     !claim.spec()["volumeName"].as_string().empty()) {
                                   return false;
                                 }
                                 claim.set_annotation(api::kSelectedNodeAnnotation, settings_.name);
                                 return true;
                               });
      if (!edited && !edited.error().is(Code::kNotFound)) {
        return tl::unexpected(std::move(edited).error());
      }
    }
    return {};
  }

  Outcome spawn(const Object& pod, const PodFiles& files, const ProcessSpec& plan) {
    std::error_code ignored;
    std::filesystem::remove(files.result, ignored);
    const std::string uid = pod.uid();
    auto started =
        environment_.processes.start(plan, [this, uid, key = pod.key()](ProcessExit exit) {
          pods_.set_exit(uid, exit);
          environment_.enqueue(std::string(kPodController), key);
        });
    if (!started && started.error().is(Code::kUnavailable)) {
      return wait(pod, "ContainerCreating", started.error().message());
    }
    if (!started) return wait(pod, "CreateContainerError", started.error().message());
    const RunningPod running{pod.key(), files, *started, environment_.clock.now(), {}, {}};
    pods_.put(uid, running);
    environment_.log.info("pod started", {{"pod", pod.key().to_string()}});
    TRY(write_running(pod, running));
    return Outcome::done();
  }

  Result<> write_running(const Object& pod, const RunningPod& running) {
    return edit_pod(pod, true, [&](Object& now) {
      if (now.phase() == "Running" || has_ended(now)) return false;
      set_running(now, running.started, environment_.clock.now());
      return true;
    });
  }

  Outcome follow(const Object& pod, const RunningPod& running) {
    if (running.exit) {
      TRY(write_end(pod, running));
      return Outcome::done();
    }
    if (pod.is_deleting()) return stop(pod.uid(), running, grace_of(pod));
    TRY(write_running(pod, running));
    return Outcome::done();  // its end wakes us
  }

  Result<> write_end(const Object& pod, const RunningPod& running) {
    PodEnd end{*running.exit, running.exit->code == 0 ? "Completed" : "Error", {}, false};
    end.message = read_file(running.files.result).value_or("");
    const bool wants_log = pod.spec()["containers"][0]["terminationMessagePolicy"].as_string() ==
                           "FallbackToLogsOnError";
    if (end.message.empty() && end.exit.code != 0 && wants_log) {
      const std::string log = read_file(running.files.log).value_or("");
      end.message = log.substr(log.size() - std::min<size_t>(log.size(), 2048));
    }
    if (end.message.size() > kMostMessage) end.message.resize(kMostMessage);
    environment_.log.info("pod ended", {{"pod", pod.key().to_string()}, {"exit", end.exit.code}});
    return edit_pod(pod, true, [&](Object& now) {
      if (has_ended(now)) return false;
      set_terminated(now, end, environment_.clock.now());
      return true;
    });
  }

  Outcome declare_lost(const Object& pod) {
    const PodEnd end{
        {137, false}, "NodeLost", "the node was restarted while the pod was running", true};
    TRY(edit_pod(pod, true, [&](Object& now) {
      if (now.phase() != "Running") return false;
      set_terminated(now, end, environment_.clock.now());
      return true;
    }));
    return Outcome::done();
  }

  Outcome wait(const Object& pod, std::string_view reason, std::string_view message) {
    const Json& waiting = pod.status()["containerStatuses"][0]["state"]["waiting"];
    if (waiting["reason"].as_string() != reason || waiting["message"].as_string() != message) {
      TRY(edit_pod(pod, true, [&](Object& now) {
        set_waiting(now, reason, message, environment_.clock.now());
        return true;
      }));
    }
    return Outcome::again_after(kPoll);
  }

  Duration grace_of(const Object& pod) const {
    const Json& seconds = pod.spec()["terminationGracePeriodSeconds"];
    return seconds.is_int() ? std::chrono::seconds(seconds.as_int()) : settings_.grace;
  }

  Outcome stop(const std::string& uid, const RunningPod& running, Duration grace) {
    const Duration now = environment_.clock.monotonic();
    if (!running.kill_at) {
      environment_.processes.signal(running.process, SIGTERM);
      pods_.set_kill_at(uid, now + grace);
      return Outcome::again_after(grace);
    }
    if (now < *running.kill_at) return Outcome::again_after(*running.kill_at - now);
    environment_.processes.signal(running.process, SIGKILL);
    return Outcome::again_after(kPoll);
  }

  // Processes of pods that were removed by force.
  Outcome end_strays(const Key& key, const std::string& uid) {
    bool left = false;
    for (const auto& [other, running] : pods_.find_named(key)) {
      if (other == uid) continue;
      if (running.exit) {
        forget(other, running.files);
      } else {
        environment_.processes.signal(running.process, SIGKILL);
        left = true;
      }
    }
    return left ? Outcome::again_after(kPoll) : Outcome::done();
  }

  Outcome release(const Object& pod) {
    TRY(edit_pod(pod, false, [&](Object& now) {
      if (!now.has_finalizer(kPodFinalizer)) return false;
      now.remove_finalizer(kPodFinalizer);
      return true;
    }));
    forget(pod.uid(), files_of(settings_.directory, pod));
    return Outcome::done();
  }

  void forget(const std::string& uid, const PodFiles& files) {
    std::error_code ignored;
    std::filesystem::remove(files.log, ignored);
    std::filesystem::remove(files.result, ignored);
    pods_.erase(uid);
  }

  // A pod that is gone meanwhile is no error.
  template <class Edit>
  Result<> edit_pod(const Object& pod, bool status, const Edit& edit) {
    auto edited = kube::edit(
        environment_.client, api::kPod, pod.key(), status,
        [&](Object& now) -> Result<bool> { return now.uid() == pod.uid() && edit(now); });
    if (edited || edited.error().is(Code::kNotFound)) return {};
    return tl::unexpected(std::move(edited).error());
  }

  const NodeSettings& settings_;
  const Node::Environment& environment_;
  RunningPods& pods_;
};

}  // namespace

std::unique_ptr<kube::Reconciler> make_pod_reconciler(const NodeSettings& settings,
                                                      const Node::Environment& environment,
                                                      RunningPods& pods) {
  return std::make_unique<Pods>(settings, environment, pods);
}

}  // namespace breakwater::sandbox
