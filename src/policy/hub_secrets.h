// Secrets of the object store on the hub: read, given a repository password, copied to clusters'
// namespaces.
//
// Used by the Runner's thread. Secrets are read one by one and not watched, so the hub needs no
// right to list them; those that are in use are kept in memory. Their values go nowhere but into
// the copies: not into Policies, Events, logs or errors.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "policy/hub.h"
#include "policy/resolve.h"

namespace breakwater::policy {

class HubSecrets {
 public:
  explicit HubSecrets(HubServices services) : services_(std::move(services)) {}

  // The Secret as last read; reads it if that was never done. Nothing if it does not exist.
  Result<std::optional<kube::Object>> look(const kube::Key& key);
  // Reads it again; returns whether its content or existence has changed.
  Result<bool> refresh(const kube::Key& key);

  // Puts a new random RESTIC_PASSWORD into the Secret and labels it for hub backups; leaves it
  // alone if it has one by now. kConflict if it has changed meanwhile.
  Result<> make_password(const kube::Key& key);

  // Makes Secret `copy` the same as the hub's `secret`. kInvalid if a Secret of that name is there
  // which we did not make.
  Result<> copy(const kube::Object& secret, const kube::Key& copy);
  // Removes a copy; what we did not make stays.
  Result<> remove_copy(const kube::Key& copy);

 private:
  struct Verified {
    std::string hash;
    Duration at{};
  };
  const HubServices services_;
  std::map<kube::Key, std::optional<kube::Object>> seen_;
  std::set<kube::Key> untold_;              // changed by us, and nobody has been told yet
  std::map<kube::Key, Verified> verified_;  // copies that were found as they should be
};

// Of a Secret's data; changes with it. Says nothing about it without the Secret at hand.
std::string content_hash(const kube::Object& secret);
bool has_password(const kube::Object& secret);

// The controller that looks after Secrets in use: a change is told to `changed`.
kube::ControllerSpec make_hub_secret_controller(
    const HubSettings& settings, std::shared_ptr<HubSecrets> secrets,
    std::function<void(const kube::Key& secret)> changed);

}  // namespace breakwater::policy
