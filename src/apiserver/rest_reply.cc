#include "apiserver/rest_reply.h"

#include <algorithm>
#include <array>

#include "apiserver/api_errors.h"
#include "apiserver/protobuf_body.h"
#include "base/yaml.h"

namespace breakwater::apiserver {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Takes the text before `separator` off the front of `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = trimmed(rest.substr(0, end));
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

// One media range of an Accept header.
std::optional<MediaType> media_type_of(std::string_view range) {
  const std::string_view type = next_part(range, ';');
  MediaType result;
  result.yaml = type == "application/yaml";
  if (!result.yaml && type != "application/json" && type != "application/*" && type != "*/*") {
    return std::nullopt;
  }
  std::string_view as, group;
  while (!range.empty()) {
    const std::string_view parameter = next_part(range, ';');
    if (parameter.starts_with("as=")) as = parameter.substr(3);
    if (parameter.starts_with("g=")) group = parameter.substr(2);
    if (parameter.starts_with("v=")) result.version = parameter.substr(2);
  }
  if (as.empty()) return result;
  if (group != "meta.k8s.io") return std::nullopt;
  if (result.version != "v1" && result.version != "v1beta1") return std::nullopt;
  if (as == "Table") {
    result.shape = MediaType::Shape::kTable;
  } else if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") {
    result.shape = MediaType::Shape::kMetadata;
  } else {
    return std::nullopt;
  }
  return result;
}

}  // namespace

std::optional<MediaType> negotiate(std::string_view accept) {
  if (trimmed(accept).empty()) return MediaType{};
  while (!accept.empty()) {
    const auto type = media_type_of(next_part(accept, ','));
    if (type) return type;
  }
  return std::nullopt;
}

Response reply(const Json& body, int status, bool yaml) {
  Response response;
  response.status = status;
  response.content_type = yaml ? "application/yaml" : "application/json";
  response.body = yaml ? to_yaml(body) : to_json(body) + "\n";
  return response;
}

Response reply_text(std::string body, int status) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

Response reply_error(const Error& error) {
  Json status = kube::status_of(error);
  if (error.is(Code::kInvalid)) {
    // What is wrong with a field of an object is 422, with the request 400.
    auto details = invalid_details(error.message());
    if (!details) return bad_request(error.to_string());
    status.set("details", std::move(*details));
  }
  return reply(status, kube::http_status(error.code()));
}

Response reply_failure(int status, std::string_view reason, std::string_view message) {
  return reply(Json::object({{"kind", "Status"},
                             {"apiVersion", "v1"},
                             {"metadata", Json::object()},
                             {"status", "Failure"},
                             {"message", message},
                             {"reason", reason},
                             {"code", status}}),
               status);
}

Response bad_request(std::string_view message) { return reply_failure(400, "BadRequest", message); }

Response not_found(std::string_view path) {
  return reply_failure(
      404, "NotFound",
      fmt::format("the server could not find the requested resource: {} is not served", path));
}

Response method_not_allowed(const Request& request) {
  return reply_failure(
      405, "MethodNotAllowed",
      fmt::format("the server does not allow {} on {}", request.method, request.path));
}

Result<Json> read_object(const Request& request) {
  std::string_view content_type = request.content_type;
  const std::string_view type = next_part(content_type, ';');
  Json object;
  if (type == "application/yaml" || type == "application/x-yaml" || type == "text/yaml") {
    const std::vector<Json> documents = TRY(parse_yaml(request.body));
    if (documents.size() != 1) {
      return fail(Code::kInvalid, "the body holds {} documents where one is expected",
                  documents.size());
    }
    object = documents.front();
  } else if (type == "application/vnd.kubernetes.protobuf") {
    object = TRY(read_protobuf_body(request.body));
  } else if (type.empty() || type == "application/json" || type == "*/*") {
    object = TRY(parse_json(request.body));
  } else {
    return fail(Code::kUnsupported,
                "bodies of type \"{}\" are not supported; send application/json", type);
  }
  if (!object.is_object()) return fail(Code::kInvalid, "the body is not an object");
  return object;
}

const std::string& query_value(const Request& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? Json().as_string() : found->second;
}

bool query_flag(const Request& request, const std::string& name) {
  // What Go's ParseBool takes for true; Python's client sends "True".
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "true", "True", "TRUE"};
  return std::find(kTrue.begin(), kTrue.end(), query_value(request, name)) != kTrue.end();
}

Result<> require_access(const RestContext& context, const User& user, const Access& access) {
  return require_access(context.server.reader(), user, access);
}

}  // namespace breakwater::apiserver
