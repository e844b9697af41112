#include "kube/runner.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/check.h"
#include "kube/queue.h"

namespace breakwater::kube {
namespace {

// How long run() sleeps at most: `stop` may be set by somebody who cannot call wake().
constexpr Duration kLongestSleep = std::chrono::milliseconds(500);

// FNV-1a, one number for a sequence.
class Trace {
 public:
  void add(std::string_view text) {
    for (char c : text) mix(static_cast<unsigned char>(c));
    mix(0xff);  // no text holds this byte, so "ab","c" differs from "a","bc"
  }
  uint64_t value() const { return hash_; }

 private:
  void mix(uint64_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3; }
  uint64_t hash_ = 0xcbf29ce484222325;
};

struct Managed {
  Managed(ControllerSpec controller, const Clock& clock)
      : spec(std::move(controller)), queue(clock) {}
  ControllerSpec spec;
  WorkQueue queue;
};

}  // namespace

struct Runner::Impl {
  Client& client;
  const Clock& clock;
  Random& random;
  const Logger log;
  Cache cache{client, clock, log};
  std::vector<std::unique_ptr<Managed>> controllers = {};
  Trace trace = {};
  // What next_due() said since the last step: only steps and new controllers change it.
  mutable bool due_known = false;
  mutable std::optional<Duration> due = {};

  // What other threads may touch.
  mutable std::mutex mutex = {};
  std::condition_variable changed = {};
  bool woken = false;
  std::vector<std::pair<std::string, Key>> inbox = {};

  void wake() {
    {
      std::lock_guard lock(mutex);
      woken = true;
    }
    changed.notify_all();
  }

  Managed* find(std::string_view name) {
    for (auto& managed : controllers) {
      if (managed->spec.name == name) return managed.get();
    }
    return nullptr;
  }

  void empty_inbox() {
    std::vector<std::pair<std::string, Key>> taken;
    {
      std::lock_guard lock(mutex);
      taken.swap(inbox);
    }
    for (const auto& [name, key] : taken) {
      if (Managed* managed = find(name)) managed->queue.add(key);
    }
  }

  // Every ready key of every controller has the same chance.
  bool reconcile_one() {
    size_t ready = 0;
    for (auto& managed : controllers) ready += managed->queue.ready();
    if (ready == 0) return false;
    size_t choice = random.below(ready);
    for (auto& managed : controllers) {
      const size_t here = managed->queue.ready();
      if (choice < here) {
        reconcile(*managed, managed->queue.take(choice));
        return true;
      }
      choice -= here;
    }
    return true;  // a key came due between the two loops; the next step takes it
  }

  void reconcile(Managed& managed, const Key& key) {
    const Outcome outcome = managed.spec.reconciler->reconcile(key);
    trace.add(managed.spec.name);
    trace.add(key.to_string());
    if (const auto& error = outcome.error()) {
      trace.add(code_name(error->code()));
      managed.queue.add_failed(key);
      report(managed, key, *error);
      return;
    }
    managed.queue.forget(key);
    trace.add(outcome.again() ? format_duration(*outcome.again()) : "done");
    if (outcome.again()) managed.queue.add_after(key, *outcome.again());
  }

  void report(const Managed& managed, const Key& key, const Error& error) const {
    const int64_t failures = managed.queue.failures(key);
    // Losing a race against another writer is not news unless it goes on.
    const bool usual = error.is(Code::kConflict) && failures < 5;
    const Logger::Fields fields = {{"controller", managed.spec.name},
                                   {"key", key.to_string()},
                                   {"failures", failures},
                                   {"error", error.to_string()}};
    if (usual) {
      log.debug("reconcile failed", fields);
    } else {
      log.warning("reconcile failed", fields);
    }
  }

  std::optional<Duration> first_due() const {
    std::optional<Duration> first = cache.next_due();
    for (const auto& managed : controllers) {
      const auto next = managed->queue.next_due();
      if (next && (!first || *next < *first)) first = next;
    }
    return first;
  }

  void sleep(std::optional<Duration> until) {
    Duration longest = kLongestSleep;
    if (until) longest = std::clamp(*until - clock.monotonic(), Duration::zero(), longest);
    std::unique_lock lock(mutex);
    changed.wait_for(lock, longest, [this] { return woken; });
  }
};

Runner::Runner(Client& client, const Clock& clock, Random& random, Logger log)
    : impl_(new Impl{client, clock, random, std::move(log)}) {
  impl_->cache.set_wake([impl = impl_.get()] { impl->wake(); });
}

Runner::~Runner() { impl_->cache.set_wake(nullptr); }

Reader& Runner::reader() { return impl_->cache; }

void Runner::add(ControllerSpec controller) {
  CHECK(controller.reconciler != nullptr && impl_->find(controller.name) == nullptr);
  impl_->due_known = false;
  impl_->controllers.push_back(std::make_unique<Managed>(std::move(controller), impl_->clock));
  Managed& managed = *impl_->controllers.back();
  for (const Source& source : managed.spec.sources) {
    impl_->cache.subscribe(source.kind, source.ns, [&managed, &source](const Object& object) {
      for (const Key& key : source.map(object)) managed.queue.add(key);
    });
  }
}

bool Runner::step() {
  {
    // What changes from here on wakes again.
    std::lock_guard lock(impl_->mutex);
    impl_->woken = false;
  }
  impl_->empty_inbox();
  const bool came = impl_->cache.pump();
  const bool reconciled = impl_->reconcile_one();
  impl_->due_known = false;
  return reconciled || came;
}

std::optional<Duration> Runner::next_due() const {
  {
    std::lock_guard lock(impl_->mutex);
    if (!impl_->inbox.empty()) return Duration::zero();
  }
  if (!impl_->due_known) {
    impl_->due = impl_->first_due();
    impl_->due_known = true;
  }
  return impl_->due;
}

bool Runner::ready() const {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->woken) return true;
  }
  const auto due = next_due();
  return due && *due <= impl_->clock.monotonic();
}

void Runner::run(const CancelToken& stop) {
  while (!stop.cancelled()) {
    if (!step()) impl_->sleep(next_due());
  }
}

void Runner::wake() { impl_->wake(); }

void Runner::enqueue(const std::string& controller, const Key& key) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->inbox.emplace_back(controller, key);
  }
  impl_->wake();
}

uint64_t Runner::trace_hash() const { return impl_->trace.value(); }

}  // namespace breakwater::kube
