#include "mover/slots.h"

#include "api/kinds.h"
#include "api/phases.h"

namespace breakwater::mover {

bool is_active(std::string_view phase) {
  using namespace api::data_phase;
  return phase == kAccepted || phase == kPrepared || phase == kInProgress || phase == kCanceling;
}

Result<bool> Slots::take(const kube::Kind& kind, const kube::Key& key) {
  const Name wanted{std::string(kind.kind), key};
  std::set<Name> active;
  std::set<Name> present;
  for (const kube::Kind* one : {&api::kDataUpload, &api::kDataDownload}) {
    for (const kube::Object& move :
         TRY(environment_.reader.list(*one, settings_.engine_namespace))) {
      const Name name{std::string(one->kind), move.key()};
      present.insert(name);
      if (is_active(move.phase())) active.insert(name);
    }
  }
  std::erase_if(taken_, [&](const Name& name) { return !present.contains(name); });
  active.insert(taken_.begin(), taken_.end());
  active.erase(wanted);
  if (static_cast<int>(active.size()) >= settings_.concurrency) return false;
  taken_.insert(wanted);
  return true;
}

void Slots::release(const kube::Kind& kind, const kube::Key& key) {
  taken_.erase({std::string(kind.kind), key});
}

}  // namespace breakwater::mover
