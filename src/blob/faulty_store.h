// An object store that misbehaves on purpose, for tests.
#pragma once

#include <functional>
#include <memory>

#include "base/random.h"
#include "blob/object_store.h"

namespace breakwater::blob {

// Chances between 0 and 1 per call.
struct StoreFaults {
  double unavailable = 0;   // kUnavailable, nothing happened
  double lost_answer = 0;   // a write took effect, yet kTimeout
  double corrupt_read = 0;  // one bit of what is read is flipped
};

// Called before each operation with its ordinal (from 1) and its name ("put data/3f/3fa1…"); an
// error fails the operation before it has an effect. It must not use the faulty store itself.
// "Crash at the k-th operation" fails all from k on.
using BeforeOperation = std::function<Result<>(int64_t ordinal, const std::string& what)>;

// `inner` and `random` outlive the wrapper.
std::unique_ptr<ObjectStore> make_faulty_store(ObjectStore& inner, Random& random,
                                               StoreFaults faults, BeforeOperation before = {});

}  // namespace breakwater::blob
