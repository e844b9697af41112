// A directory as an object store: a key is a path below it.
#pragma once

#include <filesystem>
#include <memory>

#include "base/random.h"
#include "blob/object_store.h"

namespace breakwater::blob {

struct LocalSettings {
  std::filesystem::path root;  // created with its parents when the first object is put
  int file_mode = 0600;        // restic's local backend uses 0400
  bool sync = true;            // fsync files and directories; off only where a crash may lose data
};

// Objects are written to "<name>-tmp-<random>" beside their place, synced, and renamed (put) or
// linked (put_new); names that contain "-tmp-" are never listed and are removed by nobody but their
// writer. `random` outlives the store.
std::unique_ptr<ObjectStore> make_local_store(LocalSettings settings, Random& random);

}  // namespace breakwater::blob
