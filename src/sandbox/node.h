// The sandbox's node: runs pods whose image is Breakwater's own as child processes of the same
// binary (pod_plan.h says how a pod becomes a process).
//
// Controller "pod" takes every pod that has no node, starts its process, and writes phase and
// container status: Pending with a reason as long as something is missing, Running, Succeeded,
// Failed with exit code and termination message. A finalizer keeps a deleted pod until its process
// has ended: SIGTERM, and SIGKILL after spec.terminationGracePeriodSeconds. Processes die with the
// node, so a pod that is Running when the node starts has no process: it becomes Failed with reason
// NodeLost. Controller "node" keeps the Node object Ready and its Lease in kube-node-lease fresh.
//
// Controllers run on the Runner's thread; read() and the end of a process come on any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/rest.h"
#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"
#include "sandbox/processes.h"

namespace breakwater::sandbox {

inline constexpr std::string_view kPodController = "pod";
inline constexpr std::string_view kNodeController = "node";
inline constexpr std::string_view kPodFinalizer = "sandbox.breakwater.dev/process";

struct NodeSettings {
  std::string name = "sandbox";
  std::filesystem::path directory;  // logs/ and run/ are made in it
  std::filesystem::path binary;     // what pods run
  int max_processes = 16;           // more pods wait
  Duration heartbeat = std::chrono::seconds(10);
  // Of terminationGracePeriodSeconds; Kubernetes' default where a pod says nothing.
  Duration grace = std::chrono::seconds(30);
};

class Node final : public apiserver::PodLogs {
 public:
  // What it needs from outside; everything outlives the node.
  struct Environment {
    kube::Reader& reader;  // the Runner's cache
    kube::Client& client;
    const Clock& clock;
    Processes& processes;
    std::function<void(const std::string& controller, const kube::Key&)> enqueue;
    Logger log;
  };

  static Result<std::unique_ptr<Node>> create(NodeSettings settings, Environment environment);
  ~Node() override;

  // For one Runner; they must not outlive the node. Enqueue kNodeController with node_key() once,
  // so that the Node object is made.
  std::vector<kube::ControllerSpec> make_controllers();
  kube::Key node_key() const;

  // kNotFound for a pod that has not started here or is gone.
  Result<std::string> read(const kube::Key& pod, const std::string& container,
                           int64_t tail_lines) override;

 private:
  struct State;
  explicit Node(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace breakwater::sandbox
