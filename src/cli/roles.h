// --controllers: which parts of a role run.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace breakwater::cli {

// "a,b" as a set. kInvalid for a name that is not in `known`, or for none at all.
Result<std::set<std::string>> parse_roles(const std::string& text,
                                          const std::vector<std::string>& known);

}  // namespace breakwater::cli
