// What the node knows about its processes. Private to the node; thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "kube/kind.h"
#include "sandbox/node.h"
#include "sandbox/pod_plan.h"

namespace breakwater::sandbox {

// One pod's process, from its start until the pod is gone.
struct RunningPod {
  kube::Key pod;
  PodFiles files;
  int64_t process = 0;
  Time started{};
  std::optional<ProcessExit> exit;
  std::optional<Duration> kill_at;  // asked to end; killed at this monotonic time
};

class RunningPods {
 public:
  std::optional<RunningPod> find(const std::string& uid) const;
  // Of pods of this name; several if a pod was deleted by force and made again.
  std::map<std::string, RunningPod> find_named(const kube::Key& pod) const;
  void put(const std::string& uid, RunningPod pod);
  // The end of a process may be told before put(): then it is kept for it.
  void set_exit(const std::string& uid, ProcessExit exit);
  void set_kill_at(const std::string& uid, Duration at);
  void erase(const std::string& uid);
  int active() const;  // processes that have not ended

 private:
  mutable std::mutex mutex_;
  std::map<std::string, RunningPod> pods_;
  std::map<std::string, ProcessExit> early_exits_;
};

struct Node::State {
  NodeSettings settings;
  Environment environment;
  RunningPods pods;
};

// The reconcilers; `state` outlives them.
std::unique_ptr<kube::Reconciler> make_pod_reconciler(const NodeSettings& settings,
                                                      const Node::Environment& environment,
                                                      RunningPods& pods);
std::unique_ptr<kube::Reconciler> make_node_reconciler(const NodeSettings& settings,
                                                       const Node::Environment& environment);

}  // namespace breakwater::sandbox
