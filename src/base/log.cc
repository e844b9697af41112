#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace breakwater {

namespace {

class FdLogSink final : public LogSink {
 public:
  explicit FdLogSink(int fd) : fd_(fd) {}

  void write(std::string_view line) override {
    const std::string text = std::string(line) + "\n";
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t n = ::write(fd_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;  // a log that cannot be written must not stop the work
      rest.remove_prefix(static_cast<size_t>(n));
    }
  }

 private:
  const int fd_;
};

struct LevelName {
  std::string_view text;
  std::string_view json;  // as logrus writes it, so that Velero's log tooling keeps working
};

LevelName level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return {"DEBUG", "debug"};
    case LogLevel::kInfo:
      return {"INFO ", "info"};
    case LogLevel::kWarning:
      return {"WARN ", "warning"};
    case LogLevel::kError:
      return {"ERROR", "error"};
    case LogLevel::kOff:
      break;
  }
  return {"OFF  ", "off"};
}

bool plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  });
}

void append_field(std::string& line, std::string_view key, const Json& value) {
  line += ' ';
  line += key;
  line += '=';
  line += value.is_string() && plain(value.as_string()) ? value.as_string() : to_json(value);
}

}  // namespace

std::shared_ptr<LogSink> fd_log_sink(int fd) { return std::make_shared<FdLogSink>(fd); }

struct MemoryLogSink::State {
  std::mutex mutex;
  std::vector<std::string> lines;
};

MemoryLogSink::MemoryLogSink() : state_(std::make_unique<State>()) {}
MemoryLogSink::~MemoryLogSink() = default;

void MemoryLogSink::write(std::string_view line) {
  const std::lock_guard lock(state_->mutex);
  state_->lines.emplace_back(line);
}

std::vector<std::string> MemoryLogSink::lines() const {
  const std::lock_guard lock(state_->mutex);
  return state_->lines;
}

Logger::Logger(std::shared_ptr<LogSink> sink, const Clock& clock, LogLevel level, LogFormat format)
    : sink_(std::move(sink)), clock_(&clock), level_(level), format_(format) {}

Logger Logger::with(std::string_view key, Json value) const {
  Logger logger = *this;
  const auto same = std::find_if(logger.fields_.begin(), logger.fields_.end(),
                                 [&](const auto& field) { return field.first == key; });
  if (same != logger.fields_.end()) {
    same->second = std::move(value);
  } else {
    logger.fields_.emplace_back(key, std::move(value));
  }
  return logger;
}

void Logger::debug(std::string_view message, Fields fields) const {
  write(LogLevel::kDebug, message, fields);
}
void Logger::info(std::string_view message, Fields fields) const {
  write(LogLevel::kInfo, message, fields);
}
void Logger::warning(std::string_view message, Fields fields) const {
  write(LogLevel::kWarning, message, fields);
}
void Logger::error(std::string_view message, Fields fields) const {
  write(LogLevel::kError, message, fields);
}

void Logger::write(LogLevel level, std::string_view message, Fields fields) const {
  if (!enabled(level)) return;
  const LevelName name = level_name(level);
  const std::string time = format_rfc3339(clock_->now());
  if (format_ == LogFormat::kJson) {
    Json line = Json::object({{"time", time}, {"level", name.json}, {"msg", message}});
    for (const auto& [key, value] : fields_) line.set(key, value);
    for (const auto& [key, value] : fields) line.set(key, value);
    sink_->write(to_json(line));
    return;
  }
  std::string line = fmt::format("{} {} {}", time, name.text, message);
  for (const auto& [key, value] : fields_) append_field(line, key, value);
  for (const auto& [key, value] : fields) append_field(line, key, value);
  sink_->write(line);
}

}  // namespace breakwater
