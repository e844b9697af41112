// A volume of mode Filesystem, or a snapshot of one: a directory, and the size it was asked for.
// Private to sandbox/.
//
//   <place>/data/   what a pod mounts
//   <place>/size    bytes, decimal; nothing limits what data/ takes
//
// Appears whole or not at all: it is made under another name, `<place>-tmp-XXXXXX`, and goes by way
// of one that starts with a dot; StorageDirectory sweeps both. Thread-safe for different places.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/error.h"

namespace breakwater::sandbox {

inline constexpr std::string_view kVolumeData = "data";
inline constexpr std::string_view kVolumeSize = "size";

// An empty one, or a copy of what is at `from` (volume/clone_tree.h), whose size it has at least.
// One that is there already is given the size. Durable on success.
Result<> create_directory_volume(const std::filesystem::path& place, uint64_t size,
                                 const std::optional<std::filesystem::path>& from);
bool is_directory_volume(const std::filesystem::path& place);
// kNotFound, and kCorrupt if the size cannot be read.
Result<uint64_t> directory_volume_size(const std::filesystem::path& place);
// An absent one is no error.
Result<> remove_directory_volume(const std::filesystem::path& place);
// Removes a file or a directory with everything in it; an absent one is no error.
Result<> remove_everything(const std::filesystem::path& path);

}  // namespace breakwater::sandbox
