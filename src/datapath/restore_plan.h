// Which packs hold a stored volume, and where its chunks go. Private to datapath/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "datapath/volume_layout.h"
#include "repo/repository.h"
#include "volume/extent.h"

namespace breakwater::datapath {

// The chunks of a stored file with their places. Any cut, restic's too.
struct ChunkMap {
  std::vector<repo::Id> content;
  std::vector<uint64_t> offsets;  // one more than chunks: the last is the size
  std::vector<bool> zero;         // whether a chunk is known to be all zeros

  uint64_t length(uint64_t index) const { return offsets[index + 1] - offsets[index]; }
};
// kCorrupt when a chunk is in no index, or when the lengths do not add up to the file's size.
Result<ChunkMap> map_chunks(const repo::Repository& repository, StoredFile file);

// A chunk to fetch: `length` encrypted bytes at `offset` of a pack.
struct Fetch {
  uint32_t pack = 0;  // index into RestorePlan::packs
  uint32_t offset = 0;
  uint32_t length = 0;
  uint64_t chunk = 0;
};

struct RestorePlan {
  volume::Extents zeros;  // runs to make zero, none longer than 1 GiB
  std::vector<repo::Id> packs;
  std::vector<Fetch> fetches;    // by pack and offset; the same blob several times in a row
  std::vector<uint64_t> groups;  // where in `fetches` a group starts; the last one is their end
};
// Leaves out the chunks in `skip` (empty, or one for each chunk). A group lies in one pack, and is
// cut so that what it reads stays about 16 MiB.
RestorePlan make_restore_plan(const repo::Repository& repository, const ChunkMap& map,
                              const std::vector<char>& skip);

}  // namespace breakwater::datapath
