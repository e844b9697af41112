// From HTTP's header fields to a Request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apiserver/rest.h"

namespace breakwater::apiserver {

// Splits a request target ("/api/v1/pods?limit=5&watch") into path and query and decodes both. Of a
// parameter given twice the last counts. kInvalid for targets that are no absolute path or not
// encoded rightly.
Result<> read_target(std::string_view target, Request& request);

// The token of "Bearer <token>"; nothing for other schemes or an empty token.
std::optional<std::string> bearer_token(std::string_view authorization);

}  // namespace breakwater::apiserver
