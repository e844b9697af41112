// What libFuzzer calls, for the one target that BREAKWATER_FUZZ_TARGETS names.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
#define X(name) breakwater::fuzz::fuzz_##name(input);
  BREAKWATER_FUZZ_TARGETS
#undef X
  return 0;
}
