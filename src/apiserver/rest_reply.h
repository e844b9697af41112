// Media types and bodies: how requests are read and answers written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apiserver/rest.h"

namespace breakwater::apiserver {

// What every part of Rest works with.
struct RestContext {
  ApiServer& server;
  PodLogs* logs;
  const Clock& clock;
};

// The form of an answer that the client accepts.
struct MediaType {
  enum class Shape { kPlain, kTable, kMetadata } shape = Shape::kPlain;
  bool yaml = false;
  std::string version = "v1";  // of meta.k8s.io, for tables and metadata
};
// The first media type of an Accept header that we can write: JSON, YAML, and JSON as a Table or
// PartialObjectMetadata. Nothing if there is none; "" accepts JSON.
std::optional<MediaType> negotiate(std::string_view accept);

Response reply(const Json& body, int status = 200, bool yaml = false);
Response reply_text(std::string body, int status = 200);
// A metav1.Status.
Response reply_error(const Error& error);
Response reply_failure(int status, std::string_view reason, std::string_view message);
Response bad_request(std::string_view message);
Response not_found(std::string_view path);
Response method_not_allowed(const Request& request);

// The one document in a request's body: JSON, or YAML if its Content-Type says so. kUnsupported for
// other types, kInvalid for anything but one object.
Result<Json> read_object(const Request& request);
// The query parameter, or "".
const std::string& query_value(const Request& request, const std::string& name);
bool query_flag(const Request& request, const std::string& name);  // "true", "1", …

// kForbidden, in Kubernetes' words, unless `user` may.
Result<> require_access(const RestContext& context, const User& user, const Access& access);

// The parts of Rest; each in a source file of its name.
struct ResourcePath;
Response serve_resource(const RestContext& context, const Request& request,
                        const ResourcePath& path);
// Nothing if `path` is no review resource (SelfSubjectAccessReview and its like).
std::optional<Response> serve_review(const RestContext& context, const Request& request,
                                     const ResourcePath& path);
// Nothing if the path is no discovery document (/api, /apis, /apis/<group>,
// /apis/<group>/<version>).
std::optional<Response> serve_discovery(const RestContext& context, const Request& request);

}  // namespace breakwater::apiserver
