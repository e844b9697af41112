// The least that a kube::Client can be: objects in memory with versions, conflicts and watches. For
// the tests of kube/ itself, which stands below the embedded API server.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kube/client.h"

namespace breakwater::kube::fake {

inline constexpr Kind kConfigMap{"", "v1", "ConfigMap", "configmaps", true, false};
inline constexpr Kind kWidget{"example.com", "v1", "Widget", "widgets"};

// {"metadata": {"name", "namespace"}, "data": {"value": value}}
inline Object config_map(const std::string& name, const std::string& value = "",
                         const std::string& ns = "default") {
  Object object = Object::make(kConfigMap, {ns, name});
  object.set({"data", "value"}, value);
  return object;
}

// One thread only. Counters and switches are public.
class FakeClient final : public Client {
 public:
  int lists = 0;
  int watches = 0;
  int writes = 0;
  std::vector<Error> list_errors;   // the next list calls fail with these, last first
  std::vector<Error> write_errors;  // likewise for writes

  // Ends every open watch with kUnavailable.
  void drop_watches() {
    ++epoch_;
    wake_all();
  }
  // Forgets the history: watches from earlier versions get kExpired.
  void forget_history() {
    oldest_ = version_;
    ++epoch_;
    wake_all();
  }
  // Removes without leaving an event, as if it had happened before the history that is kept.
  void vanish(const Kind& kind, const Key& key) { objects_.erase({kind.path(""), key}); }

  Result<Object> get(const Kind& kind, const Key& key, const Call&) override {
    const auto found = objects_.find({kind.path(""), key});
    if (found != objects_.end()) return found->second;
    return fail(Code::kNotFound, "{} \"{}\" not found", kind.group_resource(), key.name);
  }

  Result<ObjectList> list_page(const Kind& kind, const std::string& ns, const ListOptions& options,
                               const Call&) override {
    ++lists;
    TRY(next_error(list_errors));
    ObjectList list;
    list.resource_version = std::to_string(version_);
    for (const auto& [id, object] : objects_) {
      if (!selects(kind, ns, id) || !options.labels.matches(object)) continue;
      if (!options.continue_token.empty() && id.second.to_string() <= options.continue_token) {
        continue;
      }
      if (options.limit > 0 && list.items.size() == static_cast<size_t>(options.limit)) {
        list.continue_token = list.items.back().key().to_string();
        break;
      }
      list.items.push_back(object);
    }
    return list;
  }

  Result<Object> create(const Kind& kind, const Object& object, const Call&) override {
    TRY(begin_write());
    const Id id{kind.path(""), object.key()};
    if (objects_.contains(id)) {
      return fail(Code::kAlreadyExists, "{} \"{}\" already exists", kind.group_resource(),
                  object.name());
    }
    Object stored = object;
    stored.set({"metadata", "uid"}, fmt::format("uid-{}", version_ + 1));
    return store(id, stored, WatchEvent::Type::kAdded);
  }

  Result<Object> update(const Kind& kind, const Object& object, const Call&) override {
    TRY(begin_write());
    const Object current = TRY(get(kind, object.key(), {}));
    const std::string& version = object.resource_version();
    if (!version.empty() && version != current.resource_version()) {
      return fail(Code::kConflict, "the object has been modified");
    }
    return store({kind.path(""), object.key()}, object, WatchEvent::Type::kModified);
  }

  Result<Object> update_status(const Kind& kind, const Object& object, const Call& call) override {
    return update(kind, object, call);
  }

  Result<Object> patch(const Kind& kind, const Key& key, PatchType, const Json& patch,
                       const std::string&, const Call&) override {
    TRY(begin_write());
    const Object current = TRY(get(kind, key, {}));
    return store({kind.path(""), key}, Object(apply_merge_patch(current.json(), patch)),
                 WatchEvent::Type::kModified);
  }

  Result<> remove(const Kind& kind, const Key& key, const DeleteOptions&, const Call&) override {
    TRY(begin_write());
    const Object last = TRY(get(kind, key, {}));
    store({kind.path(""), key}, last, WatchEvent::Type::kDeleted);
    objects_.erase({kind.path(""), key});
    return {};
  }

  Result<std::unique_ptr<Watch>> watch(const Kind& kind, const std::string& ns,
                                       const WatchOptions& options, const Call&) override {
    ++watches;
    return std::make_unique<FakeWatch>(*this, kind, ns, std::stoll(options.resource_version));
  }

  Result<std::string> get_raw(const std::string& path, const Call&) override { return path; }

 private:
  using Id = std::pair<std::string, Key>;
  struct Entry {
    int64_t version;
    Id id;
    WatchEvent event;
  };

  class FakeWatch final : public Watch {
   public:
    FakeWatch(FakeClient& client, const Kind& kind, std::string ns, int64_t from)
        : client_(client), kind_(kind), ns_(std::move(ns)), seen_(from), epoch_(client.epoch_) {}

    Result<std::optional<WatchEvent>> next() override {
      if (seen_ < client_.oldest_) return fail(Code::kExpired, "too old resource version");
      if (epoch_ != client_.epoch_) return fail(Code::kUnavailable, "the stream has ended");
      for (const Entry& entry : client_.history_) {
        if (entry.version <= seen_ || !client_.selects(kind_, ns_, entry.id)) continue;
        seen_ = entry.version;
        return entry.event;
      }
      return std::nullopt;
    }
    void set_wake(std::function<void()> wake) override {
      client_.wakes_.push_back(std::move(wake));
    }

   private:
    FakeClient& client_;
    const Kind kind_;
    const std::string ns_;
    int64_t seen_;
    const int epoch_;
  };

  static Result<> next_error(std::vector<Error>& errors) {
    if (errors.empty()) return {};
    Error error = errors.back();
    errors.pop_back();
    return tl::unexpected(std::move(error));
  }
  Result<> begin_write() {
    ++writes;
    return next_error(write_errors);
  }
  bool selects(const Kind& kind, const std::string& ns, const Id& id) const {
    return id.first == kind.path("") && (ns.empty() || id.second.ns == ns);
  }
  Object store(const Id& id, Object object, WatchEvent::Type type) {
    object.set({"metadata", "resourceVersion"}, std::to_string(++version_));
    objects_[id] = object;
    history_.push_back({version_, id, {type, object}});
    wake_all();
    return object;
  }
  void wake_all() {
    for (const auto& wake : wakes_) wake();
  }

  std::map<Id, Object> objects_;
  std::vector<Entry> history_;
  std::vector<std::function<void()>> wakes_;
  int64_t version_ = 1;
  int64_t oldest_ = 0;
  int epoch_ = 0;
};

}  // namespace breakwater::kube::fake
