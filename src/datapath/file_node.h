// What the system knows of a file, as the node of a tree. Private to datapath/.
//
// The same fields as restic writes, so that the tree of a directory is the same blob whoever backs
// it up: permissions and type as Go's os.FileMode, owner by number and name, times in nanoseconds
// (the access time is the modification time, or every reading would change the tree), inode, links,
// link target, device number, extended attributes. The device's id is kept of hard links only,
// where it is needed: a snapshot of a volume is another device every time.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "repo/types.h"

namespace breakwater::datapath {

inline constexpr uint32_t kGoDirectory = 0x80000000, kGoSymlink = 0x08000000,
                          kGoDevice = 0x04000000, kGoFifo = 0x02000000, kGoSocket = 0x01000000,
                          kGoSetuid = 0x00800000, kGoSetgid = 0x00400000,
                          kGoCharDevice = 0x00200000, kGoSticky = 0x00100000;

// st_mode as Go has it, and the permissions back.
uint32_t go_mode(mode_t mode);
mode_t unix_permissions(uint32_t go_mode);

// Times beyond the years 1677 to 2262 become the nearest that a Time can hold.
Time to_time(const timespec& time);
timespec to_timespec(Time time);

// Describes files. One thread at a time; it remembers the names of users and groups.
class FileDescriber {
 public:
  // The node of `name` in the open directory, except content and subtree. Nothing if it is gone
  // meanwhile. kUnsupported for a type that no tree can hold. `path` is for messages.
  Result<std::optional<repo::Node>> describe(int directory, const std::string& name,
                                             const std::filesystem::path& path);
  // The same for an open directory.
  Result<repo::Node> describe_directory(int directory, const std::string& name,
                                        const std::filesystem::path& path);

 private:
  repo::Node basics(const std::string& name, const struct stat& status);
  const std::string& user(uid_t id);
  const std::string& group(gid_t id);

  std::map<uid_t, std::string> users_;
  std::map<gid_t, std::string> groups_;
};

}  // namespace breakwater::datapath
