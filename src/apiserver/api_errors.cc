#include "apiserver/api_errors.h"

#include <fmt/format.h>

namespace breakwater::apiserver {

std::string qualified_kind(const ServedKind& kind) {
  return kind.group.empty() ? kind.kind : kind.kind + "." + kind.group;
}

tl::unexpected<Error> not_found(const ServedKind& kind, std::string_view name) {
  return fail(Code::kNotFound, "{} \"{}\" not found", kind.key().group_resource(), name);
}

tl::unexpected<Error> already_exists(const ServedKind& kind, std::string_view name, bool deleting) {
  return fail(Code::kAlreadyExists, "{}{} \"{}\" already exists",
              deleting ? "object is being deleted: " : "", kind.key().group_resource(), name);
}

tl::unexpected<Error> conflict(const ServedKind& kind, std::string_view name, std::string_view why) {
  return fail(Code::kConflict, "Operation cannot be fulfilled on {} \"{}\": {}",
              kind.key().group_resource(), name, why);
}

tl::unexpected<Error> modified(const ServedKind& kind, std::string_view name) {
  return conflict(kind, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

tl::unexpected<Error> forbidden(const ServedKind& kind, std::string_view name,
                                std::string_view why) {
  return fail(Code::kForbidden, "{} \"{}\" is forbidden: {}", kind.key().group_resource(), name,
              why);
}

tl::unexpected<Error> invalid(std::string_view qualified_kind, std::string_view name,
                              const std::vector<std::string>& causes) {
  const bool one = causes.size() == 1;
  return fail(Code::kInvalid, "{} \"{}\" is invalid: {}{}{}", qualified_kind, name, one ? "" : "[",
              fmt::join(causes, ", "), one ? "" : "]");
}

}  // namespace breakwater::apiserver
