// Leader election on a Lease (coordination.k8s.io/v1), so that of several replicas one acts.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"

namespace breakwater::kube {

struct LeaderSettings {
  Key lease;             // created if absent
  std::string identity;  // unique per process: the pod's name and a random suffix
  Duration lease_duration = std::chrono::seconds(15);
  Duration retry_period = std::chrono::seconds(2);
};

// One candidate. Not thread-safe: tick() is called by the process's main loop.
class LeaderElection {
 public:
  LeaderElection(Client& client, const Clock& clock, LeaderSettings settings, Logger log);
  // Acquires or renews when due. After lease_duration without a successful renewal we are no longer
  // leader, whatever the API says. Returns whether we lead.
  bool tick();
  bool leading() const { return leading_; }
  // When tick() is next due (Clock::monotonic()).
  Duration next_due() const { return next_due_; }
  // Gives the lease up, so that the next leader need not wait. Best effort.
  void release();

 private:
  Result<bool> try_acquire();
  Client& client_;
  const Clock& clock_;
  const LeaderSettings settings_;
  Logger log_;
  bool leading_ = false;
  Duration next_due_{0};
  Duration renewed_at_{0};
  std::string observed_;     // the holder's last renewal as we saw it …
  Duration observed_at_{0};  // … and when: clocks of other machines are not trusted
};

}  // namespace breakwater::kube
