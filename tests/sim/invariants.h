// What must hold after every step. Watches every kind and judges each change as it comes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apiserver/api_server.h"
#include "tests/sim/machines.h"
#include "tests/sim/trace.h"

namespace breakwater::sim {

// Whether a scheduled Backup selects the label that a VM bears.
bool selects(const kube::Object& backup, const kube::Object& vm);

class Invariants {
 public:
  // `bucket` is the location's directory with its prefix. References outlive this.
  Invariants(apiserver::ApiServer& server, kube::Client& client, std::filesystem::path bucket,
             std::string secret, Trace& trace);

  // Takes in all changes since the last call. The first that breaks a rule is an error.
  Result<> look();
  // A VM that must never be saved.
  void never_saved(const std::string& uid, const kube::Key& key);
  // From here on only heartbeats may be written.
  void expect_quiet() { quiet_ = true; }
  // Labels change: Backups made until now need not hold the VMs that they name.
  void relabelled(Time now) { relabelled_ = now; }
  bool mentions_secret(std::string_view text) const;
  uint64_t changes() const { return changes_; }

 private:
  struct Followed {
    kube::Kind kind;
    std::unique_ptr<kube::Watch> watch;
    uint64_t version = 0;
  };
  Result<> start();
  Result<> judge(Followed& followed, const kube::WatchEvent& event);
  Result<> judge_quiet(const kube::Object& object, bool removed) const;
  Result<> judge_schedule(const kube::Object& schedule) const;
  Result<> judge_backup(const kube::Object& backup, bool removed);
  Result<> judge_completed(const kube::Object& backup);
  Result<> judge_archive(const kube::Object& backup, const std::string& prefix_path) const;
  Result<> judge_upload(const kube::Object& upload, bool added);
  Result<> judge_protection(const kube::Object& protection) const;

  apiserver::ApiServer& server_;
  kube::Client& client_;
  const std::filesystem::path bucket_;
  const std::string secret_, encoded_secret_;
  Trace& trace_;
  std::vector<apiserver::ServedKindPtr> kinds_;
  std::vector<Followed> followed_;
  uint64_t version_ = 0;
  uint64_t changes_ = 0;
  bool quiet_ = false;
  Time relabelled_{};
  std::map<std::string, kube::Key> never_saved_;                        // by uid
  std::map<std::pair<std::string, std::string>, std::string> uploads_;  // (backup, claim) → uid
  std::map<std::string, std::string> backups_;                          // name → uid
  std::map<std::string, std::set<std::string>> starting_;  // Schedule → Backups New or InProgress
  std::set<std::string> completed_;                        // uids of Backups already judged
};

}  // namespace breakwater::sim
