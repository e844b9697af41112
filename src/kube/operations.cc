#include "kube/operations.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace breakwater::kube {
namespace {

struct Operation {
  Operations::Work work;
  std::function<void()> on_finish;
  CancelToken cancel;
  Operations::State state;
  bool forgotten = false;
};

class Pool final : public Operations {
 public:
  Pool(int threads, int queue) : room_(static_cast<size_t>(queue)) {
    for (int i = 0; i < threads; ++i) workers_.emplace_back([this] { serve(); });
  }

  ~Pool() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      for (auto& [id, operation] : known_) operation->cancel.cancel();
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  Result<> start(const std::string& id, Work work, std::function<void()> on_finish) override {
    std::lock_guard lock(mutex_);
    if (known_.contains(id)) return {};
    if (waiting_.size() >= room_) {
      return fail(Code::kUnavailable, "{} operations are waiting already", waiting_.size());
    }
    auto operation = std::make_shared<Operation>();
    operation->work = std::move(work);
    operation->on_finish = std::move(on_finish);
    known_[id] = operation;
    waiting_.emplace_back(id, operation);
    changed_.notify_one();
    return {};
  }

  std::optional<State> find(const std::string& id) override {
    std::lock_guard lock(mutex_);
    const auto found = known_.find(id);
    if (found == known_.end()) return std::nullopt;
    return found->second->state;
  }

  void cancel(const std::string& id) override {
    std::lock_guard lock(mutex_);
    if (const auto found = known_.find(id); found != known_.end()) found->second->cancel.cancel();
  }

  void forget(const std::string& id) override {
    std::lock_guard lock(mutex_);
    const auto found = known_.find(id);
    if (found == known_.end()) return;
    Operation& operation = *found->second;
    if (operation.state.finished) {
      known_.erase(found);
    } else {
      operation.forgotten = true;
      operation.cancel.cancel();
    }
  }

 private:
  using Entry = std::pair<std::string, std::shared_ptr<Operation>>;

  void serve() {
    while (std::optional<Entry> entry = next()) {
      Operation& operation = *entry->second;
      Result<Json> result = Json();
      if (auto proceed = operation.cancel.check(); proceed) {
        result = operation.work(operation.cancel);
      } else {
        result = tl::unexpected(proceed.error());
      }
      finish(*entry, std::move(result));
    }
  }

  std::optional<Entry> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return std::nullopt;
    Entry entry = std::move(waiting_.front());
    waiting_.pop_front();
    return entry;
  }

  void finish(const Entry& entry, Result<Json> result) {
    Operation& operation = *entry.second;
    operation.work = nullptr;  // what it captured is not needed for as long as its result is
    {
      std::lock_guard lock(mutex_);
      operation.state.result = std::move(result);
      operation.state.finished = true;
      if (operation.forgotten) known_.erase(entry.first);
      if (stopping_) return;  // whoever listens may be gone
    }
    if (operation.on_finish) operation.on_finish();
  }

  const size_t room_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::map<std::string, std::shared_ptr<Operation>> known_;
  std::deque<Entry> waiting_;
  std::vector<std::thread> workers_;
};

class Inline final : public Operations {
 public:
  Result<> start(const std::string& id, Work work, std::function<void()> on_finish) override {
    if (finished_.contains(id)) return {};
    State state;
    state.result = work(CancelToken());
    state.finished = true;
    finished_.emplace(id, std::move(state));
    if (on_finish) on_finish();
    return {};
  }

  std::optional<State> find(const std::string& id) override {
    const auto found = finished_.find(id);
    if (found == finished_.end()) return std::nullopt;
    return found->second;
  }

  void cancel(const std::string&) override {}
  void forget(const std::string& id) override { finished_.erase(id); }

 private:
  std::map<std::string, State> finished_;
};

}  // namespace

std::unique_ptr<Operations> make_operations(int threads, int queue) {
  return std::make_unique<Pool>(threads, queue);
}

std::unique_ptr<Operations> make_inline_operations() { return std::make_unique<Inline>(); }

}  // namespace breakwater::kube
