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
  // Of single namespaces; they move to the informer of all namespaces as soon as there is one.
  struct Subscription {
    Id id;
    std::string ns;
    OnChange on_change;
  };
  std::vector<Subscription> subscriptions = {};

  static Id id(const Kind& kind, const std::string& ns) {
    return {std::string(kind.group), std::string(kind.plural), std::string(kind.version), ns};
  }

  Informer* find(const Kind& kind, const std::string& ns) {
    const auto found = informers.find(id(kind, ns));
    return found == informers.end() ? nullptr : found->second.get();
  }

  Informer& follow(const Kind& kind, const std::string& ns) {
    auto& informer = informers[id(kind, ns)];
    if (informer) return *informer;
    informer = std::make_unique<Informer>(client, clock, log, signal, kind, ns);
    if (ns.empty()) take_over(kind, *informer);
    return *informer;
  }

  static OnChange within(const std::string& ns, OnChange on_change) {
    return [ns, on_change = std::move(on_change)](const Object& object) {
      if (object.ns() == ns) on_change(object);
    };
  }

  // Who hears of a change must read the state that it was heard from, and all read from `all` now.
  // What the subscribers knew is told again, so that nothing that vanishes meanwhile is missed.
  void take_over(const Kind& kind, Informer& all) {
    for (const Subscription& subscription : subscriptions) {
      if (subscription.id != id(kind, subscription.ns)) continue;
      all.subscribe(within(subscription.ns, subscription.on_change));
      const Informer* before = find(kind, subscription.ns);
      if (before == nullptr) continue;
      for (const auto& [key, object] : before->objects()) subscription.on_change(object);
    }
    for (auto& [other, informer] : informers) {
      const bool same_kind = other == id(kind, std::get<3>(other));
      if (same_kind && !std::get<3>(other).empty()) informer->retire();
    }
    std::erase_if(subscriptions, [&](const Subscription& subscription) {
      return subscription.id == id(kind, subscription.ns);
    });
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
  if (ns.empty()) return impl_->follow(kind, ns).subscribe(std::move(on_change));
  if (Informer* all = impl_->find(kind, "")) {
    return all->subscribe(Impl::within(ns, std::move(on_change)));
  }
  impl_->follow(kind, ns).subscribe(on_change);
  impl_->subscriptions.push_back({Impl::id(kind, ns), ns, std::move(on_change)});
}

bool Cache::pump() {
  bool busy = false;
  for (auto& [id, informer] : impl_->informers) busy = informer->pump() || busy;
  std::erase_if(impl_->informers, [](const auto& entry) { return entry.second->retired(); });
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
