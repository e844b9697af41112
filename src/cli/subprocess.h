// Other programs: run to their end, or started and stopped by their own process id.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace breakwater::cli {

struct ProgramResult {
  int exit_code = 0;   // 128 + signal if it was killed
  std::string output;  // stdout and stderr, at most the last 1 MiB
};

// Runs a program found in PATH (and in the sbin folders, where mke2fs lives) and waits for it.
// kNotFound if there is no such program. `environment` is added to ours.
Result<ProgramResult> run_program(const std::vector<std::string>& arguments,
                                  const std::map<std::string, std::string>& environment = {});
// The same, where an exit code other than 0 is an error with the last lines of the output.
Result<std::string> run_checked(const std::vector<std::string>& arguments,
                                const std::map<std::string, std::string>& environment = {});

// A running child, killed when its owner goes.
class Child {
 public:
  // stdout and stderr are appended to `log`.
  static Result<Child> start(const std::vector<std::string>& arguments,
                             const std::filesystem::path& log);
  Child(Child&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  Child& operator=(Child&& other) noexcept;
  ~Child() { kill_and_wait(); }

  // Its exit code once it has ended by itself; nothing while it runs.
  std::optional<int> poll();
  // SIGKILL, then wait. No effect if it has ended.
  void kill_and_wait();
  // SIGTERM, then wait for its exit code.
  int stop();

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

}  // namespace breakwater::cli
