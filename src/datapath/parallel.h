// A loop over numbered items on several threads, watched by the calling thread. Private to
// datapath/.
#pragma once

#include <cstdint>
#include <functional>

#include "base/error.h"

namespace breakwater::datapath {

// Runs `step(worker, item)` for every item in [0, items), each on one of `threads` threads
// (numbered from 0), beginning in ascending order. About every 100 ms, and once at the end if all
// went well, `tick` is called on the calling thread. The first error, of a step or of a tick, ends
// the loop: no further item begins, and it is returned once the steps under way have ended.
Result<> parallel(uint64_t items, int threads,
                  const std::function<Result<>(int worker, uint64_t item)>& step,
                  const std::function<Result<>()>& tick);

}  // namespace breakwater::datapath
