#include "sandbox/processes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "sandbox/spawn.h"

namespace breakwater::sandbox {
namespace {

class RealProcesses final : public Processes {
 public:
  RealProcesses(Fd wake, std::chrono::milliseconds patience)
      : wake_(std::move(wake)), patience_(patience), thread_([this] { loop(); }) {}

  ~RealProcesses() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
  }

  Result<int64_t> start(const ProcessSpec& spec, OnExit on_exit) override {
    Request request{spec, std::move(on_exit), {}};
    auto answer = request.answer.get_future();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return fail(Code::kUnavailable, "the node is stopping");
      requests_.push_back(std::move(request));
    }
    wake();
    return answer.get();
  }

  void signal(int64_t id, int number) override {
    const std::lock_guard lock(mutex_);
    const auto found = children_.find(id);
    if (found != children_.end()) send_signal(found->second.pidfd, number);
  }

 private:
  struct Request {
    ProcessSpec spec;
    OnExit on_exit;
    std::promise<Result<int64_t>> answer;
  };
  struct Child {
    pid_t pid = -1;
    Fd pidfd;
    OnExit on_exit;
  };

  void wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  }

  void loop() {
    while (true) {
      std::vector<Request> requests;
      bool stopping = false;
      {
        const std::lock_guard lock(mutex_);
        requests.swap(requests_);
        stopping = stopping_;
      }
      for (Request& request : requests) {
        if (stopping) {
          request.answer.set_value(fail(Code::kUnavailable, "the node is stopping"));
        } else {
          request.answer.set_value(spawn(request));
        }
      }
      if (stopping) return end_all();
      wait(-1);
      reap(true);
    }
  }

  Result<int64_t> spawn(Request& request) {
    Spawned spawned = TRY(spawn_process(request.spec));
    const std::lock_guard lock(mutex_);
    const int64_t id = next_id_++;
    children_[id] = Child{spawned.pid, std::move(spawned.pidfd), std::move(request.on_exit)};
    return id;
  }

  // Until a child ends, somebody calls wake(), or the time is over.
  void wait(int timeout_ms) {
    std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, child] : children_) fds.push_back({child.pidfd.get(), POLLIN, 0});
    }
    ::poll(fds.data(), fds.size(), timeout_ms);
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t read = ::read(wake_.get(), &count, sizeof count);
  }

  void reap(bool tell) {
    std::vector<std::pair<OnExit, ProcessExit>> ended;
    {
      const std::lock_guard lock(mutex_);
      for (auto it = children_.begin(); it != children_.end();) {
        int status = 0;
        if (::waitpid(it->second.pid, &status, WNOHANG) != it->second.pid) {
          ++it;
          continue;
        }
        const bool killed = WIFSIGNALED(status);
        const int code = killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        ended.emplace_back(std::move(it->second.on_exit), ProcessExit{code, killed});
        it = children_.erase(it);
      }
    }
    if (!tell) return;
    for (auto& [on_exit, exit] : ended) on_exit(exit);
  }

  void end_all() {
    signal_all(SIGTERM);
    const auto step = std::chrono::milliseconds(50);
    for (auto waited = std::chrono::milliseconds(0); waited < patience_ && any(); waited += step) {
      wait(static_cast<int>(step.count()));
      reap(false);
    }
    signal_all(SIGKILL);
    while (any()) {
      wait(static_cast<int>(step.count()));
      reap(false);
    }
  }

  void signal_all(int number) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, child] : children_) send_signal(child.pidfd, number);
  }

  bool any() {
    const std::lock_guard lock(mutex_);
    return !children_.empty();
  }

  const Fd wake_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<Request> requests_;
  std::map<int64_t, Child> children_;
  int64_t next_id_ = 1;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace

Result<std::unique_ptr<Processes>> make_processes(std::chrono::milliseconds patience) {
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return fail(Code::kInternal, "no eventfd: the kernel refuses to make one");
  return std::make_unique<RealProcesses>(std::move(wake), patience);
}

}  // namespace breakwater::sandbox
