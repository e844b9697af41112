// Writes JSON as Go's encoding/json does, so that restic's records come out byte for byte: no
// spaces, members in the order they are written, '<', '>', '&', U+2028 and U+2029 escaped, bytes
// that are not UTF-8 as U+FFFD. Used by one thread; calls must nest properly (a bug otherwise).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "repo/types.h"

namespace breakwater::repo {

class JsonWriter {
 public:
  void reserve(size_t bytes) { out_.reserve(bytes); }

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  // The name of the next value; names are plain ASCII.
  void name(std::string_view name);
  void string(std::string_view value);
  void number(uint64_t value);
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void null() { raw("null"); }
  void id(const Id& id);
  void time(Time time);  // RFC 3339, UTC, nanoseconds without trailing zeros
  // A value that is JSON already.
  void raw(std::string_view json);

  // name() and the value together; the second line leaves empty values out, as Go's omitempty.
  void member(std::string_view name, std::string_view value);
  void member_unless_empty(std::string_view name, std::string_view value);
  void member(std::string_view name, uint64_t value);
  void member_unless_zero(std::string_view name, uint64_t value);

  // The text so far; the writer is empty then.
  std::string take() { return std::move(out_); }

 private:
  void separate();
  void open(char bracket);
  void close(char bracket);

  std::string out_;
  bool comma_ = false;  // the next name or element needs one before it
};

}  // namespace breakwater::repo
