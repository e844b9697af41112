// Identifiers that Kubernetes generates, and names made to fit its limits.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace breakwater {

// A random (version 4) UUID in lower case, as metadata.uid.
std::string new_uid(Random& random);
// `length` characters of the alphabet that generateName uses (no vowels, no look-alikes).
std::string name_suffix(Random& random, size_t length = 5);
// `name` if it fits 63 characters, else its first 57 and the first 6 hex digits of its SHA-256:
// how Velero makes label values (label.GetValidName).
std::string label_value(std::string_view name);

}  // namespace breakwater
