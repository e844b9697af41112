// UTF-8 as Go reads it, and Go's quoting of names. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace breakwater::repo {

// One code point at the front of a text. Invalid: one byte long, as Go's utf8.DecodeRune counts.
struct Rune {
  uint32_t value = 0;
  size_t size = 1;
  bool valid = false;
};
Rune first_rune(std::string_view text);  // text is not empty
bool is_utf8(std::string_view text);
void append_utf8(uint32_t rune, std::string& out);

// What Go's strconv.Quote makes of `name`, without the quotes: how restic stores names in trees.
// What Go does not consider printable is escaped; code points without a Unicode character count as
// printable here, which every reader undoes, but which Go would write otherwise.
std::string quote_name(std::string_view name);
// The inverse; understands every escape of Go. kCorrupt for others.
Result<std::string> unquote_name(std::string_view quoted);

}  // namespace breakwater::repo
