// What differs between two raw files, told by the file system instead of by reading them.
//
// On file systems that share blocks between files (XFS, btrfs) a file and its reflink copy
// (clone_file) refer to the same physical blocks until one of them is written: what still lies at
// the same place is the same. Works for any two files of one file system, in time proportional to
// their extents. Stateless; any thread. Source: Linux Documentation/filesystems/fiemap.rst.
#pragma once

#include <filesystem>
#include <optional>

#include "base/error.h"
#include "volume/extent.h"

namespace breakwater::volume {

// The ranges of `new_path` whose content may differ from `old_path`; everything else is certain to
// be equal, holes included. Where the file system leaves a doubt (data without a place of its own:
// compressed, inline, not yet allocated) the range counts as changed, and so does what lies beyond
// the end of the old file. Nothing at all if the file system cannot tell; read everything then.
// Neither file may be written meanwhile. kNotFound, kForbidden, and kInvalid for what is no regular
// file.
Result<std::optional<Extents>> changed_between(const std::filesystem::path& old_path,
                                               const std::filesystem::path& new_path);

// Whether raw files in this directory share blocks with their clones, and changed_between() can
// tell: tried out with a small file, which is removed again. False too if that fails.
bool shares_extents(const std::filesystem::path& directory);

}  // namespace breakwater::volume
