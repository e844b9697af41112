// The OpenAPI schemas of the built-in kinds, as far as kubectl explain, kubectl's client-side
// validation and three-way merges need them.
//
// They are written in a small notation, one field a line, because the JSON would be ten times as
// long. Every level that lists fields lists all of them: kubectl refuses fields that a schema
// lacks. What is not worth listing is a free-form object ("o").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace breakwater::apiserver {

// Notation:
//   = core.v1.Pod What it is.        a definition; everything up to the next "=" belongs to it
//   =* core.v1.Pod What it is.       the same of a kind: adds apiVersion, kind, metadata, its GVK
//   name! [@core.v1.Container]~name What it is.     a field; "!" makes it required
// Types: s string, i int32, l int64, n number, b boolean, t date-time, y base64, q quantity, x
// integer or string, o free-form object, a anything, @name another definition, [T] a list, {T} a
// map. "~key" merges a list by that key, "~" merges a list of plain values, "~retain" keeps only
// named keys.
struct SchemaText {
  std::string_view text;
};
SchemaText core_schemas();      // pods and what is in them
SchemaText resource_schemas();  // the other core kinds, storage, RBAC, leases, CRDs, ObjectMeta

// Definitions by full name ("io.k8s.api.core.v1.Pod"), in OpenAPI v2's form: one object whose
// members are the schemas. The notation is our own, so a mistake in it is a bug and aborts.
Json builtin_definitions();
// "core.v1.Pod" → "io.k8s.api.core.v1.Pod".
std::string full_definition_name(std::string_view short_name);
// The definition of a kind, built-in or not: "io.velero.v1.Backup".
std::string definition_name(std::string_view group, std::string_view version,
                            std::string_view kind);

}  // namespace breakwater::apiserver
