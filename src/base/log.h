// Structured log lines: a constant message and key-value fields.
//
//   log.info("backup completed", {{"backup", name}, {"volumes", count}});
//
// Field values are written as they are: never pass a secret. A Logger is handed to constructors;
// with() makes one that adds fields to every line. Thread-safe.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace breakwater {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// Where lines go. Implementations are thread-safe.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(std::string_view line) = 0;  // without newline
};

// One line a write() to a file descriptor, which the caller keeps open.
std::shared_ptr<LogSink> fd_log_sink(int fd);
// Keeps lines in memory, for tests.
class MemoryLogSink final : public LogSink {
 public:
  MemoryLogSink();
  ~MemoryLogSink() override;
  void write(std::string_view line) override;
  std::vector<std::string> lines() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

enum class LogFormat { kText, kJson };

class Logger {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, Json>>;

  // Discards everything.
  Logger() = default;
  // `clock` lives as long as the logger and its copies.
  Logger(std::shared_ptr<LogSink> sink, const Clock& clock, LogLevel level = LogLevel::kInfo,
         LogFormat format = LogFormat::kText);

  Logger with(std::string_view key, Json value) const;
  bool enabled(LogLevel level) const { return sink_ && level >= level_; }

  void debug(std::string_view message, Fields fields = {}) const;
  void info(std::string_view message, Fields fields = {}) const;
  void warning(std::string_view message, Fields fields = {}) const;
  void error(std::string_view message, Fields fields = {}) const;

 private:
  void write(LogLevel level, std::string_view message, Fields fields) const;
  std::shared_ptr<LogSink> sink_;
  const Clock* clock_ = nullptr;
  LogLevel level_ = LogLevel::kOff;
  LogFormat format_ = LogFormat::kText;
  std::vector<std::pair<std::string, Json>> fields_;
};

}  // namespace breakwater
