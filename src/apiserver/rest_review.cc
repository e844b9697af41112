#include "apiserver/rest_path.h"
#include "apiserver/rest_reply.h"
#include "apiserver/reviews.h"

namespace breakwater::apiserver {

std::optional<Response> serve_review(const RestContext& context, const Request& request,
                                     const ResourcePath& path) {
  const ReviewKind* review = find_review(path.group, path.version, path.plural);
  if (!review || review->namespaced != !path.ns.empty()) return std::nullopt;
  if (request.method != "POST" || !path.name.empty()) return method_not_allowed(request);
  auto body = read_object(request);
  if (!body) return bad_request(body.error().to_string());
  auto answer = judged(context.server.reader(), request.user, *review, path.ns, std::move(*body));
  return answer ? reply(*answer, 201) : reply_error(answer.error());
}

}  // namespace breakwater::apiserver
