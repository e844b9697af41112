// Parsers of apiserver/: what clients and CRDs bring.
#include "apiserver/http_request.h"
#include "apiserver/json_path.h"
#include "apiserver/openapi.h"
#include "apiserver/protobuf_body.h"
#include "apiserver/rest_path.h"
#include "apiserver/rest_reply.h"
#include "tests/fuzz/fuzz.h"

namespace breakwater::fuzz {

// The target of a request line.
void fuzz_http_target(std::string_view input) {
  apiserver::Request request;
  if (!apiserver::read_target(input, request)) return;
  CHECK(input.front() == '/');
  const auto path = apiserver::parse_resource_path(request.path);
  if (path) CHECK(!path->version.empty() && !path->plural.empty());
  (void)apiserver::negotiate(request.path);
  (void)apiserver::bearer_token(request.path);
}

// A printer column's path, and an object to look into.
void fuzz_json_path(std::string_view input) {
  const auto [text, object] = split_input<2>(input);
  const auto path = apiserver::JsonPath::parse(text);
  if (!path) return;
  const Json root = parse_json(object).value_or(Json());
  CHECK(path->find(root) == path->find(root));
}

// A request's body as protobuf.
void fuzz_protobuf_body(std::string_view input) {
  const auto body = apiserver::read_protobuf_body(input);
  if (!body) return;
  CHECK(body->is_object());
  CHECK(!(*body)["kind"].as_string().empty());
}

// A CRD's schema, published.
void fuzz_openapi(std::string_view input) {
  const auto schema = parse_json(input);
  if (!schema) return;
  Json document = Json::object();
  document.set({"definitions", "a.B"}, apiserver::to_openapi_v2(*schema));
  CHECK(!apiserver::encode_openapi_v2(document).empty());
}

}  // namespace breakwater::fuzz
