// What Kubernetes' controllers do for the API itself: garbage collection by owner references, the
// end of namespaces and of definitions, the age limit of Events, default ServiceAccounts.
//
// round() is called by one thread at a time; everything it does is one small step after another,
// each of which stands on its own, so it can be stopped and repeated anywhere.
#pragma once

#include "apiserver/core.h"
#include "apiserver/owner_index.h"
#include "base/log.h"

namespace breakwater::apiserver {

class Collector {
 public:
  // All references outlive the collector.
  Collector(const Settings& settings, Core& core, OwnerIndex& owners, const Clock& clock,
            Logger log);

  // One round over what has changed. Returns whether it changed anything.
  bool round();

 private:
  using Place = OwnerIndex::Place;
  // What the owners of an object say about it.
  struct Owners {
    bool solid = false;    // one of them exists and stays
    bool waiting = false;  // one of them waits for its dependents to go
    bool missing = false;  // one of them is gone
  };

  bool collect_suspects();
  bool collect_owned(const Place& place, const Object& object);
  bool finish_foreground(const Place& place, const Object& object);
  bool finish_orphan(const Place& place, const Object& object);
  bool forget_owners(const Place& place, const Object& object,
                     const std::function<bool(const Json&)>& gone);
  bool is_missing(const Object& object, const Json& owner) const;
  Owners owners_of(const Object& object) const;
  bool collect_namespaces();
  bool empty_namespace(const Object& ns);
  bool add_service_account(const Object& ns);
  bool collect_definitions();
  bool collect_events();
  bool remove_all(std::vector<Core::Target> targets);
  bool logged(const Result<bool>& done, std::string_view what) const;

  const Settings& settings_;
  Core& core_;
  OwnerIndex& owners_;
  const Clock& clock_;
  Logger log_;
  std::optional<Time> events_due_;
};

}  // namespace breakwater::apiserver
