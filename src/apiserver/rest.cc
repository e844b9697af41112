#include "apiserver/rest.h"

#include <algorithm>
#include <array>

#include "apiserver/http_request.h"
#include "apiserver/openapi.h"
#include "apiserver/rest_path.h"
#include "apiserver/rest_reply.h"

namespace breakwater::apiserver {

namespace {

// How clients ask for protobuf, and how it is answered: '@' has no place in a media type, so what
// clients send is not what they can parse.
constexpr std::string_view kProtobufAsked =
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
constexpr std::string_view kProtobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

bool is_health_check(std::string_view path) {
  constexpr std::array<std::string_view, 3> kChecks = {"/healthz", "/livez", "/readyz"};
  return std::find(kChecks.begin(), kChecks.end(), path) != kChecks.end();
}

Json version_document() {
  return Json::object({{"major", "1"},
                       {"minor", "31"},
                       {"gitVersion", "v1.31.0+breakwater"},
                       {"gitCommit", ""},
                       {"gitTreeState", "clean"},
                       {"buildDate", "1970-01-01T00:00:00Z"},
                       {"goVersion", ""},
                       {"compiler", "g++"},
                       {"platform", "linux/amd64"}});
}

Response reply_openapi(const OpenApi::Text& text, std::string_view content_type) {
  Response response;
  response.content_type = content_type;
  response.body = *text;
  return response;
}

}  // namespace

std::string watch_error_line(const Error& error) {
  return to_json(Json::object({{"type", "ERROR"}, {"object", kube::status_of(error)}})) + "\n";
}

struct Rest::Impl {
  Impl(ApiServer& server, PodLogs* logs, const Clock& clock)
      : context{server, logs, clock}, openapi(server.registry()) {}

  Result<User> impersonated_user(const Request& request) const;
  Response serve_openapi(const Request& request);
  Response serve_path(const Request& request);

  RestContext context;
  OpenApi openapi;
};

Result<User> Rest::Impl::impersonated_user(const Request& request) const {
  if (request.impersonate_user.empty()) {
    return fail(Code::kInvalid, "groups cannot be impersonated without a user");
  }
  Access access{.verb = "impersonate",
                .group = "",
                .resource = "users",
                .subresource = "",
                .ns = "",
                .name = request.impersonate_user,
                .path = ""};
  TRY(require_access(context, request.user, access));
  User user{request.impersonate_user, request.impersonate_groups, ""};
  access.resource = "groups";
  for (const std::string& group : request.impersonate_groups) {
    access.name = group;
    TRY(require_access(context, request.user, access));
  }
  constexpr std::string_view kServiceAccount = "system:serviceaccount:";
  if (user.groups.empty() && user.name.starts_with(kServiceAccount)) {
    const std::string_view rest = std::string_view(user.name).substr(kServiceAccount.size());
    const size_t colon = rest.find(':');
    if (colon != std::string_view::npos) {
      return service_account_user(rest.substr(0, colon), rest.substr(colon + 1));
    }
  }
  user.groups.push_back("system:authenticated");
  return user;
}

Response Rest::Impl::serve_openapi(const Request& request) {
  if (request.path == "/openapi/v2") {
    if (request.accept.find(kProtobufAsked) != std::string::npos ||
        request.accept.find(kProtobuf) != std::string::npos) {
      return reply_openapi(openapi.v2_protobuf(), kProtobuf);
    }
    return reply_openapi(openapi.v2_json(), "application/json");
  }
  if (request.path == "/openapi/v3") return reply_openapi(openapi.v3_index(), "application/json");
  constexpr std::string_view kV3 = "/openapi/v3/";
  if (request.path.starts_with(kV3)) {
    const auto text = openapi.v3(request.path.substr(kV3.size()));
    if (text) return reply_openapi(text, "application/json");
  }
  return not_found(request.path);
}

// Everything that is no resource. Bindings say who may read it, as for resources.
Response Rest::Impl::serve_path(const Request& request) {
  const auto allowed = require_access(context, request.user,
                                      {.verb = "get",
                                       .group = "",
                                       .resource = "",
                                       .subresource = "",
                                       .ns = "",
                                       .name = "",
                                       .path = request.path});
  if (!allowed) return reply_error(allowed.error());
  if (request.method != "GET" && request.method != "HEAD") return method_not_allowed(request);
  if (request.path == "/version" || request.path == "/version/") return reply(version_document());
  if (is_health_check(request.path)) return reply_text("ok");
  if (request.path.starts_with("/openapi/")) return serve_openapi(request);
  auto document = serve_discovery(context, request);
  return document ? std::move(*document) : not_found(request.path);
}

Rest::Rest(ApiServer& server, PodLogs* logs, const Clock& clock)
    : impl_(std::make_unique<Impl>(server, logs, clock)) {
  server.set_raw_handler([this](const User& user, const std::string& path) -> Result<std::string> {
    Request request;
    request.method = "GET";
    request.user = user;
    TRY(read_target(path, request));
    Response response = handle(request);
    if (response.stream) return fail(Code::kUnsupported, "{} is a stream; use watch()", path);
    if (response.status == 200) return std::move(response.body);
    const auto body = parse_json(response.body);
    return tl::unexpected(kube::error_of(response.status, body ? *body : Json()));
  });
}

Rest::~Rest() { impl_->context.server.set_raw_handler(nullptr); }

Response Rest::handle(const Request& request) {
  if (!request.impersonate_user.empty() || !request.impersonate_groups.empty()) {
    auto user = impl_->impersonated_user(request);
    if (!user) return reply_error(user.error());
    Request as_user = request;
    as_user.user = std::move(*user);
    as_user.impersonate_user.clear();
    as_user.impersonate_groups.clear();
    return handle(as_user);
  }
  const auto path = parse_resource_path(request.path);
  if (!path) return impl_->serve_path(request);
  auto review = serve_review(impl_->context, request, *path);
  return review ? std::move(*review) : serve_resource(impl_->context, request, *path);
}

}  // namespace breakwater::apiserver
