// What can go wrong, as a value.
//
// A failure that a caller can act on travels as an Error inside a Result<T>. The code says what the
// caller may do about it, the message says what happened and names the object and field concerned,
// and the context chain says what was being done, outermost first when printed:
//
//   while restoring vm-1/disk-0: while reading pack 3fa1…: blob 77c0… does not match its hash
//
// Messages are one sentence without a full stop and never contain a secret. Bugs are not Errors:
// they are assertions (base/check.h).
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace breakwater {

// The first group equals the reasons of a Kubernetes Status, so that both transports and the HTTP
// front end translate one to one.
enum class Code {
  kNotFound,       // 404: the object does not exist
  kAlreadyExists,  // 409: create found an object of this name
  kConflict,       // 409: the resourceVersion or uid given is no longer the current one
  kInvalid,        // 422, 400: the input is wrong; repeating it cannot help
  kForbidden,      // 403: authenticated, but not allowed
  kUnauthorized,   // 401: not authenticated
  kExpired,        // 410: the resourceVersion or continue token is too old; list again
  kTimeout,        // the deadline passed; a write may or may not have taken effect
  kUnavailable,    // the other side cannot be reached or asks to come back later
  kUnsupported,    // this build, server or format does not offer what was asked
  kCorrupt,        // stored data does not match its checksum or its format
  kCancelled,      // the caller's cancel token was set
  kInternal,       // anything else
};

// "NotFound", "AlreadyExists", … as Kubernetes spells reasons.
std::string_view code_name(Code code);

class Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  bool is(Code code) const { return code_ == code; }
  // What happened, without the context chain.
  const std::string& message() const { return message_; }
  // The whole sentence: "while a: while b: message".
  std::string to_string() const;

  // Adds what the caller was doing, as a participle clause without "while": "reading pack 3fa1".
  Error& add_context(std::string doing);

 private:
  Code code_;
  std::string message_;
  std::vector<std::string> context_;  // innermost first
};

template <class T = void>
using Result = tl::expected<T, Error>;

// return fail(Code::kNotFound, "Backup {} does not exist", name);
template <class... Args>
tl::unexpected<Error> fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

// Passes `result` through, adding context if it is an error:
//   auto pack = TRY(while_doing(load(id), "reading pack {}", id));
template <class T, class... Args>
Result<T> while_doing(Result<T> result, fmt::format_string<Args...> format, Args&&... args) {
  if (!result) result.error().add_context(fmt::format(format, std::forward<Args>(args)...));
  return result;
}

namespace detail {
template <class T>
T take(Result<T>&& result) {
  return std::move(*result);
}
inline void take(Result<void>&&) {}
}  // namespace detail

}  // namespace breakwater

// Yields the value of a Result, or returns its Error from the enclosing function. A statement
// expression, which g++ and clang both offer; not for use in coroutines. May be nested.
//
// g++ 12 does not destroy temporaries that the same full expression had already built when TRY
// returns. So it stands alone, or as a whole initializer: never in a braced list, never as an
// argument beside arguments that own something.
#define TRY(expression) BREAKWATER_TRY_COUNTED(expression, __COUNTER__)
#define BREAKWATER_TRY_COUNTED(expression, number) BREAKWATER_TRY_WITH(expression, number)
#define BREAKWATER_TRY_WITH(expression, number) \
  BREAKWATER_TRY_NAMED(expression, try_result_##number)
#define BREAKWATER_TRY_NAMED(expression, result)                                          \
  ({                                                                                      \
    auto result = (expression);                                                           \
    if (!result) return ::tl::unexpected<::breakwater::Error>(std::move(result).error()); \
    ::breakwater::detail::take(std::move(result));                                        \
  })
