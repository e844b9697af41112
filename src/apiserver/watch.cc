#include "apiserver/watch.h"

#include <charconv>
#include <deque>

namespace breakwater::apiserver {
namespace {

constexpr size_t kBatch = 256;

using kube::WatchEvent;

class StoredWatch final : public kube::Watch {
 public:
  StoredWatch(const Storage& storage, WakeHub& hub, ServedKindPtr kind, std::string ns,
              const kube::WatchOptions& options, const Clock& clock, Duration bookmark_interval)
      : storage_(storage),
        clock_(clock),
        bookmark_interval_(bookmark_interval),
        kind_(std::move(kind)),
        table_(kind_->group, kind_->plural),
        ns_(std::move(ns)),
        options_(options),
        spoken_at_(clock.monotonic()),
        slot_(hub.listen(table_)) {}
  ~StoredWatch() override { slot_->silence(); }

  Result<> start();
  Result<std::optional<WatchEvent>> next() override;
  void set_wake(std::function<void()> wake) override { slot_->set(std::move(wake)); }

 private:
  bool selects(const Object& object) const {
    return !object.json().is_null() && options_.labels.matches(object) &&
           options_.fields.matches(object);
  }
  Result<> fetch();
  void take(const Change& change);
  WatchEvent bookmark() const;

  const Storage& storage_;
  const Clock& clock_;
  const Duration bookmark_interval_;
  const ServedKindPtr kind_;
  const TableId table_;
  const std::string ns_;
  const kube::WatchOptions options_;
  uint64_t version_ = 0;  // everything up to here is delivered or in ready_
  std::deque<WatchEvent> ready_;
  Duration spoken_at_;
  const std::shared_ptr<WakeHub::Slot> slot_;
};

Result<> StoredWatch::start() {
  const std::string& from = options_.resource_version;
  if (!from.empty() && from != "0") {
    const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), version_);
    if (error != std::errc() || end != from.data() + from.size()) {
      return fail(Code::kInvalid, "resourceVersion: Invalid value: \"{}\": must be a number", from);
    }
    return fetch();
  }
  Storage::SliceQuery query;
  query.ns = ns_;
  query.accept = [this](const Object& object) { return selects(object); };
  auto slice = TRY(storage_.slice(table_, query));
  version_ = slice.version;
  for (Object& object : slice.objects) {
    ready_.push_back({WatchEvent::Type::kAdded, presented(*kind_, std::move(object))});
  }
  return {};
}

Result<> StoredWatch::fetch() {
  const auto changes = TRY(storage_.changes_after(table_, version_, kBatch));
  for (const ChangePtr& change : changes.changes) {
    if (ns_.empty() || change->key.ns == ns_) take(*change);
  }
  version_ = changes.version;
  return {};
}

// An object that begins to be selected is added, one that ceases to be is deleted.
void StoredWatch::take(const Change& change) {
  const bool before = selects(change.before);
  const bool now = !change.removed && selects(change.object);
  if (now) {
    const auto type = before ? WatchEvent::Type::kModified : WatchEvent::Type::kAdded;
    ready_.push_back({type, presented(*kind_, change.object)});
  } else if (before) {
    Object last = change.removed ? change.object : change.before;
    last.set({"metadata", "resourceVersion"}, std::to_string(change.version));
    ready_.push_back({WatchEvent::Type::kDeleted, presented(*kind_, std::move(last))});
  }
}

WatchEvent StoredWatch::bookmark() const {
  Object object;
  object.set({"kind"}, kind_->kind);
  object.set({"apiVersion"}, kind_->key().api_version());
  object.set({"metadata", "resourceVersion"}, std::to_string(version_));
  return {WatchEvent::Type::kBookmark, object};
}

Result<std::optional<WatchEvent>> StoredWatch::next() {
  while (ready_.empty()) {
    const uint64_t before = version_;
    TRY(fetch());
    if (version_ == before || !ready_.empty()) break;
  }
  const Duration now = clock_.monotonic();
  if (!ready_.empty()) {
    WatchEvent event = std::move(ready_.front());
    ready_.pop_front();
    spoken_at_ = now;
    return event;
  }
  if (now - spoken_at_ < bookmark_interval_) return std::optional<WatchEvent>();
  spoken_at_ = now;
  return bookmark();
}

}  // namespace

void WakeHub::Slot::set(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void WakeHub::Slot::silence() { set(nullptr); }

void WakeHub::Slot::call() {
  std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

std::shared_ptr<WakeHub::Slot> WakeHub::listen(const TableId& table) {
  auto slot = std::make_shared<Slot>();
  std::lock_guard lock(mutex_);
  auto& slots = slots_[table];
  std::erase_if(slots, [](const auto& other) { return other.expired(); });
  slots.push_back(slot);
  return slot;
}

void WakeHub::notify(const std::vector<TableId>& tables) {
  if (tables.empty()) return;
  std::vector<std::shared_ptr<Slot>> listeners;
  {
    std::lock_guard lock(mutex_);
    for (const TableId& table : tables) {
      const auto found = slots_.find(table);
      if (found == slots_.end()) continue;
      for (const auto& weak : found->second) {
        if (auto slot = weak.lock()) listeners.push_back(std::move(slot));
      }
    }
  }
  for (const auto& slot : listeners) slot->call();
  all_.call();
}

Result<std::unique_ptr<kube::Watch>> open_watch(const Storage& storage, WakeHub& hub,
                                                ServedKindPtr kind, const std::string& ns,
                                                const kube::WatchOptions& options,
                                                const Clock& clock, Duration bookmark_interval) {
  auto watch = std::make_unique<StoredWatch>(storage, hub, std::move(kind), ns, options, clock,
                                             bookmark_interval);
  TRY(watch->start());
  return std::unique_ptr<kube::Watch>(std::move(watch));
}

Object presented(const ServedKind& kind, Object object) {
  const std::string version = kind.key().api_version();
  if (object.api_version() != version) object.set({"apiVersion"}, version);
  return object;
}

}  // namespace breakwater::apiserver
