// What a key or a prefix of an object store may look like; shared by all stores so that a key that
// one accepts, every one accepts. Pure functions.
#pragma once

#include <string_view>

#include "base/error.h"

namespace breakwater::blob {

// kInvalid unless `key` is 1 to 1024 bytes of '/'-separated segments, none of them empty, "." or
// "..", without NUL. 1024 is S3's limit.
Result<> check_key(std::string_view key);

// The same for what list() takes: everything before the last '/' must be whole segments; the rest
// may be any beginning of a segment. "" is fine.
Result<> check_prefix(std::string_view prefix);

// Whether a file of this name is a half-written object: it ends in "-tmp-" and hexadecimal digits.
// The local store names its temporary files so, and so does restic.
bool is_temporary_name(std::string_view name);

}  // namespace breakwater::blob
