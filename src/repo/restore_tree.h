// Writes the files of a snapshot, ours or restic's, into a directory.
//
// Directories, regular files, symlinks and hard links come back with mode and modification time,
// and with owner and group when running as root. Blobs are verified; all-zero ones become holes.
// Nothing is ever written outside the target: names that are no single path component, or come
// twice, make the restore fail before anything of their directory is written, and symlinks are
// never followed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "repo/repository.h"

namespace breakwater::repo {

struct RestoreTreeOptions {
  // Only what stands at or below this path of the snapshot ("/etc" or "etc/hosts"); "" for all. The
  // path itself is kept below the target, as `restic restore --include` does.
  std::string path;
};

struct RestoreTreeResult {
  uint64_t files = 0, directories = 0, links = 0;
  uint64_t bytes = 0;                // of files, holes included
  std::vector<std::string> skipped;  // one sentence each: devices, sockets, fifos
};

// Called from the calling thread, at least once a file.
using RestoreTreeProgress = std::function<void(const RestoreTreeResult& so_far)>;

// Needs the index (Repository::load_index). The target is created; existing files are replaced.
// kNotFound when nothing is at options.path; kCorrupt names the damaged blob; errors name the file.
// What was written before an error stays; everything is durable on success.
Result<RestoreTreeResult> restore_tree(Repository& repository, const Snapshot& snapshot,
                                       const std::filesystem::path& target,
                                       const RestoreTreeOptions& options, const CancelToken& cancel,
                                       const RestoreTreeProgress& progress = {});

}  // namespace breakwater::repo
