// Fuzz targets: one function per parser of outside bytes.
//
// Each takes any bytes, gives them to the parser, and CHECKs what must hold for whatever it
// accepts; mostly that what it prints is read back as the same. A target keeps nothing between
// calls and its cost is bounded for inputs of 4 KiB. replay.cc runs them all on the corpus in every
// test run, libfuzzer.cc makes one program of each for tools/fuzz.sh.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"

namespace breakwater::fuzz {

// Of a target that takes several texts: they are separated by a line "%%". Missing ones are empty.
template <size_t N>
std::array<std::string_view, N> split_input(std::string_view input) {
  constexpr std::string_view kSeparator = "\n%%\n";
  std::array<std::string_view, N> parts;
  for (size_t i = 0; i < N; ++i) {
    const size_t end = i + 1 < N ? input.find(kSeparator) : std::string_view::npos;
    parts[i] = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + kSeparator.size());
  }
  return parts;
}

// Whether a tree has at most `limit` nodes when every shared one is counted each time it is met.
bool is_small(const Json& value, size_t limit);

}  // namespace breakwater::fuzz
