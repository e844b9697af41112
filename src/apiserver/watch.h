// Watches on a Storage, and what wakes them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "apiserver/registry.h"
#include "apiserver/storage.h"
#include "base/clock.h"
#include "kube/client.h"

namespace breakwater::apiserver {

// Who is to be told that a table has changed. Thread-safe; callbacks run on the writer's thread.
class WakeHub {
 public:
  // One listener. silence() returns only when no call is under way, and none comes after it.
  class Slot {
   public:
    void set(std::function<void()> wake);
    void silence();
    void call();

   private:
    std::mutex mutex_;
    std::function<void()> wake_;
  };

  // Listens to `table` for as long as the slot lives.
  std::shared_ptr<Slot> listen(const TableId& table);
  // Listens to every change.
  void set_wake_all(std::function<void()> wake) { all_.set(std::move(wake)); }
  void notify(const std::vector<TableId>& tables);

 private:
  std::mutex mutex_;
  std::map<TableId, std::vector<std::weak_ptr<Slot>>> slots_;
  Slot all_;
};

// A watch as `options` ask for it. All references outlive it. kExpired as in Storage; kInvalid for
// a resourceVersion that is no number.
Result<std::unique_ptr<kube::Watch>> open_watch(const Storage& storage, WakeHub& hub,
                                                ServedKindPtr kind, const std::string& ns,
                                                const kube::WatchOptions& options,
                                                const Clock& clock, Duration bookmark_interval);

// `object` as version `kind.version` shows it.
Object presented(const ServedKind& kind, Object object);

}  // namespace breakwater::apiserver
