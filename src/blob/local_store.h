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

// Objects are written to "<name>-tmp-<hex digits>" beside their place, synced, and renamed (put) or
// linked (put_new); names that end so are never listed, are refused as keys (kInvalid), and are
// removed by nobody but their writer. Directories are made (0700) when an object needs them and, if
// still ours and 0700, removed with their last object. An object cannot stand where a key has a
// directory: "a" and "a/b" exclude each other, unlike in S3. Several processes may use one
// directory. `random` outlives the store.
std::unique_ptr<ObjectStore> make_local_store(LocalSettings settings, Random& random);

}  // namespace breakwater::blob
