// Reading and clearing directories by descriptor, so that neither a long path nor a symlink in it
// matters. Stateless; any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"

namespace breakwater::volume {

// The file system's own directory at the top of a volume.
inline constexpr std::string_view kLostAndFound = "lost+found";

// `name` in the directory `at` (AT_FDCWD for a path); a symlink is an error. `shown` is the path
// for messages, here and below.
Result<Fd> open_directory(int at, const std::filesystem::path& name,
                          const std::filesystem::path& shown);
// The names of the entries, sorted by bytes as trees are.
Result<std::vector<std::string>> list_directory(int directory, const std::filesystem::path& shown);
// Removes an entry with everything below it; an absent one is no error. Never follows a symlink.
Result<> remove_entry(int directory, const std::string& name, const std::filesystem::path& shown);

}  // namespace breakwater::volume
