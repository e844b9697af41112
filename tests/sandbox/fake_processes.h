// Processes of tests: nothing runs until the test says how it goes.
#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sandbox/processes.h"

namespace breakwater::sandbox_test {

class FakeProcesses final : public sandbox::Processes {
 public:
  struct Process {
    sandbox::ProcessSpec spec;
    OnExit on_exit;
    std::vector<int> signals;
  };

  Result<int64_t> start(const sandbox::ProcessSpec& spec, OnExit on_exit) override {
    ++started;
    running[next_id_] = {spec, std::move(on_exit), {}};
    return next_id_++;
  }

  // SIGKILL always ends a process, SIGTERM does unless it is stubborn.
  void signal(int64_t id, int number) override {
    const auto found = running.find(id);
    if (found == running.end()) return;
    found->second.signals.push_back(number);
    if (number == SIGKILL || (number == SIGTERM && !stubborn)) end(id, 128 + number, true);
  }

  void end(int64_t id, int code, bool killed = false) {
    const auto found = running.find(id);
    if (found == running.end()) return;
    const OnExit on_exit = found->second.on_exit;
    running.erase(found);
    on_exit({code, killed});
  }

  std::map<int64_t, Process> running;
  int started = 0;
  bool stubborn = false;

 private:
  int64_t next_id_ = 1;
};

}  // namespace breakwater::sandbox_test
