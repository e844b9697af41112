// Reviews: questions about access that are asked by creating an object which nobody stores
// (SelfSubjectAccessReview, SubjectAccessReview and their like).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "apiserver/access.h"
#include "base/json.h"
#include "kube/client.h"

namespace breakwater::apiserver {

struct ReviewKind {
  std::string_view group, plural, kind;
  bool namespaced;
};
std::span<const ReviewKind> review_kinds();
// Null if that is no review.
const ReviewKind* find_review(std::string_view group, std::string_view version,
                              std::string_view plural);

// `body` with the answer in its status. kForbidden for anonymous users and for questions about
// others that `user` may not ask; kInvalid names the field of the spec that is wrong.
Result<Json> judged(kube::Reader& reader, const User& user, const ReviewKind& review,
                    const std::string& ns, Json body);

}  // namespace breakwater::apiserver
