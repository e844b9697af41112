// One kind in one namespace, listed and then followed: what a Cache is made of.
//
// Owned by a Cache and used by its thread only, but for the signal that a watch raises.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"

namespace breakwater::kube {

// How watches tell that something came. Shared with them, since they call from other threads and
// may outlive the cache by a moment.
class CacheSignal {
 public:
  void set_wake(std::function<void()> wake);
  void raise();

 private:
  std::mutex mutex_;
  std::function<void()> wake_;
};

class Informer {
 public:
  using OnChange = std::function<void(const Object&)>;

  Informer(Client& client, const Clock& clock, Logger log, std::shared_ptr<CacheSignal> signal,
           const Kind& kind, std::string ns);

  // Objects that are here already are reported with the next pump().
  void subscribe(OnChange on_change) { subscribers_.push_back({std::move(on_change)}); }
  bool subscribed() const { return !subscribers_.empty(); }
  bool listed() const { return listed_; }
  // Another informer follows the same objects: this one tells nobody anything from now on.
  void retire() { retired_ = true; }
  bool retired() const { return retired_; }
  // Valid once listed().
  const std::map<Key, Object>& objects() const { return objects_; }

  // Lists if that has never worked and is not waiting for its next attempt; fails with the reason
  // while there is nothing to read.
  Result<> ensure_listed();
  // Lists, watches and takes in events, as due. Returns whether anything happened.
  bool pump();
  std::optional<Duration> next_due() const;

 private:
  struct Subscriber {
    OnChange on_change;
    bool told = false;  // about what was here before it came
  };

  bool retry_due() const { return clock_.monotonic() >= retry_at_; }
  void failed(int& failures, const Error& error, std::string_view doing);
  Result<> list();
  Result<ObjectList> list_all();
  void start_watch();
  bool take_events();
  void take_event(WatchEvent event);
  void watch_ended(const Error& error);
  bool greet_subscribers();
  void report(const Object& object) const;

  Client& client_;
  const Clock& clock_;
  const Logger log_;
  const std::shared_ptr<CacheSignal> signal_;
  const Kind kind_;
  const std::string ns_;

  std::vector<Subscriber> subscribers_;
  std::map<Key, Object> objects_;
  bool retired_ = false;
  bool listed_ = false;    // there is something to read
  bool must_list_ = true;  // objects_ cannot be brought up to date by a watch
  std::string resource_version_;
  std::shared_ptr<std::atomic<bool>> arrived_;  // the watch may have something
  std::unique_ptr<Watch> watch_;
  Duration watch_started_{0};
  int list_failures_ = 0;   // in a row
  int watch_failures_ = 0;  // without an event between
  Duration retry_at_;
  std::optional<Error> last_error_;
};

}  // namespace breakwater::kube
