// Directories with everything in them into a repository, as `restic backup` does it.
//
// Regular files (their holes are not read), directories, symlinks, hard links, devices and fifos,
// with mode, owner, times, extended attributes and so ACLs; sockets are left out, as restic leaves
// them out. Files are cut by content with restic's chunker, so they share blobs with what restic
// stored; the tree of a directory is the same blob that restic would write (with TZ=UTC).
//
// A file that has size, modification time, change time and inode of the parent snapshot's is not
// read. What cannot be read is an error that names it, never left out; what vanishes between the
// listing of its directory and its turn is left out. Called from one thread, which walks through
// the directories; `threads` others read and store. Memory: bounded by threads, the largest
// directories on the way down, and depth (at most 400).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "datapath/volume_backup.h"

namespace breakwater::datapath {

struct TreeSource {
  std::filesystem::path from;
  // Where it stands in the snapshot, "/shop/disk"; "" or "/" for a directory whose entries stand at
  // the root (its own mode, owner and attributes are not kept then, as with `restic backup .`).
  // Folders above it are those on disk if the paths end the same, else mere names.
  std::string path;
};

struct TreeBackupOptions {
  std::vector<TreeSource> sources;  // none inside another
  std::string hostname;
  std::vector<std::string> paths;  // of the snapshot; default: the sources' paths
  std::vector<std::string> tags;
  // As in BackupOptions: a snapshot, "none", or nothing for the newest with this host and paths.
  std::optional<std::string> parent;
  // Leaves out "lost+found" at the top of each source: it is the file system's, not the user's.
  bool skip_lost_and_found = false;
  int threads = 2;
};

struct TreeBackupResult {
  repo::Id snapshot;
  std::optional<repo::Id> parent;
  Progress progress;   // total_bytes: of all files
  uint64_t files = 0;  // regular ones
};

// Locks the repository, reads its index, and stores the trees. kInvalid for sources that contain
// each other. A crash or a cancel leaves blobs that the next run finds; no snapshot exists until
// everything is stored. Progress::total_bytes grows while directories are found.
Result<TreeBackupResult> backup_tree(repo::Repository& repository, const Clock& clock,
                                     const TreeBackupOptions& options, const CancelToken& cancel,
                                     const OnProgress& on_progress = {});

}  // namespace breakwater::datapath
