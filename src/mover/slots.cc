#include "mover/slots.h"

#include "mover/children.h"
#include "mover/dialect.h"

namespace breakwater::mover {

Slots::Slots(const Settings& settings, const Environment& environment,
             std::vector<kube::Kind> kinds, std::string ns, Limit limit)
    : settings_(settings),
      environment_(environment),
      kinds_(std::move(kinds)),
      ns_(std::move(ns)),
      limit_(std::move(limit)) {}

Result<bool> Slots::take(const kube::Kind& kind, const kube::Key& key) {
  const Name wanted{std::string(kind.kind), key};
  std::set<Name> active;
  std::set<Name> present;
  for (const kube::Kind& one : kinds_) {
    for (const kube::Object& move : TRY(environment_.reader.list(one, ns_))) {
      if (namespace_of(move) != settings_.engine_namespace) continue;
      const Name name{std::string(one.kind), move.key()};
      present.insert(name);
      if (is_active(stage_of(move))) active.insert(name);
    }
  }
  std::erase_if(taken_, [&](const Name& name) { return !present.contains(name); });
  active.insert(taken_.begin(), taken_.end());
  active.erase(wanted);
  if (static_cast<int>(active.size()) >= TRY(limit_())) return false;
  taken_.insert(wanted);
  return true;
}

void Slots::release(const kube::Kind& kind, const kube::Key& key) {
  taken_.erase({std::string(kind.kind), key});
}

}  // namespace breakwater::mover
