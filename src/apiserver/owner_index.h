// Which objects exist, by uid, and which objects each of them owns: what garbage collection asks.
//
// Told of every change by the Storage (its observer), in order. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apiserver/storage.h"

namespace breakwater::apiserver {

class OwnerIndex {
 public:
  struct Place {
    TableId table;
    Key key;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  void observe(const TableId& table, const Change& change);

  // Where the object with this uid is.
  std::optional<Place> find(const std::string& uid) const;
  // The objects that name `uid` as an owner.
  std::vector<Place> dependents(const std::string& uid) const;
  // Every object that a change since the last call may have made garbage, or able to go: the
  // changed ones themselves, what they own, and what owns them.
  std::set<Place> take_suspects();

 private:
  void suspect_around(const std::string& uid, const Object& object);
  mutable std::mutex mutex_;
  std::map<std::string, Place> by_uid_;
  std::map<std::string, std::set<Place>> owned_;  // by the owner's uid
  std::set<Place> suspects_;
};

}  // namespace breakwater::apiserver
