#include "kube/cache.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "kube/informer.h"

namespace breakwater::kube {

struct Cache::Impl {
  Client& client;
  const Clock& clock;
  const Logger log;
  const std::shared_ptr<CacheSignal> signal = std::make_shared<CacheSignal>();
  // By group, plural, version and namespace: an order that is the same in every run.
  using Id = std::tuple<std::string, std::string, std::string, std::string>;
  std::map<Id, std::unique_ptr<Informer>> informers = {};

  static Id id(const Kind& kind, const std::string& ns) {
    return {std::string(kind.group), std::string(kind.plural), std::string(kind.version), ns};
  }

  Informer* find(const Kind& kind, const std::string& ns) {
    const auto found = informers.find(id(kind, ns));
    return found == informers.end() ? nullptr : found->second.get();
  }

  Informer& follow(const Kind& kind, const std::string& ns) {
    auto& informer = informers[id(kind, ns)];
    if (!informer) informer = std::make_unique<Informer>(client, clock, log, signal, kind, ns);
    return *informer;
  }

  // The informer to read `ns` from: the one of all namespaces if somebody follows that.
  Result<Informer*> readable(const Kind& kind, const std::string& ns) {
    Informer* informer = find(kind, "");
    if (!informer) informer = &follow(kind, ns);
    TRY(informer->ensure_listed());
    return informer;
  }
};

Cache::Cache(Client& client, const Clock& clock, Logger log)
    : impl_(new Impl{client, clock, std::move(log)}) {}

Cache::~Cache() { impl_->signal->set_wake(nullptr); }

Result<Object> Cache::get(const Kind& kind, const Key& key, const Call&) {
  const Informer* informer = TRY(impl_->readable(kind, key.ns));
  const auto found = informer->objects().find(key);
  if (found != informer->objects().end()) return found->second;
  return fail(Code::kNotFound, "{} \"{}\" not found", kind.group_resource(), key.name);
}

Result<std::vector<Object>> Cache::list(const Kind& kind, const std::string& ns,
                                        const LabelSelector& labels, const Call&) {
  const Informer* informer = TRY(impl_->readable(kind, ns));
  const auto& objects = informer->objects();
  std::vector<Object> out;
  for (auto at = objects.lower_bound({ns, ""}); at != objects.end(); ++at) {
    if (!ns.empty() && at->first.ns != ns) break;
    if (labels.matches(at->second)) out.push_back(at->second);
  }
  return out;
}

void Cache::subscribe(const Kind& kind, const std::string& ns, OnChange on_change) {
  impl_->follow(kind, ns).subscribe(std::move(on_change));
}

bool Cache::pump() {
  bool busy = false;
  for (auto& [id, informer] : impl_->informers) busy = informer->pump() || busy;
  return busy;
}

std::optional<Duration> Cache::next_due() const {
  std::optional<Duration> first;
  for (const auto& [id, informer] : impl_->informers) {
    const auto due = informer->next_due();
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

void Cache::set_wake(std::function<void()> wake) { impl_->signal->set_wake(std::move(wake)); }

bool Cache::synced() const {
  return std::all_of(impl_->informers.begin(), impl_->informers.end(), [](const auto& entry) {
    return !entry.second->subscribed() || entry.second->listed();
  });
}

}  // namespace breakwater::kube
