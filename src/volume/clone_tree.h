// A directory copied with everything in it: what a snapshot of a file system volume is where the
// file system cannot take one.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace breakwater::volume {

// Copies the directory `from` into `to`, an existing empty directory: all types of files, hard
// links, holes, modes, owners (as root), times, extended attributes, those of `from` itself too.
// Content is shared (reflink) where the file system can. It is durable on success; after an error a
// part of it is there. Files that vanish meanwhile are left out. It is one point in time only if
// nobody writes meanwhile.
Result<> clone_tree(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace breakwater::volume
