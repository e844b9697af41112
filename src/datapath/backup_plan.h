// Which chunks of a volume must be read, and what is known about the others. Private to datapath/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "datapath/volume_backup.h"

namespace breakwater::datapath {

// How a volume is cut: every chunk `chunk` bytes long but the last.
struct Cut {
  uint64_t size = 0;
  uint64_t chunk = 0;

  uint64_t count() const { return size / chunk + (size % chunk != 0); }
  uint64_t offset(uint64_t index) const { return index * chunk; }
  uint64_t length(uint64_t index) const { return std::min(chunk, size - index * chunk); }
};
// 512 KiB, as long as restic's chunk of zeros; 1 MiB above 2 TiB.
uint64_t default_chunk_size(uint64_t volume_size);

// A snapshot to take chunks from.
struct Parent {
  repo::Id snapshot;
  std::vector<repo::Id> content;
  // Whether the chunk is certain to hold this part of the volume and is still in the index.
  std::vector<bool> usable;
};

// Finds the parent that `options` asks for: nothing if there is none that fits the cut. A parent
// that is gone or damaged is none; only a store that cannot be reached is an error.
Result<std::optional<Parent>> find_parent(repo::Repository& repository,
                                          const BackupOptions& options, const Cut& cut);

struct BackupPlan {
  std::vector<repo::Id> content;  // filled where known
  std::vector<uint64_t> read;     // the chunks to read, ascending
  uint64_t bytes_to_read = 0;
  bool has_zeros = false;  // whether `content` names the chunk of zeros
};
// `data`: where the volume has data. `changed`: since `parent`; both or neither are used. A chunk
// shorter than the others is read even in a hole.
BackupPlan make_backup_plan(const Cut& cut, const repo::Id& zero_chunk, const volume::Extents& data,
                            const Parent* parent, const volume::Extents* changed);

}  // namespace breakwater::datapath
