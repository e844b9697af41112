// What in-process clients get from get_raw(): discovery, health and pod logs, as over HTTP.
#pragma once

#include <string>

#include "apiserver/rest.h"

namespace breakwater::sandbox {

// The body of GET `path`, which may carry a query, as `user`. Thread-safe, as `rest` is.
Result<std::string> get_raw(apiserver::Rest& rest, const apiserver::User& user,
                            const std::string& path);

}  // namespace breakwater::sandbox
