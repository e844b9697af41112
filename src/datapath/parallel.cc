#include "datapath/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace breakwater::datapath {
namespace {

constexpr std::chrono::milliseconds kTickInterval{100};

class Loop {
 public:
  Loop(uint64_t items, const std::function<Result<>(int, uint64_t)>& step)
      : items_(items), step_(step) {}

  Result<> run(int threads, const std::function<Result<>()>& tick) {
    std::vector<std::thread> workers;
    start(threads, workers);
    watch(tick);
    for (std::thread& worker : workers) worker.join();
    if (error_) return tl::unexpected(*error_);
    return tick();
  }

 private:
  // Fewer threads than asked for are enough, as long as there is one.
  void start(int threads, std::vector<std::thread>& workers) {
    const auto count = std::min<uint64_t>(items_, static_cast<uint64_t>(std::max(threads, 1)));
    try {
      for (uint64_t i = 0; i < count; ++i) {
        const std::lock_guard lock(mutex_);
        workers.emplace_back([this, worker = static_cast<int>(i)] { work(worker); });
        ++running_;
      }
    } catch (const std::system_error& error) {
      if (workers.empty()) {
        stop(Error(Code::kInternal, fmt::format("cannot start a thread: {}", error.what())));
      }
    }
  }

  void work(int worker) {
    for (uint64_t item = next_++; item < items_ && !stopped_; item = next_++) {
      if (auto result = step_(worker, item); !result) stop(std::move(result.error()));
    }
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_one();
  }

  void watch(const std::function<Result<>()>& tick) {
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, kTickInterval, [this] { return running_ == 0; })) {
      lock.unlock();
      if (!stopped_) {
        if (auto result = tick(); !result) stop(std::move(result.error()));
      }
      lock.lock();
    }
  }

  void stop(Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    stopped_ = true;
  }

  const uint64_t items_;
  const std::function<Result<>(int, uint64_t)>& step_;
  std::atomic<uint64_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::condition_variable ended_;
  int running_ = 0;             // guarded by mutex_
  std::optional<Error> error_;  // guarded by mutex_ while threads run
};

}  // namespace

Result<> parallel(uint64_t items, int threads,
                  const std::function<Result<>(int worker, uint64_t item)>& step,
                  const std::function<Result<>()>& tick) {
  return Loop(items, step).run(threads, tick);
}

}  // namespace breakwater::datapath
