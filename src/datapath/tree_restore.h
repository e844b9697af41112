// The files of a snapshot, ours or restic's, into a directory.
//
// Directories, regular files, symlinks, hard links, devices and fifos come back with mode, times
// and extended attributes (so ACLs), and with owner and group when running as root. Every blob is
// verified; zeros become holes. Nothing is ever written outside the target: names that are no
// single path component, or come twice, make the restore fail before anything of their directory is
// written, and symlinks are never followed.
//
// A file that is there already with the right size is compared, and only what differs is fetched
// and written, so that a restore that was interrupted goes on where it was. Anything else of that
// name is replaced; a directory only if `exact`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "datapath/volume_backup.h"

namespace breakwater::datapath {

struct TreeRestoreOptions {
  std::string snapshot = "latest";  // as repo::find_snapshot
  // Only what stands at or below this path of the snapshot ("/etc" or "etc/hosts"); "" for all. The
  // path itself is kept below the target, as `restic restore --include` does.
  std::string path;
  // The target becomes the directory that the snapshot was made of: what stands at `path`, or, with
  // "", at the snapshot's only path if it has that, or else everything; its own mode, owner and
  // attributes included. So a volume comes back, whatever it was called.
  bool as_volume = false;
  // The target's directories have nothing afterwards but what the snapshot has; "lost+found" at the
  // top stays.
  bool exact = false;
  int threads = 2;
  // False for a repository that may only be read: nothing then keeps a prune from removing packs.
  bool lock = true;
};

struct TreeRestoreResult {
  repo::Id snapshot;
  Progress progress;  // total_bytes: of all files, holes included
  uint64_t files = 0, directories = 0, links = 0;
  uint64_t others = 0;             // devices and fifos
  std::vector<std::string> notes;  // one sentence each: what could not be had, at most a hundred
};

// Locks the repository, reads its index and writes the files. The target is created. kNotFound when
// nothing is at options.path; kCorrupt names the damaged blob; errors name the file. What was
// written before an error stays; everything is durable on success.
Result<TreeRestoreResult> restore_tree(repo::Repository& repository,
                                       const std::filesystem::path& target,
                                       const TreeRestoreOptions& options, const CancelToken& cancel,
                                       const OnProgress& on_progress = {});

}  // namespace breakwater::datapath
