#include "apiserver/collector.h"

#include <algorithm>

namespace breakwater::apiserver {
namespace {

constexpr size_t kBatch = 200;

TableId crd_table() { return {"apiextensions.k8s.io", "customresourcedefinitions"}; }
TableId namespace_table() { return {"", "namespaces"}; }
TableId event_table() { return {"", "events"}; }

std::vector<Object> all_of(const Storage& storage, const TableId& table,
                           const std::string& ns = "") {
  Storage::SliceQuery query;
  query.ns = ns;
  auto slice = storage.slice(table, query);
  return slice ? std::move(slice->objects) : std::vector<Object>();
}

Core::Target target_of(const TableId& table, const Object& object) {
  return {table, object.key(), object.uid()};
}

// When an Event was last seen.
Time event_time(const Object& event) {
  for (const Json* text :
       {&event.json()["lastTimestamp"], &event.json()["series"]["lastObservedTime"],
        &event.json()["eventTime"]}) {
    if (const auto time = parse_rfc3339(text->as_string())) return *time;
  }
  return event.created();
}

}  // namespace

Collector::Collector(const Settings& settings, Core& core, OwnerIndex& owners, const Clock& clock,
                     Logger log)
    : settings_(settings), core_(core), owners_(owners), clock_(clock), log_(std::move(log)) {}

bool Collector::logged(const Result<bool>& done, std::string_view what) const {
  if (done) return *done;
  log_.error("collecting failed", {{"what", what}, {"error", done.error().to_string()}});
  return false;
}

bool Collector::remove_all(std::vector<Core::Target> targets) {
  bool changed = false;
  for (size_t i = 0; i < targets.size(); i += kBatch) {
    const auto first = targets.begin() + static_cast<ptrdiff_t>(i);
    const auto last =
        targets.begin() + static_cast<ptrdiff_t>(std::min(i + kBatch, targets.size()));
    if (logged(core_.remove_all({first, last}), "objects")) changed = true;
  }
  return changed;
}

bool Collector::round() {
  bool changed = collect_suspects();
  if (collect_namespaces()) changed = true;
  if (collect_definitions()) changed = true;
  if (collect_events()) changed = true;
  return changed;
}

bool Collector::collect_suspects() {
  bool changed = false;
  for (const Place& place : owners_.take_suspects()) {
    const auto object = core_.storage().find(place.table, place.key);
    if (!object) continue;
    if (object->is_deleting() && object->has_finalizer(kForeground)) {
      changed |= finish_foreground(place, *object);
    } else if (object->is_deleting() && object->has_finalizer(kOrphan)) {
      changed |= finish_orphan(place, *object);
    }
    if (!object->metadata()["ownerReferences"].empty() && !object->is_deleting()) {
      changed |= collect_owned(place, *object);
    }
  }
  return changed;
}

// An owner in another namespace counts as missing, as in Kubernetes.
bool Collector::is_missing(const Object& object, const Json& owner) const {
  const auto place = owners_.find(owner["uid"].as_string());
  return !place || (!place->key.ns.empty() && place->key.ns != object.ns());
}

Collector::Owners Collector::owners_of(const Object& object) const {
  Owners result;
  for (const Json& owner : object.metadata()["ownerReferences"].items()) {
    if (is_missing(object, owner)) {
      result.missing = true;
      continue;
    }
    const auto place = owners_.find(owner["uid"].as_string());
    const auto found = place ? core_.storage().find(place->table, place->key) : std::nullopt;
    const bool waits = found && found->is_deleting() && found->has_finalizer(kForeground);
    (waits ? result.waiting : result.solid) = true;
  }
  return result;
}

bool Collector::collect_owned(const Place& place, const Object& object) {
  const Owners owners = owners_of(object);
  if (owners.solid) {
    if (!owners.missing && !owners.waiting) return false;
    return forget_owners(place, object,
                         [&](const Json& owner) { return is_missing(object, owner); });
  }
  if (owners.waiting) {
    // Its own dependents go first, too, if they want to be waited for.
    return logged(core_.adjust(place.table, place.key, object.uid(),
                               [&](Object& edited) {
                                 if (owners_.dependents(edited.uid()).empty()) return false;
                                 edited.add_finalizer(kForeground);
                                 return true;
                               }),
                  "owned object") |
           remove_all({{place.table, place.key, object.uid()}});
  }
  return remove_all({{place.table, place.key, object.uid()}});
}

// Drops the owner references for which `gone` is true.
bool Collector::forget_owners(const Place& place, const Object& object,
                              const std::function<bool(const Json&)>& gone) {
  return logged(
      core_.adjust(place.table, place.key, object.uid(),
                   [&](Object& edited) {
                     Json kept = Json::array();
                     for (const Json& owner : edited.metadata()["ownerReferences"].items()) {
                       if (!gone(owner)) kept.push_back(owner);
                     }
                     const Json& before = edited.metadata()["ownerReferences"];
                     if (kept.size() == before.size()) return false;
                     if (kept.empty()) {
                       edited.erase({"metadata", "ownerReferences"});
                     } else {
                       edited.set({"metadata", "ownerReferences"}, std::move(kept));
                     }
                     return true;
                   }),
      "owner references");
}

// Lets the object go once nothing that blocks its deletion is left.
bool Collector::finish_foreground(const Place& place, const Object& object) {
  for (const Place& dependent : owners_.dependents(object.uid())) {
    const auto found = core_.storage().find(dependent.table, dependent.key);
    if (!found) continue;
    for (const Json& owner : found->metadata()["ownerReferences"].items()) {
      const bool blocks =
          owner["uid"].as_string() == object.uid() && owner["blockOwnerDeletion"].as_bool();
      if (blocks && !is_missing(*found, owner)) return false;
    }
  }
  return logged(core_.adjust(place.table, place.key, object.uid(),
                             [](Object& edited) {
                               edited.remove_finalizer(kForeground);
                               return true;
                             }),
                "foreground deletion");
}

bool Collector::finish_orphan(const Place& place, const Object& object) {
  for (const Place& dependent : owners_.dependents(object.uid())) {
    const auto found = core_.storage().find(dependent.table, dependent.key);
    if (!found) continue;
    (void)forget_owners(dependent, *found, [&object](const Json& owner) {
      return owner["uid"].as_string() == object.uid();
    });
  }
  return logged(core_.adjust(place.table, place.key, object.uid(),
                             [](Object& edited) {
                               edited.remove_finalizer(kOrphan);
                               return true;
                             }),
                "orphaning");
}

bool Collector::collect_namespaces() {
  bool changed = false;
  for (const Object& ns : all_of(core_.storage(), namespace_table())) {
    changed |= ns.is_deleting() ? empty_namespace(ns) : add_service_account(ns);
  }
  return changed;
}

// Removes what is in the namespace; when nothing is left, the namespace itself may go.
bool Collector::empty_namespace(const Object& ns) {
  std::vector<Core::Target> targets;
  bool empty = true;
  for (const TableId& table : core_.storage().tables()) {
    for (const Object& object : all_of(core_.storage(), table, ns.name())) {
      empty = false;
      if (!object.is_deleting()) targets.push_back(target_of(table, object));
    }
  }
  if (!empty) return remove_all(std::move(targets));
  return logged(core_.adjust(namespace_table(), ns.key(), ns.uid(),
                             [](Object& edited) {
                               if (edited.spec()["finalizers"].empty()) return false;
                               edited.set({"spec", "finalizers"}, Json::array());
                               return true;
                             }),
                "namespace");
}

bool Collector::add_service_account(const Object& ns) {
  const Key key{ns.name(), "default"};
  if (core_.storage().find({"", "serviceaccounts"}, key)) return false;
  const auto made = core_.create_builtin({"", "serviceaccounts"}, key);
  return made.has_value();
}

// Definitions that are being deleted: first their objects, then themselves.
bool Collector::collect_definitions() {
  bool changed = false;
  for (const Object& crd : all_of(core_.storage(), crd_table())) {
    if (!crd.is_deleting() || !crd.has_finalizer(kCrdCleanup)) continue;
    const TableId table{crd.spec()["group"].as_string(),
                        crd.spec().at({"names", "plural"}).as_string()};
    std::vector<Core::Target> targets;
    const auto objects = all_of(core_.storage(), table);
    for (const Object& object : objects) {
      if (!object.is_deleting()) targets.push_back(target_of(table, object));
    }
    if (!objects.empty()) {
      changed |= remove_all(std::move(targets));
      continue;
    }
    changed |= logged(core_.adjust(crd_table(), crd.key(), crd.uid(),
                                   [](Object& edited) {
                                     edited.remove_finalizer(kCrdCleanup);
                                     return true;
                                   }),
                      "definition");
  }
  return changed;
}

// Looks again when the oldest Event that is left is due.
bool Collector::collect_events() {
  const Time now = clock_.now();
  if (events_due_ && now < *events_due_) return false;
  std::vector<Core::Target> targets;
  Time due = now + settings_.event_ttl;
  for (const Object& event : all_of(core_.storage(), event_table())) {
    const Time ends = event_time(event) + settings_.event_ttl;
    if (ends <= now) {
      targets.push_back(target_of(event_table(), event));
    } else {
      due = std::min(due, ends);
    }
  }
  events_due_ = due;
  return remove_all(std::move(targets));
}

}  // namespace breakwater::apiserver
