// Failures in Kubernetes' words, so that people and scripts that know them recognise them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/registry.h"
#include "base/error.h"
#include "base/json.h"

namespace breakwater::apiserver {

// "Backup.velero.io", as it stands before a name in "… is invalid".
std::string qualified_kind(const ServedKind& kind);

// backups.velero.io "x" not found
tl::unexpected<Error> not_found(const ServedKind& kind, std::string_view name);
tl::unexpected<Error> already_exists(const ServedKind& kind, std::string_view name, bool deleting);
// Operation cannot be fulfilled on pods "x": <why>
tl::unexpected<Error> conflict(const ServedKind& kind, std::string_view name, std::string_view why);
// … the object has been modified; please apply your changes to the latest version and try again
tl::unexpected<Error> modified(const ServedKind& kind, std::string_view name);
// pods "x" is forbidden: <why>
tl::unexpected<Error> forbidden(const ServedKind& kind, std::string_view name,
                                std::string_view why);
// Backup.velero.io "x" is invalid: <cause>, or [<cause>, <cause>]
tl::unexpected<Error> invalid(std::string_view qualified_kind, std::string_view name,
                              const std::vector<std::string>& causes);

// The details of a Status for a message that invalid() made: name, group, kind and the causes with
// their fields, which kubectl 1.20 shows instead of the message. Nothing for other messages.
std::optional<Json> invalid_details(std::string_view message);

}  // namespace breakwater::apiserver
