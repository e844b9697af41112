#include "base/error.h"

namespace breakwater {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kNotFound:
      return "NotFound";
    case Code::kAlreadyExists:
      return "AlreadyExists";
    case Code::kConflict:
      return "Conflict";
    case Code::kInvalid:
      return "Invalid";
    case Code::kForbidden:
      return "Forbidden";
    case Code::kUnauthorized:
      return "Unauthorized";
    case Code::kExpired:
      return "Expired";
    case Code::kTimeout:
      return "Timeout";
    case Code::kUnavailable:
      return "ServiceUnavailable";
    case Code::kUnsupported:
      return "Unsupported";
    case Code::kCorrupt:
      return "Corrupt";
    case Code::kCancelled:
      return "Cancelled";
    case Code::kInternal:
      return "InternalError";
  }
  return "InternalError";
}

std::string Error::to_string() const {
  std::string text;
  for (auto doing = context_.rbegin(); doing != context_.rend(); ++doing) {
    text += "while ";
    text += *doing;
    text += ": ";
  }
  return text + message_;
}

Error& Error::add_context(std::string doing) {
  context_.push_back(std::move(doing));
  return *this;
}

}  // namespace breakwater
