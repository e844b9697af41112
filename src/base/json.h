// JSON as an immutable, shared tree.
//
// A Json is a small value (24 bytes) that refers to a tree which nobody changes: copying one costs
// a reference count, so the API server's store, its watch history and every informer share nodes,
// and "copy before you change it" cannot be forgotten. The editing functions change this Json only,
// by copying the nodes on the way from the root to the edited place.
//
// Objects keep the order in which members were added. Integers that fit 64 bits are integers; every
// other number keeps its text, so that what we do not know survives a round trip unchanged.
//
// Reading never fails: the wrong kind or an absent member reads as null, "" or 0. Code that must
// tell "absent" from "wrong" asks kind(). Thread-safe like an int: concurrent reads of one Json are
// fine, and two Jsons may share nodes across threads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace breakwater {

class Json {
 public:
  enum class Kind { kNull, kBool, kInt, kNumber, kString, kArray, kObject };

  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Members = std::vector<Member>;
  // Names of members, outermost first. A member name may contain anything ("app/x.y").
  using Path = std::initializer_list<std::string_view>;

  Json() = default;  // null
  Json(const Json&) = default;
  Json(Json&& other) noexcept : value_(std::exchange(other.value_, {})) {}  // leaves null
  Json& operator=(const Json&) = default;
  Json& operator=(Json&& other) noexcept {
    Value taken = std::exchange(other.value_, {});
    value_ = std::move(taken);
    return *this;
  }
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(unsigned value) : value_(int64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(const void*) = delete;  // a pointer is no bool
  Json(uint64_t value);        // above 2^63-1 it is kept as a kNumber
  Json(long long value) : value_(int64_t{value}) {}
  Json(double value);  // not finite: null
  Json(const char* value);
  Json(std::string_view value);
  Json(std::string value);
  Json(Array items);
  Json(Members members);  // names must be unique
  // Json::object({{"kind", "Pod"}, {"count", 3}}), Json::array({"a", "b"})
  static Json object(std::initializer_list<Member> members = {});
  static Json array(std::initializer_list<Json> items = {});
  // A number that is no 64-bit integer, given as its JSON text.
  static Json number(std::string text);

  Kind kind() const { return static_cast<Kind>(value_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_int() const { return kind() == Kind::kInt; }
  bool is_number() const { return is_int() || kind() == Kind::kNumber; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }
  explicit operator bool() const = delete;  // ambiguous: ask is_null() or as_bool()

  bool as_bool(bool otherwise = false) const;
  int64_t as_int(int64_t otherwise = 0) const;
  double as_double(double otherwise = 0) const;
  // The text of a string, or of a kNumber; "" for anything else.
  const std::string& as_string() const;
  // `otherwise` unless this is a string ("" is one).
  std::string as_string_or(std::string_view otherwise) const;

  // Elements of an array or members of an object; empty for anything else.
  const Array& items() const;
  const Members& members() const;
  size_t size() const;  // elements or members
  bool empty() const { return size() == 0; }

  // The member or element, or null. The reference lives as long as this Json is unchanged.
  const Json& operator[](std::string_view name) const;
  const Json& operator[](const char* name) const { return (*this)[std::string_view(name)]; }
  const Json& operator[](const std::string& name) const { return (*this)[std::string_view(name)]; }
  const Json& operator[](size_t index) const;
  const Json& operator[](int index) const { return (*this)[static_cast<size_t>(index)]; }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Null pointer if absent; tells "absent" from "null".
  const Json* find(std::string_view name) const;
  const Json& at(Path path) const;
  const Json& at(std::span<const std::string> path) const;

  // Editing. Missing objects on the way are created; a node on the way that is not an object is
  // replaced by one. An empty path replaces or clears the whole value.
  void set(Path path, Json value);
  void set(std::span<const std::string> path, Json value);
  void set(std::string_view name, Json value) { set({name}, std::move(value)); }
  // Removes a member; an absent one is no error. Objects that become empty stay.
  void erase(Path path);
  void erase(std::span<const std::string> path);
  void erase(std::string_view name) { erase({name}); }
  void push_back(Json item);  // null becomes an array first
  // Replaces element `index`, which must exist.
  void set_item(size_t index, Json item);

  // Deep equality; the order of members does not matter, and equal shared nodes compare at once.
  friend bool operator==(const Json& a, const Json& b);

 private:
  struct NumberText {
    std::string text;
  };
  using Value = std::variant<std::monostate, bool, int64_t, std::shared_ptr<const NumberText>,
                             std::shared_ptr<const std::string>, std::shared_ptr<const Array>,
                             std::shared_ptr<const Members>>;
  void set_at(const std::string_view* first, const std::string_view* last, Json value);
  void erase_at(const std::string_view* first, const std::string_view* last);
  Members& own_members();
  Value value_;
};

// Parses one JSON text. Errors (kInvalid) give the offset in bytes. Limits: 64 MiB of text and 256
// levels of nesting; of duplicate members the last wins; invalid UTF-8 is refused.
Result<Json> parse_json(std::string_view text);

// indent < 0: one line without spaces; otherwise that many spaces a level.
std::string to_json(const Json& value, int indent = -1);

}  // namespace breakwater
