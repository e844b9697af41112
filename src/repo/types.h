// The records of a repository in restic's format, version 2 (restic's doc/design.rst).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/time.h"

namespace breakwater::repo {

// SHA-256 of a blob's plaintext, or of a stored file (then also its name).
struct Id {
  Sha256Digest bytes{};

  std::string to_string() const;  // 64 lower-case hex digits
  std::string short_string() const { return to_string().substr(0, 8); }
  static Result<Id> parse(std::string_view hex);
  friend auto operator<=>(const Id&, const Id&) = default;
};

enum class BlobType : uint8_t { kData, kTree };

// Where a blob lies: `length` encrypted bytes at `offset` of pack `pack`.
struct BlobLocation {
  Id pack;
  uint32_t offset = 0;
  uint32_t length = 0;
  uint32_t uncompressed_length = 0;  // 0: stored without compression
  uint32_t plain_length() const;     // what loading it yields
};

// One entry of a tree. Members that restic leaves out when empty are empty here.
struct Node {
  std::string name;           // raw bytes, one path component
  std::string type = "file";  // file, dir, symlink, dev, chardev, fifo, socket
  uint32_t mode = 0644;       // Go's os.FileMode
  Time mtime{}, atime{}, ctime{};
  uint32_t uid = 0, gid = 0;
  std::string user, group;
  uint64_t inode = 0, device_id = 0, size = 0, links = 0, device = 0;
  std::string linktarget;
  std::vector<Id> content;    // of a file
  std::optional<Id> subtree;  // of a directory
  // Members we do not interpret, as raw JSON text after their name, in order: kept for re-encoding.
  std::vector<std::pair<std::string, std::string>> other;
};

// Sorted by name (bytes), names unique.
using Tree = std::vector<Node>;

struct Summary {
  Time backup_start{}, backup_end{};
  // Against the parent; a block volume counts none.
  uint64_t files_new = 0, files_changed = 0, files_unmodified = 0;
  uint64_t dirs_new = 0, dirs_changed = 0, dirs_unmodified = 0;
  uint64_t data_blobs = 0, tree_blobs = 0;
  uint64_t data_added = 0;         // plaintext bytes of blobs that were new
  uint64_t data_added_packed = 0;  // what they take in packs
  uint64_t total_files_processed = 0, total_bytes_processed = 0;
};

struct Snapshot {
  Id id;  // the name of its file; not part of the record
  Time time{};
  std::optional<Id> parent;
  Id tree;
  std::vector<std::string> paths;
  std::string hostname, username;
  std::vector<std::string> tags;
  std::string program_version;
  std::optional<Summary> summary;
};

enum class Compression { kOff, kFastest, kAuto, kBetter, kMax };

}  // namespace breakwater::repo
