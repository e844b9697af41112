// The demo's disks: a real file system on a raw volume, or a directory, changed and compared byte
// by byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/random.h"

namespace breakwater::cli {

// Makes an ext4 file system on the raw volume `disk` and fills about 45 % of it with files of this
// machine and a sixteenth with random bytes (mke2fs -d); the rest stays unwritten. `work` is a
// folder for the files on their way.
Result<> fill_disk(const std::filesystem::path& disk, const std::filesystem::path& work,
                   Random& random);
// Writes files of random bytes into the file system, together one hundredth of the disk (debugfs).
Result<> change_one_percent(const std::filesystem::path& disk, const std::filesystem::path& work,
                            Random& random);
// The same for a volume that is a directory: files of this machine, links, an empty folder, odd
// names; then some of it written anew.
Result<> fill_tree(const std::filesystem::path& tree, Random& random);
Result<> change_tree(const std::filesystem::path& tree, Random& random);
// Everything about a tree that must come back, as text: one line an entry with kind, mode, owner,
// size, time, target, and the SHA-256 of every file. Equal texts are equal trees.
Result<std::string> describe_tree(const std::filesystem::path& tree);

// e2fsck without repairs: an error says what is wrong.
Result<> check_file_system(const std::filesystem::path& disk);

// Where two files differ first, or nothing if they are equal to the last byte and of one size.
Result<std::optional<uint64_t>> first_difference(const std::filesystem::path& a,
                                                 const std::filesystem::path& b);

}  // namespace breakwater::cli
