#include "sandbox/rest_raw.h"

#include <algorithm>

#include "base/encoding.h"

namespace breakwater::sandbox {
namespace {

Result<> add_query(std::string_view text, apiserver::Request& request) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : "";
    const std::string name = TRY(url_decode(pair.substr(0, equals), true));
    request.query[name] = TRY(url_decode(value, true));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

}  // namespace

Result<std::string> get_raw(apiserver::Rest& rest, const apiserver::User& user,
                            const std::string& path) {
  apiserver::Request request;
  request.method = "GET";
  request.user = user;
  request.accept = "application/json";
  const size_t question = path.find('?');
  request.path = TRY(url_decode(path.substr(0, question)));
  if (question != std::string::npos) TRY(add_query(path.substr(question + 1), request));
  apiserver::Response response = rest.handle(request);
  if (response.status < 400) return std::move(response.body);
  return tl::unexpected(
      kube::error_of(response.status, parse_json(response.body).value_or(Json())));
}

}  // namespace breakwater::sandbox
