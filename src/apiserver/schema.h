// Structural schemas (OpenAPI v3, as CustomResourceDefinitions carry them): defaulting, pruning and
// validation of objects.
//
// A schema is read where it stands, as JSON; nothing is compiled or cached. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace breakwater::apiserver {

// Appends what is wrong with `schema` itself, naming fields below `field`.
void check_schema(const Json& schema, const std::string& field, std::vector<std::string>& causes);

// `object` with the defaults of `schema` wherever a property with a default is absent (or null
// where null is not allowed).
Json with_defaults(const Json& schema, Json object);

// `object` without the fields that `schema` does not know. apiVersion, kind and metadata stay, at
// the root and in embedded resources; so does everything below
// x-kubernetes-preserve-unknown-fields.
Json pruned(const Json& schema, Json object);

// Everything that is wrong with `object`, in Kubernetes' words:
//   spec.ttl: Invalid value: "integer": spec.ttl in body must be of type string: "integer"
// Empty if it is valid. metadata is not looked at.
std::vector<std::string> schema_errors(const Json& schema, const Json& object);

}  // namespace breakwater::apiserver
