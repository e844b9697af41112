// Turns an Evaluation and what became of it into the status of the policy object and into the
// compliance Event on the Policy that owns it.
//
// The form is that of Open Cluster Management's configuration policies, which the governance
// framework and ACM's console read: status.compliant; status.history, newest first, at most ten,
// with microseconds; status.relatedObjects. Messages are
// "Compliant; notification - …", "NonCompliant; violation - …; violation - …" or "Pending; …", at
// most 4096 bytes, the worst first. Ours are status.findings (total, and the twenty worst) and
// status.removed.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "policy/enforcer.h"

namespace breakwater::policy {

// "Compliant", "NonCompliant" or "Pending", and the whole message, which begins with it.
struct Compliance {
  std::string state;
  std::string message;
};

// All findings, in the order in which they are reported: by weight, then those that explain others
// (VirtualMachines come last), then by object.
std::vector<Finding> sorted_findings(const Evaluation& evaluation, const Enforcement& done);
// Pure, and the same for the same findings in any order.
Compliance compliance_of(const Evaluation& evaluation, const Enforcement& done);

struct Report {
  kube::Kind kind;      // of the policy
  kube::Object policy;  // as it was read
  const Evaluation& evaluation;
  const Enforcement& done;
  Json extra = {};  // members of the status that only this kind has; null removes one
};

struct StatusUpdate {
  Json status;
  bool announced = false;  // a message is new in the history: an Event is due
  bool held_back = false;  // a message is new, but the one before is younger than kQuietTime
};

// Of one state of compliance a new message is told at most so often: every Event makes the
// framework read all Events of the namespace.
inline constexpr Duration kQuietTime = std::chrono::seconds(30);

// Pure. An empty status.compliant asks for the message to be told again (how the framework asks).
StatusUpdate status_after(const Report& report, Time now);
// The Event on `policy`'s owning Policy, or a null object if it has none. `time` is the history's.
kube::Object compliance_event(const kube::Object& policy, const Compliance& compliance, Time time,
                              const std::string& component);

class Reporter {
 public:
  // References outlive the reporter; `component` is the source of Events.
  Reporter(kube::Client& client, const Clock& clock, std::string component, Logger log)
      : client_(client), clock_(clock), component_(std::move(component)), log_(std::move(log)) {}

  // Writes what differs. True if there is more to tell after kQuietTime. kConflict if the policy
  // has changed since it was read: nothing is written then. An Event that cannot be written is only
  // logged: the history says the same.
  Result<bool> report(const Report& report);

 private:
  kube::Client& client_;
  const Clock& clock_;
  const std::string component_;
  const Logger log_;
};

}  // namespace breakwater::policy
