// An object store in memory, for tests and the simulator.
#pragma once

#include <memory>

#include "blob/object_store.h"

namespace breakwater::blob {

std::unique_ptr<ObjectStore> make_memory_store();

}  // namespace breakwater::blob
