// One block volume into a repository, and back.
//
// A volume is stored as one file of a snapshot, cut at fixed aligned offsets (512 KiB, 1 MiB for
// volumes over 2 TiB), so that a list of changed extents names the chunks to read and the rest of
// the chunk list is copied from the parent snapshot. Holes are the all-zero chunk, which is neither
// read nor stored twice, and which `restic restore --sparse` turns into holes again. Up to 256 GiB
// the file is flat: "/<name>"; above, it is a folder of extents, "/<name>/00000000/extent" and so
// on, 16 GiB each, so that an incremental backup writes only the chunk lists of extents that
// changed.
//
// Work per chunk runs on several threads: read, test for zeros, SHA-256, look up, compress,
// encrypt, pack. Memory is bounded by threads times chunk size plus the packs being filled. Both
// functions are called from one thread and return when everything is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "repo/repository.h"
#include "volume/block_volume.h"

namespace breakwater::datapath {

struct Progress {
  uint64_t total_bytes = 0;  // logical size of the volume
  uint64_t bytes_done = 0;   // of these, how much is dealt with
  uint64_t bytes_read = 0;   // from the volume
  uint64_t bytes_moved = 0;  // stored to or fetched from the object store, packed
};
// Called from one thread at a time, at most about ten times a second.
using OnProgress = std::function<void(const Progress&)>;

struct BackupOptions {
  std::string file_name = "disk.img";  // the file's name in the snapshot
  std::string hostname;                // of the snapshot; with `paths` what restic groups by
  std::vector<std::string> paths;      // of the snapshot; default {"/<file_name>"}
  std::vector<std::string> tags;
  // The snapshot to copy unchanged chunks from: an id, or nothing for the newest one with the same
  // hostname and paths and the same chunk size of the file. "none" forces a full read.
  std::optional<std::string> parent;
  // What may have changed since `parent`; everything else is taken from it without being read,
  // unless the parent turns out damaged there. Ignored unless `parent` names a snapshot and it is
  // usable: which one the list is relative to cannot be guessed.
  std::optional<volume::Extents> changed;
  uint64_t chunk_size = 0;  // 0: as decided by the volume's size
  int threads = 2;
  // After so many bytes read, what is stored gets an index of its own, so that a run after a crash
  // finds it.
  uint64_t checkpoint = uint64_t{4} << 30;
  // Sizes from which a volume is a folder of extents, and theirs (a multiple of the chunk size).
  uint64_t flat_limit = uint64_t{256} << 30;
  uint64_t extent_size = uint64_t{16} << 30;
};

struct BackupResult {
  repo::Id snapshot;
  std::optional<repo::Id> parent;
  Progress progress;  // final figures
};

// Locks the repository, reads its index, and stores the volume. A crash or a cancel leaves blobs
// that the next run finds; no snapshot exists until everything is stored.
Result<BackupResult> backup_volume(volume::BlockReader& source, repo::Repository& repository,
                                   const Clock& clock, const BackupOptions& options,
                                   const CancelToken& cancel, const OnProgress& on_progress = {});

struct RestoreOptions {
  std::string snapshot = "latest";  // as repo::find_snapshot
  // Path of the file in the snapshot; "" if the snapshot has exactly one file.
  std::string file;
  // Read the target first and write only what differs.
  bool only_differences = false;
  int threads = 2;
  // False for a repository that may only be read: nothing then keeps a prune from removing packs.
  bool lock = true;
};

struct RestoreResult {
  repo::Id snapshot;
  Progress progress;
};

// The file a restore will write: its size is what the target needs.
struct StoredVolume {
  repo::Id snapshot;
  std::string file;
  uint64_t size = 0;
};
Result<StoredVolume> find_volume(repo::Repository& repository, const RestoreOptions& options);

// Writes the stored volume to `target`, verifying every chunk, punching holes for zeros, and
// syncing at the end. kInvalid when the target is smaller. After an error the target's content is
// undefined.
Result<RestoreResult> restore_volume(repo::Repository& repository, volume::BlockWriter& target,
                                     const RestoreOptions& options, const CancelToken& cancel,
                                     const OnProgress& on_progress = {});

}  // namespace breakwater::datapath
