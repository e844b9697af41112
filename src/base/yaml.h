// YAML in and out, at the edges only: files that people write become Json at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace breakwater {

// Parses a stream of YAML (or JSON) documents; empty documents are left out. Plain scalars are
// typed as Kubernetes does (YAML 1.2 core schema: true/false, decimal integers, floats, null;
// `yes`, `on` and `0o17` are strings), except that a leading zero makes an integer octal, because
// kubectl reads `defaultMode: 0644` so. Keys become strings as they are written. Aliases and merge
// keys (`<<`) are followed. Errors (kInvalid) give line and column; a key that stands twice is one.
Result<std::vector<Json>> parse_yaml(std::string_view text);

// Block style, strings quoted where a YAML 1.1 or 1.2 reader could take them for something else.
std::string to_yaml(const Json& value);

}  // namespace breakwater
