// Real children.
#include "sandbox/processes.h"

#include <gtest/gtest.h>
#include <sys/file.h>

#include <condition_variable>
#include <csignal>
#include <mutex>

#include "base/clock.h"
#include "base/file.h"

namespace breakwater::sandbox_test {
namespace {

using sandbox::ProcessExit;
using sandbox::ProcessSpec;

// Waits for the end of one process.
class ExitWaiter {
 public:
  sandbox::Processes::OnExit callback() {
    return [this](ProcessExit exit) {
      const std::lock_guard lock(mutex_);
      exit_ = exit;
      ended_.notify_all();
    };
  }
  std::optional<ProcessExit> wait(std::chrono::seconds limit = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, limit, [this] { return exit_.has_value(); });
    return exit_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<ProcessExit> exit_;
};

class RealChildren : public testing::Test {
 protected:
  ProcessSpec shell(const std::string& script) {
    return {"/bin/sh",
            {"-c", script},
            {"COLOR=green", "PATH=/bin:/usr/bin"},
            directory_.path() / "log"};
  }
  std::string log() { return read_file(directory_.path() / "log").value_or(""); }
  // Until the log says so: the child is up.
  bool wait_for_log(const std::string& text) {
    const SystemClock clock;
    const Duration end = clock.monotonic() + std::chrono::seconds(10);
    while (clock.monotonic() < end) {
      if (log().find(text) != std::string::npos) return true;
    }
    return false;
  }

  TempDir directory_ = TempDir::create(std::filesystem::temp_directory_path(), "proc").value();
  std::unique_ptr<sandbox::Processes> processes_ =
      sandbox::make_processes(std::chrono::milliseconds(300)).value();
};

TEST_F(RealChildren, OutputGoesToTheLogAndTheCodeComesBack) {
  ExitWaiter waiter;
  ASSERT_TRUE(processes_->start(shell("echo $COLOR; echo bad >&2; read x || echo no-input; exit 7"),
                                waiter.callback()));
  const auto exit = waiter.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 7);
  EXPECT_FALSE(exit->killed);
  EXPECT_EQ(log(), "green\nbad\nno-input\n");
}

TEST_F(RealChildren, ChildInheritsNoDescriptorsOfOurs) {
  const Fd open_file(::open(directory_.path().c_str(), O_RDONLY));  // without O_CLOEXEC
  ASSERT_TRUE(open_file.valid());
  ExitWaiter waiter;
  ASSERT_TRUE(processes_->start(
      shell("[ -e /proc/self/fd/" + std::to_string(open_file.get()) + " ] && exit 1; exit 0"),
      waiter.callback()));
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.wait()->code, 0);
}

TEST_F(RealChildren, MissingBinaryIsAnErrorThatNamesIt) {
  const auto started =
      processes_->start({"/no/such/binary", {}, {}, directory_.path() / "log"}, [](ProcessExit) {});
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("/no/such/binary"), std::string::npos);
}

TEST_F(RealChildren, SignalsReachTheChildAndItsEndSaysWhich) {
  ExitWaiter waiter;
  const auto id = processes_->start(shell("echo up; exec sleep 100"), waiter.callback());
  ASSERT_TRUE(id);
  ASSERT_TRUE(wait_for_log("up"));
  processes_->signal(*id, SIGTERM);
  const auto exit = waiter.wait();
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->killed);
  EXPECT_EQ(exit->code, 128 + SIGTERM);
  processes_->signal(*id, SIGKILL);  // too late, and harmless
}

TEST_F(RealChildren, OneLogBelongsToOneProcessAtATime) {
  ExitWaiter first, second;
  const auto id = processes_->start(shell("echo up; exec sleep 100"), first.callback());
  ASSERT_TRUE(id);
  const auto refused = processes_->start(shell("true"), second.callback());
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Code::kUnavailable));
  processes_->signal(*id, SIGKILL);
  ASSERT_TRUE(first.wait());
  EXPECT_TRUE(processes_->start(shell("true"), second.callback()));
  EXPECT_TRUE(second.wait());
}

TEST_F(RealChildren, NoChildOutlivesUsHoweverStubborn) {
  // What ignores a signal goes on ignoring it after exec.
  ASSERT_TRUE(processes_->start(shell("trap '' TERM; echo $$; exec sleep 100"),
                                [](ProcessExit) { ADD_FAILURE() << "told after our end"; }));
  ASSERT_TRUE(wait_for_log("\n"));
  const std::string pid = log().substr(0, log().find('\n'));
  ASSERT_TRUE(std::filesystem::exists("/proc/" + pid));
  processes_.reset();
  EXPECT_FALSE(std::filesystem::exists("/proc/" + pid));
}

}  // namespace
}  // namespace breakwater::sandbox_test
