#include "cli/roles.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace breakwater::cli {

Result<std::set<std::string>> parse_roles(const std::string& text,
                                          const std::vector<std::string>& known) {
  std::set<std::string> roles;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    const std::string role = text.substr(start, end - start);
    if (std::find(known.begin(), known.end(), role) == known.end()) {
      return fail(Code::kInvalid, "--controllers names \"{}\": use {}", role,
                  fmt::format("{}", fmt::join(known, ", ")));
    }
    roles.insert(role);
    start = end + 1;
  }
  return roles;
}

}  // namespace breakwater::cli
