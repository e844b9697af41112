#include "apiserver/http_request.h"

#include <algorithm>

#include "base/encoding.h"

namespace breakwater::apiserver {

Result<> read_target(std::string_view target, Request& request) {
  if (!target.starts_with('/')) return fail(Code::kInvalid, "the request's path is not absolute");
  const size_t mark = target.find('?');
  request.path = TRY(url_decode(target.substr(0, mark)));
  std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const size_t equal = pair.find('=');
    const std::string_view value = equal == std::string_view::npos ? "" : pair.substr(equal + 1);
    const std::string name = TRY(url_decode(pair.substr(0, equal), true));
    request.query[name] = TRY(url_decode(value, true));
  }
  return {};
}

std::optional<std::string> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  const bool matches = std::equal(
      kScheme.begin(), kScheme.end(), authorization.begin(),
      [](char want, char have) { return want == (have >= 'A' && have <= 'Z' ? have + 32 : have); });
  if (!matches) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  if (authorization.empty()) return std::nullopt;
  return std::string(authorization);
}

}  // namespace breakwater::apiserver
