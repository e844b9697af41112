// What must hold on one cluster of a fleet, or on its hub, after every step: nothing is lost that
// nobody gave up, no secret shows, no VM is saved that has no label, nothing is green that is not
// saved.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apiserver/api_server.h"
#include "tests/sim/trace.h"

namespace breakwater::sim {

class FleetInvariants {
 public:
  // `secrets` appear nowhere but in Secrets. References outlive this.
  FleetInvariants(std::string cluster, apiserver::ApiServer& server, kube::Client& client,
                  std::vector<std::string> secrets, Trace& trace);

  // Takes in all changes since the last call. The first that breaks a rule is an error.
  Result<> look();
  // From here on what the policies made may go: for objects in `ns`, or anywhere with "".
  void may_lose(const std::string& ns) { given_up_.insert(ns); }
  void may_lose_schedules() { schedules_may_go_ = true; }
  // A VM that must never be saved.
  void never_saved(const std::string& uid) { never_saved_.insert(uid); }

 private:
  struct Followed {
    kube::Kind kind;
    std::unique_ptr<kube::Watch> watch;
  };
  Result<> start();
  Result<> judge(const kube::Kind& kind, const kube::WatchEvent& event);
  Result<> judge_loss(const kube::Kind& kind, const kube::Object& object) const;
  Result<> judge_backup(const kube::Object& backup);
  Result<> judge_protection(const kube::Object& protection);

  const std::string cluster_;
  apiserver::ApiServer& server_;
  kube::Client& client_;
  const std::vector<std::string> secrets_;
  Trace& trace_;
  std::vector<Followed> followed_;
  uint64_t version_ = 0;
  bool schedules_may_go_ = false;
  std::set<std::string> given_up_, never_saved_;
  std::map<std::string, std::string> backups_;  // name → uid
};

}  // namespace breakwater::sim
