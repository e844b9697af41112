// Kubernetes Events: what happened to an object, for people (kubectl describe).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"

namespace breakwater::kube {

// Writes core/v1 Events in the namespace of the object concerned ("default" for cluster-scoped
// ones). The same reason and message on the same object counts up one Event instead of adding
// another. Never fails its caller: an Event that cannot be written is logged.
class EventRecorder {
 public:
  EventRecorder(Client& client, const Clock& clock, std::string component, Logger log);
  void normal(const Object& about, std::string_view reason, std::string_view message);
  void warning(const Object& about, std::string_view reason, std::string_view message);

 private:
  void record(const Object& about, std::string_view type, std::string_view reason,
              std::string_view message);
  Client& client_;
  const Clock& clock_;
  std::string component_;
  Logger log_;
};

}  // namespace breakwater::kube
