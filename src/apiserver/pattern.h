// The regular expressions of CRD schemas: the syntax of Go's regexp without captures, Unicode
// classes and look-around (which Go has not either).
//
// A match takes time proportional to pattern times text, whatever the pattern: expressions come
// from whoever may create a CustomResourceDefinition. Immutable.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace breakwater::apiserver {

class Pattern {
 public:
  // kInvalid says what is not understood. At most 1000 repetitions and 20000 steps.
  static Result<Pattern> parse(std::string_view text);
  // Whether the pattern matches anywhere in `text` (UTF-8).
  bool search(std::string_view text) const;

  using Ranges = std::vector<std::pair<char32_t, char32_t>>;  // both ends belong to it
  struct Step {
    enum class Op { kOneOf, kSplit, kBegin, kEnd, kWordEdge, kNoWordEdge, kMatch };
    Op op = Op::kMatch;
    Ranges ranges;     // kOneOf
    size_t next = 0;   // all but kMatch
    size_t other = 0;  // kSplit
  };

 private:
  explicit Pattern(std::vector<Step> steps) : steps_(std::move(steps)) {}
  struct Spot;
  void follow(size_t step, const Spot& spot, std::vector<size_t>& set, std::vector<bool>& in) const;
  std::vector<Step> steps_;
};

}  // namespace breakwater::apiserver
