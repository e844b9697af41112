// The fuzz targets by name: a fuzz_<name>() each, and a folder corpus/<name>. CMakeLists.txt makes
// BREAKWATER_FUZZ_TARGETS of its list of names: X(json) X(yaml) …
#pragma once

#include <string_view>

namespace breakwater::fuzz {

#define X(name) void fuzz_##name(std::string_view input);
BREAKWATER_FUZZ_TARGETS
#undef X

}  // namespace breakwater::fuzz
