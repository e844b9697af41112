#include "apiserver/api_errors.h"

#include <fmt/format.h>

#include <array>

namespace breakwater::apiserver {
namespace {

// How the part of a cause behind its field begins, and the reason that goes with it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kReasons = {{
    {"Invalid value: ", "FieldValueInvalid"},
    {"Required value", "FieldValueRequired"},
    {"Unsupported value: ", "FieldValueNotSupported"},
    {"Duplicate value: ", "FieldValueDuplicate"},
    {"Forbidden: ", "FieldValueForbidden"},
    {"Too long: ", "FieldValueTooLong"},
    {"Too many: ", "FieldValueTooMany"},
    {"Not found: ", "FieldValueNotFound"},
}};

// "field: Reason …" as a cause of Status.details; nothing if the text does not begin like one.
std::optional<Json> cause_of(std::string_view text) {
  const size_t colon = text.find(": ");
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(0, colon), message = text.substr(colon + 2);
  if (field.find_first_of(" \",") != std::string_view::npos) return std::nullopt;
  for (const auto& [begin, reason] : kReasons) {
    if (!message.starts_with(begin)) continue;
    return Json::object({{"reason", reason}, {"message", message}, {"field", field}});
  }
  return std::nullopt;
}

// Cuts "cause, cause" where a comma is followed by what begins like a cause.
Json causes_of(std::string_view text) {
  Json causes = Json::array();
  while (!text.empty()) {
    size_t end = text.find(", ");
    while (end != std::string_view::npos && !cause_of(text.substr(end + 2))) {
      end = text.find(", ", end + 2);
    }
    if (auto cause = cause_of(text.substr(0, end))) causes.push_back(std::move(*cause));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
  }
  return causes;
}

}  // namespace

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

tl::unexpected<Error> conflict(const ServedKind& kind, std::string_view name,
                               std::string_view why) {
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

std::optional<Json> invalid_details(std::string_view message) {
  constexpr std::string_view kMiddle = "\" is invalid: ";
  const size_t quote = message.find(" \""), middle = message.find(kMiddle);
  if (quote == std::string_view::npos || middle == std::string_view::npos || middle < quote + 2) {
    return std::nullopt;
  }
  const std::string_view kind = message.substr(0, quote);
  std::string_view rest = message.substr(middle + kMiddle.size());
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  const size_t dot = kind.find('.');
  Json details = Json::object({{"name", message.substr(quote + 2, middle - quote - 2)}});
  if (dot != std::string_view::npos) details.set("group", kind.substr(dot + 1));
  details.set("kind", kind.substr(0, dot));
  details.set("causes", causes_of(rest));
  return details;
}

}  // namespace breakwater::apiserver
