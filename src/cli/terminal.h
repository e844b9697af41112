// What people see: progress on a terminal, tables, and one-line errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace breakwater::cli {

// Prints "breakwater: <error>" to stderr and returns `exit_code`.
int complain(const Error& error, int exit_code = 1);

// A line that shows bytes done, rate and time left, redrawn at most ten times a second while stderr
// is a terminal; silent otherwise. Erased by finish() and by destruction.
class ProgressBar {
 public:
  ProgressBar(std::string label, const Clock& clock);
  ~ProgressBar();
  void update(uint64_t done, uint64_t total);
  void finish();

 private:
  const std::string label_;
  const Clock& clock_;
  const Duration started_;
  const bool visible_;
  Duration drawn_{-1};
};

// Rows of text in aligned columns; the first row is the head. Cells that look like numbers are
// aligned to the right.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

// 3.21 becomes "3.2 s", 75 "1 min 15 s".
std::string format_seconds(double seconds);

}  // namespace breakwater::cli
