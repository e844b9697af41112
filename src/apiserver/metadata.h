// The rules of metadata, which all kinds share.
#pragma once

#include <string>
#include <vector>

#include "apiserver/registry.h"
#include "base/time.h"
#include "kube/object.h"

namespace breakwater::apiserver {

using kube::Key;
using kube::Object;

// Appends what is wrong with the metadata of an object that is to be stored, in Kubernetes' words.
void check_metadata(const ServedKind& kind, const Object& object, std::vector<std::string>& causes);

// Makes the metadata of an object that a client sends that of a new one: what only the server may
// set is dropped or set. The name stands already.
void begin_metadata(const ServedKind& kind, Object& object, std::string uid, Time now);

// Gives `object`, which is to replace `old`, what clients cannot change. Appends what they tried to
// change and must not.
void keep_metadata(const Object& old, Object& object, std::vector<std::string>& causes);

// Counts up metadata.generation if `object` differs from `old` in what its owner asks for: anything
// but metadata and, for kinds with that subresource, status. Built-in kinds count definitions only.
void count_generation(const ServedKind& kind, const Object& old, Object& object);
bool has_generation(const ServedKind& kind);

}  // namespace breakwater::apiserver
