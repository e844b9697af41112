// The hub's end of the removal protocol (policy/replica.h).
//
// Used by the Runner's thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/hub.h"
#include "policy/hub_secrets.h"

namespace breakwater::policy {

class Removal {
 public:
  // `secrets` outlives this.
  Removal(const HubSettings& settings, const HubServices& services, HubSecrets& secrets)
      : settings_(settings), services_(services), secrets_(secrets) {}

  // The next step for a replica whose root is disabled, deleted or not placed on its cluster:
  // confirm, annotate, wait for the agent, delete.
  kube::Outcome go_on(const kube::Object& replica, const std::optional<kube::Object>& root,
                      const kube::Object& cluster);
  // The replica is wanted after all.
  void forget(const kube::Key& replica);
  // Deletes the replica and the copies of Secrets that were made for it.
  Result<> remove(const kube::Object& replica);

 private:
  // What is intended, by live reads; "" if that is not certain.
  Result<std::string> intent(const kube::Object& replica, const kube::Object& cluster);
  kube::Outcome annotate(const kube::Object& replica, const std::string& removal);
  void tell(const kube::Object& replica, const kube::Object& root, std::string_view why);

  const HubSettings settings_;
  const HubServices services_;
  HubSecrets& secrets_;
  struct Confirmed {
    std::string removal;
    Duration since{};  // Clock::monotonic()
  };
  std::map<kube::Key, Confirmed> confirmed_;
  std::map<kube::Key, std::string> told_;  // why a replica stays, as last said
};

// The Secret that the replica's install template points at, or "".
std::string secret_in_use(const kube::Object& replica);
// The Secrets copied for it, by its annotation.
std::vector<std::string> copies_of(const kube::Object& replica);
// The annotation's value with `name` added.
std::string with_copy(const std::string& copies, const std::string& name);

}  // namespace breakwater::policy
