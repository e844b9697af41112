#include "kube/client.h"

namespace breakwater::kube {
namespace {

struct Row {
  Code code;
  int status;
  std::string_view reason;
};

// The first row of a code is how we say it, every row is understood.
constexpr Row kRows[] = {
    {Code::kNotFound, 404, "NotFound"},
    {Code::kAlreadyExists, 409, "AlreadyExists"},
    {Code::kConflict, 409, "Conflict"},
    {Code::kInvalid, 422, "Invalid"},
    {Code::kInvalid, 400, "BadRequest"},
    {Code::kInvalid, 413, "RequestEntityTooLarge"},
    {Code::kForbidden, 403, "Forbidden"},
    {Code::kUnauthorized, 401, "Unauthorized"},
    {Code::kExpired, 410, "Expired"},
    {Code::kExpired, 410, "Gone"},
    {Code::kTimeout, 504, "Timeout"},
    {Code::kTimeout, 504, "ServerTimeout"},
    {Code::kTimeout, 408, "Timeout"},
    {Code::kUnavailable, 503, "ServiceUnavailable"},
    {Code::kUnavailable, 429, "TooManyRequests"},
    {Code::kUnavailable, 502, "BadGateway"},
    {Code::kUnsupported, 405, "MethodNotAllowed"},
    {Code::kUnsupported, 406, "NotAcceptable"},
    {Code::kUnsupported, 415, "UnsupportedMediaType"},
    {Code::kUnsupported, 501, "NotImplemented"},
    {Code::kInternal, 500, "InternalError"},
};

const Row& row_of(Code code) {
  for (const Row& row : kRows) {
    if (row.code == code) return row;
  }
  return row_of(Code::kInternal);
}

// The reason tells more than the number, and is there even where a proxy changed the number. A 409
// without a reason is a conflict: of the two meanings the one that makes callers read again.
Code code_of(int status, std::string_view reason) {
  for (const Row& row : kRows) {
    if (!reason.empty() && row.reason == reason) return row.code;
  }
  if (status == 409) return Code::kConflict;
  for (const Row& row : kRows) {
    if (row.status == status) return row.code;
  }
  return Code::kInternal;
}

}  // namespace

int http_status(Code code) { return row_of(code).status; }

Json status_of(const Error& error) {
  const Row& row = row_of(error.code());
  return Json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", Json::object()},
                       {"status", "Failure"},
                       {"message", error.to_string()},
                       {"reason", row.reason},
                       {"code", row.status}});
}

Error error_of(int http_status, const Json& body) {
  const Code code = code_of(http_status, body["reason"].as_string());
  const std::string& message = body["message"].as_string();
  if (!message.empty()) return Error(code, message);
  return Error(code, fmt::format("the API server answered with HTTP status {}", http_status));
}

}  // namespace breakwater::kube
