// The log of a simulated world: lines for the reader, and the first that tells a secret.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"
#include "tests/sim/trace.h"

namespace breakwater::sim {

class LogWatch final : public LogSink {
 public:
  // `trace` outlives this.
  LogWatch(Trace& trace, std::vector<std::string> secrets)
      : trace_(trace), secrets_(std::move(secrets)) {}
  void write(std::string_view line) override {
    trace_.note(std::string(line));
    for (const std::string& secret : secrets_) {
      if (line.find(secret) == line.npos) continue;
      const std::lock_guard lock(mutex_);
      if (leak_.empty()) leak_ = line;
    }
  }
  // kInternal if a secret was logged.
  Result<> check() {
    const std::lock_guard lock(mutex_);
    if (leak_.empty()) return {};
    return fail(Code::kInternal, "a secret was logged: {}", leak_);
  }

 private:
  Trace& trace_;
  const std::vector<std::string> secrets_;
  std::mutex mutex_;
  std::string leak_;
};

}  // namespace breakwater::sim
