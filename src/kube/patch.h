// The three patch formats of the Kubernetes API, applied to JSON.
#pragma once

#include "base/error.h"
#include "base/json.h"

namespace breakwater::kube {

enum class PatchType {
  kJson,       // RFC 6902, application/json-patch+json
  kMerge,      // RFC 7396, application/merge-patch+json
  kStrategic,  // application/strategic-merge-patch+json; built-in kinds only
};

// The media type that goes with a patch type, and back (kUnsupported for others).
std::string_view patch_media_type(PatchType type);
Result<PatchType> patch_type(std::string_view media_type);

// RFC 6902: all operations or none; a failing "test" or a missing path is kInvalid and names the
// operation by index.
Result<Json> apply_json_patch(const Json& target, const Json& patch);
// RFC 7396: null removes, objects merge, everything else replaces.
Json apply_merge_patch(const Json& target, const Json& patch);
// Kubernetes' strategic merge: lists merge by the key that strategic_merge_key() knows for their
// path, with the directives $patch (replace, delete, merge), $deleteFromPrimitiveList/<field>,
// $setElementOrder/<field> and $retainKeys. Lists without a known key are replaced.
Result<Json> apply_strategic_patch(std::string_view kind, const Json& target, const Json& patch);

// The smallest merge patch that turns `from` into `to`; an empty object when they are equal.
Json make_merge_patch(const Json& from, const Json& to);

// The member by which a list at `field` (its last path segment) of a built-in kind merges, e.g.
// "name" for containers; "" for lists that are replaced as a whole.
std::string_view strategic_merge_key(std::string_view kind, std::string_view field);

}  // namespace breakwater::kube
