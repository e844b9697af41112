// How a volume lies in the trees of a snapshot. Private to datapath/.
//
// Up to `flat` bytes it is one file in the root: "/disk.img". Above, a file's list of chunks would
// become a tree of hundreds of megabytes that every incremental backup writes anew; so the volume
// is a folder of extents, each alone in a folder of its own: "/disk.img/00000000/extent",
// "/disk.img/00000001/extent", … The tree of an extent in which nothing changed is the same blob as
// before. `cat disk.img/*/extent` puts it together again. Chunks never cross an extent's end, since
// an extent is a multiple of the chunk size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "repo/repository.h"

namespace breakwater::datapath {

// Bytes up to which a volume is flat, and of an extent (a multiple of the chunk size).
struct LayoutLimits {
  uint64_t flat = 0;
  uint64_t extent = 0;
};

// A volume as a snapshot holds it.
struct StoredFile {
  std::string path;  // "/disk.img"
  uint64_t size = 0;
  std::vector<repo::Id> content;  // all its chunks in order
};

struct SavedTrees {
  repo::Id root;
  std::vector<repo::Id> added;  // the trees that were new
  uint64_t packed_bytes = 0;    // and what they take in packs
};

// Stores the trees for a volume with these chunks, all `chunk_size` long but the last. `modified`
// is the time of the file (or the folder); extents have none, or they would change with every
// backup.
Result<SavedTrees> save_volume_trees(repo::Repository& repository, const StoredFile& file,
                                     uint64_t chunk_size, Time modified,
                                     const LayoutLimits& limits);

// Finds a volume: by its path, or, with "", the only one there is. kNotFound without it, kInvalid
// when "" fits several (the message names two) or the path names something else.
Result<StoredFile> load_volume_trees(repo::Repository& repository, const repo::Id& root,
                                     const std::string& path);

// The snapshot that `name` means, as repo::find_snapshot; by a full id even when others are
// damaged.
Result<repo::Snapshot> find_named_snapshot(repo::Repository& repository, const std::string& name);

}  // namespace breakwater::datapath
