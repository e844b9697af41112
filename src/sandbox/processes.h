// Child processes, as the node needs them.
//
// An interface, so that tests run pods without processes. The real one forks and reaps on one
// thread of its own, because PR_SET_PDEATHSIG counts from the thread that forked: children are
// killed when that thread, and so this process, ends in whatever way. All functions are
// thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace breakwater::sandbox {

struct ProcessSpec {
  std::filesystem::path binary;
  std::vector<std::string> args;  // without the binary's own name
  std::vector<std::string> env;   // "NAME=value"; the whole environment
  std::filesystem::path log;      // standard output and error are appended to it
};

// How a process ended: its exit code, or 128 + the signal that ended it, as shells say it.
struct ProcessExit {
  int code = 0;
  bool killed = false;  // by a signal
};

class Processes {
 public:
  using OnExit = std::function<void(ProcessExit)>;

  virtual ~Processes() = default;
  // Starts a process and returns its id, which is never used again. `on_exit` is called once, from
  // any thread, when it has ended. Errors name the binary or the log; kUnavailable means that a
  // process which somebody started with the same log still runs.
  virtual Result<int64_t> start(const ProcessSpec& spec, OnExit on_exit) = 0;
  // Sends a signal; no effect once the process has ended.
  virtual void signal(int64_t id, int number) = 0;
};

// Real children, each in a process group of its own, so that Ctrl-C reaches only us. The destructor
// asks all to end (SIGTERM), kills those that have not after `patience`, and calls no more on_exit.
Result<std::unique_ptr<Processes>> make_processes(
    std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace breakwater::sandbox
