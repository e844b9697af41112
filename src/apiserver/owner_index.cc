#include "apiserver/owner_index.h"

#include <utility>

namespace breakwater::apiserver {
namespace {

const Json::Array& owners_of(const Object& object) {
  return object.metadata()["ownerReferences"].items();
}

}  // namespace

// What may have to follow from a change of this object.
void OwnerIndex::suspect_around(const std::string& uid, const Object& object) {
  if (const auto found = owned_.find(uid); found != owned_.end()) {
    suspects_.insert(found->second.begin(), found->second.end());
  }
  for (const Json& owner : owners_of(object)) {
    const auto found = by_uid_.find(owner["uid"].as_string());
    if (found != by_uid_.end()) suspects_.insert(found->second);
  }
}

void OwnerIndex::observe(const TableId& table, const Change& change) {
  std::lock_guard lock(mutex_);
  const Place place{table, change.key};
  for (const Json& owner : owners_of(change.before)) {
    const auto found = owned_.find(owner["uid"].as_string());
    if (found == owned_.end()) continue;
    found->second.erase(place);
    if (found->second.empty()) owned_.erase(found);
  }
  const std::string& uid = change.object.uid();
  suspect_around(uid, change.before);
  if (change.removed) {
    by_uid_.erase(uid);
    suspect_around(uid, change.object);
    return;
  }
  by_uid_[uid] = place;
  for (const Json& owner : owners_of(change.object)) owned_[owner["uid"].as_string()].insert(place);
  const bool of_interest = !owners_of(change.object).empty() || change.object.is_deleting();
  if (of_interest) suspects_.insert(place);
  if (change.object.is_deleting()) suspect_around(uid, change.object);
}

std::optional<OwnerIndex::Place> OwnerIndex::find(const std::string& uid) const {
  std::lock_guard lock(mutex_);
  const auto found = by_uid_.find(uid);
  if (found == by_uid_.end()) return std::nullopt;
  return found->second;
}

std::vector<OwnerIndex::Place> OwnerIndex::dependents(const std::string& uid) const {
  std::lock_guard lock(mutex_);
  const auto found = owned_.find(uid);
  if (found == owned_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::set<OwnerIndex::Place> OwnerIndex::take_suspects() {
  std::lock_guard lock(mutex_);
  return std::exchange(suspects_, {});
}

}  // namespace breakwater::apiserver
