// The syntax tree of a regular expression; private to Pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/pattern.h"

namespace breakwater::apiserver {

struct PatternNode {
  enum class Kind {
    kEmpty,
    kOneOf,
    kSequence,
    kChoice,
    kRepeat,
    kBegin,
    kEnd,
    kWordEdge,
    kNoWordEdge
  };
  Kind kind = Kind::kEmpty;
  Pattern::Ranges ranges;             // kOneOf
  std::vector<PatternNode> children;  // kSequence, kChoice; one for kRepeat
  int least = 0;                      // kRepeat
  int most = -1;                      // kRepeat; -1 = any number
};

// kInvalid says what is not understood.
Result<PatternNode> parse_pattern(std::string_view text);
// The code points of UTF-8 text; a byte that belongs to none is U+FFFD.
std::u32string code_points(std::string_view text);

}  // namespace breakwater::apiserver
