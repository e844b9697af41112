#include "sandbox/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace breakwater::sandbox {
namespace {

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& one : strings) result.push_back(one.data());
  result.push_back(nullptr);
  return result;
}

// Only what signal-safety(7) allows: other threads' locks are held forever in here.
[[noreturn]] void run_child(const char* binary, char* const* args, char* const* env, int log,
                            int input, int report, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  ::setpgid(0, 0);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(input, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execve(binary, args, env);
  const int problem = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &problem, sizeof problem);
  ::_exit(127);
}

Result<Fd> open_log(const std::filesystem::path& path) {
  Fd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!log.valid()) return tl::unexpected(errno_error("opening", path));
  if (::flock(log.get(), LOCK_EX | LOCK_NB) == 0) return log;
  if (errno != EWOULDBLOCK) return tl::unexpected(errno_error("locking", path));
  return fail(Code::kUnavailable, "an earlier process of this pod still runs");
}

// What the child says about its exec: nothing if it went well.
int read_problem(const Fd& report) {
  int problem = 0;
  ssize_t count = 0;
  do {
    count = ::read(report.get(), &problem, sizeof problem);
  } while (count < 0 && errno == EINTR);
  return count == sizeof problem ? problem : 0;
}

// By number: glibc 2.36 declares these functions without C linkage.
Fd pidfd_of(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

}  // namespace

void send_signal(const Fd& pidfd, int number) {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
}

Result<Spawned> spawn_process(const ProcessSpec& spec) {
  const Fd log = TRY(open_log(spec.log));
  const Fd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  int ends[2] = {-1, -1};
  if (!input.valid() || ::pipe2(ends, O_CLOEXEC) != 0) {
    return tl::unexpected(errno_error("preparing to start", spec.binary));
  }
  const Fd report(ends[0]);
  Fd report_end(ends[1]);
  std::vector<std::string> args{spec.binary.string()};
  args.insert(args.end(), spec.args.begin(), spec.args.end());
  std::vector<std::string> env = spec.env;
  const std::vector<char*> arg_pointers = pointers(args);
  const std::vector<char*> env_pointers = pointers(env);

  const pid_t parent = ::getpid();
  Spawned spawned;
  spawned.pid = ::fork();
  if (spawned.pid == 0) {
    run_child(spec.binary.c_str(), arg_pointers.data(), env_pointers.data(), log.get(), input.get(),
              report_end.get(), parent);
  }
  if (spawned.pid < 0) return tl::unexpected(errno_error("starting", spec.binary));
  report_end = Fd();
  spawned.pidfd = pidfd_of(spawned.pid);
  const int problem = read_problem(report);
  if (problem == 0 && spawned.pidfd.valid()) return spawned;
  ::kill(spawned.pid, SIGKILL);  // ours and not yet reaped, so the number is still its own
  ::waitpid(spawned.pid, nullptr, 0);
  errno = problem != 0 ? problem : ENOSYS;
  return tl::unexpected(errno_error("starting", spec.binary));
}

}  // namespace breakwater::sandbox
