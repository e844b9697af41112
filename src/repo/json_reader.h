// A streaming reader for restic's records: it walks a text once, builds nothing, and skips members
// it does not know. Trees of a hundred megabytes are read with it.
//
//   JsonReader json(text);
//   json.begin_object();
//   while (json.next_member(name)) {
//     if (name == "tree") snapshot.tree = json.id();
//     else json.skip();
//   }
//   TRY(json.finish("snapshot"));
//
// Errors stick: after the first, every call returns an empty value or false at once, and finish()
// tells what was wrong. So callers need no check per value. Borrows the text; used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "repo/types.h"

namespace breakwater::repo {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  void begin_object() { expect('{'); }
  // Reads the name of the next member; false at the end of the object, or after an error. The view
  // is valid until the next call.
  bool next_member(std::string_view& name);
  void begin_array() { expect('['); }
  // Whether another element follows; false at the end of the array, or after an error.
  bool next_element();

  // Values. null reads as "", 0, false or no element.
  std::string string();
  uint64_t number();  // an error unless it is a whole number from 0 to 2^64-1
  uint32_t number32();
  bool boolean();
  Id id();
  // RFC 3339; times that a Time cannot hold (Go's zero time is the year 1) become the nearest it
  // can.
  Time time();
  // Takes a null if that is what comes next.
  bool take_null();
  // Any value; returns its text.
  std::string_view skip();

  // Reports an error at this place, unless there is one already.
  void fail_here(std::string_view message);
  bool failed() const { return !error_.empty(); }
  // kCorrupt, naming `what`, the error and its offset, unless exactly one value was read without
  // error.
  Result<> finish(std::string_view what);

 private:
  char peek();  // the next character that is no space; '\0' at the end
  void expect(char bracket);
  bool next_in(char close);
  std::string_view quoted(std::string& scratch);
  void read_escape(std::string& out);
  uint32_t read_hex4();
  void skip_string();
  std::string_view literal();

  std::string_view text_;
  size_t at_ = 0;
  bool comma_ = false;  // a value came before: the next needs a comma
  std::string scratch_;
  std::string error_;
};

}  // namespace breakwater::repo
