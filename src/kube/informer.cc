#include "kube/informer.h"

#include <algorithm>
#include <utility>

namespace breakwater::kube {
namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds(100);
constexpr Duration kLongestRetry = std::chrono::seconds(30);
// A watch that held this long ended in the ordinary way and is no sign of trouble.
constexpr Duration kHealthyWatch = std::chrono::seconds(10);
// Events taken in at once, so that one busy kind does not hold up the rest.
constexpr int kBatch = 500;
constexpr int64_t kPageSize = 500;

}  // namespace

void CacheSignal::set_wake(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void CacheSignal::raise() {
  std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

Informer::Informer(Client& client, const Clock& clock, Logger log,
                   std::shared_ptr<CacheSignal> signal, const Kind& kind, std::string ns)
    : client_(client),
      clock_(clock),
      log_(log.with("kind", kind.group_resource())),
      signal_(std::move(signal)),
      kind_(kind),
      ns_(std::move(ns)),
      retry_at_(clock.monotonic()) {}

// The first failure is tried again at once: dropped watches and expired versions are everyday.
void Informer::failed(int& failures, const Error& error, std::string_view doing) {
  const int doublings = std::clamp(failures - 1, 0, 10);
  const Duration delay =
      failures == 0 ? Duration::zero()
                    : std::min<Duration>(kFirstRetry * (int64_t{1} << doublings), kLongestRetry);
  ++failures;
  retry_at_ = clock_.monotonic() + delay;
  last_error_ = error;
  if (failures > 1) {
    log_.warning("cache is behind", {{"while", doing}, {"error", error.to_string()}});
  } else {
    log_.debug("cache starts again", {{"while", doing}, {"error", error.to_string()}});
  }
}

Result<> Informer::ensure_listed() {
  if (listed_) return {};
  if (!last_error_ || retry_due()) {
    auto done = list();
    if (done) return {};
    failed(list_failures_, done.error(), "listing");
  }
  // "There is no such kind" must not read as "there is no such object".
  const Code code = last_error_->is(Code::kNotFound) ? Code::kUnavailable : last_error_->code();
  return fail(code, "cannot list {}: {}", kind_.group_resource(), last_error_->to_string());
}

Result<ObjectList> Informer::list_all() {
  ListOptions options;
  options.limit = kPageSize;
  options.any_version = true;
  ObjectList all = TRY(client_.list_page(kind_, ns_, options));
  while (!all.continue_token.empty()) {
    options.continue_token = std::move(all.continue_token);
    ObjectList page = TRY(client_.list_page(kind_, ns_, options));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all.items));
    all.continue_token = std::move(page.continue_token);
  }
  return all;
}

// Replaces the copy and reports the difference: what is new, what changed, and what vanished while
// nobody watched.
Result<> Informer::list() {
  auto listed = list_all();
  if (!listed && listed.error().is(Code::kExpired)) {
    listed = client_.list_page(kind_, ns_, ListOptions());
  }
  ObjectList list = TRY(std::move(listed));
  std::map<Key, Object> before = std::move(objects_);
  objects_.clear();
  for (Object& object : list.items) {
    const Key key = object.key();
    objects_.insert_or_assign(key, std::move(object));
  }
  watch_.reset();
  resource_version_ = list.resource_version;
  listed_ = true;
  must_list_ = false;
  list_failures_ = 0;
  last_error_.reset();
  for (const auto& [key, object] : before) {
    const auto now = objects_.find(key);
    if (now == objects_.end() || now->second.uid() != object.uid()) report(object);
  }
  for (const auto& [key, object] : objects_) {
    const auto old = before.find(key);
    if (old == before.end() || !(old->second == object)) report(object);
  }
  return {};
}

void Informer::start_watch() {
  WatchOptions options;
  options.resource_version = resource_version_;
  auto watch = client_.watch(kind_, ns_, options);
  if (!watch) return watch_ended(watch.error());
  watch_ = *std::move(watch);
  watch_started_ = clock_.monotonic();
  arrived_ = std::make_shared<std::atomic<bool>>(true);
  watch_->set_wake([signal = signal_, arrived = arrived_] {
    arrived->store(true);
    signal->raise();
  });
}

void Informer::watch_ended(const Error& error) {
  // Anything but a dropped stream may mean that resuming cannot work either.
  if (!error.is(Code::kUnavailable) && !error.is(Code::kTimeout)) must_list_ = true;
  if (watch_ && clock_.monotonic() - watch_started_ >= kHealthyWatch) watch_failures_ = 0;
  watch_.reset();
  failed(watch_failures_, error, "watching");
}

void Informer::take_event(WatchEvent event) {
  watch_failures_ = 0;
  if (const std::string& version = event.object.resource_version(); !version.empty()) {
    resource_version_ = version;
  }
  if (event.type == WatchEvent::Type::kBookmark) return;
  const Key key = event.object.key();
  if (event.type == WatchEvent::Type::kDeleted) {
    objects_.erase(key);
  } else {
    objects_.insert_or_assign(key, event.object);
  }
  report(event.object);
}

bool Informer::take_events() {
  if (!arrived_->exchange(false)) return false;
  for (int taken = 0; taken < kBatch; ++taken) {
    auto event = watch_->next();
    if (!event) {
      watch_ended(event.error());
      return true;
    }
    if (!*event) return taken > 0;
    take_event(**std::move(event));
  }
  arrived_->store(true);
  return true;
}

bool Informer::pump() {
  if (retired_) return false;
  bool busy = false;
  if (must_list_ && retry_due()) {
    busy = true;
    if (auto done = list(); !done) failed(list_failures_, done.error(), "listing");
  }
  if (!must_list_ && !watch_ && retry_due()) {
    busy = true;
    start_watch();
  }
  if (watch_) busy = take_events() || busy;
  if (listed_) busy = greet_subscribers() || busy;
  return busy;
}

// Each subscriber hears of everything once; from then on report() keeps it current.
bool Informer::greet_subscribers() {
  bool busy = false;
  for (Subscriber& subscriber : subscribers_) {
    if (std::exchange(subscriber.told, true)) continue;
    busy = true;
    for (const auto& [key, object] : objects_) subscriber.on_change(object);
  }
  return busy;
}

void Informer::report(const Object& object) const {
  for (const Subscriber& subscriber : subscribers_) {
    if (subscriber.told) subscriber.on_change(object);
  }
}

std::optional<Duration> Informer::next_due() const {
  if (retired_) return Duration::zero();
  if (watch_ && arrived_->load()) return Duration::zero();
  if (must_list_ || !watch_) return retry_at_;
  return std::nullopt;
}

}  // namespace breakwater::kube
