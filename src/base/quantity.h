// Kubernetes quantities: "1Gi", "500m", "1e3", "10G".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace breakwater {

// The value in whole units, rounded up: "1Gi" is 1073741824, "1500m" is 2. kInvalid for malformed
// or negative text and for values above 2^63-1.
Result<int64_t> parse_quantity(std::string_view text);
// Bytes as the largest binary unit that divides them: 1073741824 is "1Gi", 1000 is "1000".
std::string format_quantity(int64_t bytes);
// For people: "1.0 GiB", "512 KiB", "87 B".
std::string format_bytes(uint64_t bytes);

}  // namespace breakwater
