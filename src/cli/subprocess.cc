#include "cli/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/file.h"

namespace breakwater::cli {
namespace {

constexpr size_t kKeptOutput = 1 << 20;
constexpr size_t kShownOutput = 600;

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<std::string> full_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    if (name != "PATH" && !added.contains(name)) entries.push_back(text);
  }
  for (const auto& [name, value] : added) entries.push_back(name + "=" + value);
  const char* path = std::getenv("PATH");
  entries.push_back("PATH=" + std::string(path == nullptr ? "/usr/bin:/bin" : path) +
                    ":/usr/sbin:/sbin");
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

// Full path of `program`, looked for in the folders of the PATH that the child will have.
std::string locate(const std::string& program, const std::string& path) {
  if (program.find('/') != std::string::npos) return program;
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find(':', start), path.size());
    const std::string candidate = path.substr(start, end - start) + "/" + program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    start = end + 1;
  }
  return "";
}

Result<pid_t> spawn(std::vector<std::string> arguments,
                    const std::map<std::string, std::string>& added, int output) {
  std::vector<std::string> environment = full_environment(added);
  const std::string program = locate(arguments[0], environment.back().substr(5));
  if (program.empty()) {
    return fail(Code::kNotFound, "program {} is not installed", arguments[0]);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr,
                                pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    return tl::unexpected(errno_error("starting", program));
  }
  return pid;
}

std::string read_to_end(int fd) {
  std::string output;
  char buffer[65536];
  for (;;) {
    const ssize_t count = read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return output;
    output.append(buffer, static_cast<size_t>(count));
    if (output.size() > 2 * kKeptOutput) output.erase(0, output.size() - kKeptOutput);
  }
}

}  // namespace

Result<ProgramResult> run_program(const std::vector<std::string>& arguments,
                                  const std::map<std::string, std::string>& environment) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return tl::unexpected(errno_error("opening a pipe for", arguments[0]));
  Fd reading(ends[0]), writing(ends[1]);
  const pid_t pid = TRY(spawn(arguments, environment, writing.get()));
  writing = Fd();
  ProgramResult result;
  result.output = read_to_end(reading.get());
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = exit_code_of(status);
  return result;
}

Result<std::string> run_checked(const std::vector<std::string>& arguments,
                                const std::map<std::string, std::string>& environment) {
  ProgramResult result = TRY(run_program(arguments, environment));
  if (result.exit_code == 0) return std::move(result.output);
  const std::string& output = result.output;
  const size_t start = output.size() > kShownOutput ? output.size() - kShownOutput : 0;
  return fail(Code::kInternal, "{} ended with {}: {}", arguments[0], result.exit_code,
              output.substr(start));
}

Result<Child> Child::start(const std::vector<std::string>& arguments,
                           const std::filesystem::path& log) {
  Fd output(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!output.valid()) return tl::unexpected(errno_error("opening", log));
  return Child(TRY(spawn(arguments, {}, output.get())));
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill_and_wait();
    pid_ = other.pid_;
    other.pid_ = -1;
  }
  return *this;
}

std::optional<int> Child::poll() {
  if (pid_ < 0) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  return exit_code_of(status);
}

void Child::kill_and_wait() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  stop();
}

int Child::stop() {
  if (pid_ < 0) return 0;
  kill(pid_, SIGTERM);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return exit_code_of(status);
}

}  // namespace breakwater::cli
