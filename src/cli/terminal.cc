#include "cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/quantity.h"

namespace breakwater::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr Duration kRedraw = std::chrono::milliseconds(100);

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Characters, not bytes: cells may hold UTF-8.
size_t width(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

bool is_figure(std::string_view cell) { return !cell.empty() && cell[0] >= '0' && cell[0] <= '9'; }

}  // namespace

int complain(const Error& error, int exit_code) {
  fmt::print(stderr, "breakwater: {}\n", error.to_string());
  return exit_code;
}

ProgressBar::ProgressBar(std::string label, const Clock& clock)
    : label_(std::move(label)),
      clock_(clock),
      started_(clock.monotonic()),
      visible_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::update(uint64_t done, uint64_t total) {
  const Duration now = clock_.monotonic();
  if (!visible_ || (drawn_ >= Duration::zero() && now - drawn_ < kRedraw)) return;
  drawn_ = now;
  const double share = total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total);
  const double seconds = std::max(in_seconds(now - started_), 0.001);
  const double rate = static_cast<double>(done) / seconds;
  const int filled = static_cast<int>(share * kBarWidth);
  std::string left = "";
  if (rate > 0 && total > done) {
    left = ", " + format_seconds(static_cast<double>(total - done) / rate) + " left";
  }
  fmt::print(stderr, "\r\033[K{} [{:#<{}}{:-<{}}] {:3.0f} %  {} of {}, {}/s{}", label_, "", filled,
             "", kBarWidth - filled, share * 100, format_bytes(done), format_bytes(total),
             format_bytes(static_cast<uint64_t>(rate)), left);
  std::fflush(stderr);
}

void ProgressBar::finish() {
  if (!visible_ || drawn_ < Duration::zero()) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  drawn_ = Duration(-1);
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width(row[i]), ' ');
      line += (i == 0 ? "" : "   ");
      line += is_figure(row[i]) ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string format_seconds(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

}  // namespace breakwater::cli
