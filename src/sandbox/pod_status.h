// The status of a pod of one container, as kubelet writes it. Pure functions over JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "kube/object.h"
#include "sandbox/processes.h"

namespace breakwater::sandbox {

// Phase Pending; the container waits with this reason and message.
void set_waiting(kube::Object& pod, std::string_view reason, std::string_view message, Time now);
// Phase Running since `started`.
void set_running(kube::Object& pod, Time started, Time now);

struct PodEnd {
  ProcessExit exit;
  std::string reason;   // "Completed", "Error", or what became of the pod: "NodeLost"
  std::string message;  // the termination message
  bool lost = false;    // the pod itself has `reason` and `message` too
};
// Phase Succeeded (exit code 0) or Failed.
void set_terminated(kube::Object& pod, const PodEnd& end, Time now);

bool has_ended(const kube::Object& pod);  // Succeeded or Failed

}  // namespace breakwater::sandbox
