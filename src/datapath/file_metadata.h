// Gives files what a node says of them. Private to datapath/.
//
// In an order in which nothing undoes what came before: owner, permissions, extended attributes
// (exactly those of the node), times. Owners only as root. What this process or the file system
// cannot have (attributes without support, "security." and "trusted." without privilege) is noted,
// not an error.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "repo/types.h"
#include "volume/attributes.h"

namespace breakwater::datapath {

class FileMetadata {
 public:
  FileMetadata();

  // Of an open file or directory. `shown` is for messages.
  Result<> set(int fd, const repo::Node& node, const std::filesystem::path& shown);
  // Of a symlink, device or fifo: node.name in the open directory.
  Result<> set_at(int directory, const repo::Node& node, const std::filesystem::path& shown);

  bool is_root() const { return is_root_; }
  // One sentence each, at most a hundred.
  std::vector<std::string>& notes() { return notes_; }
  void note(std::string sentence);

 private:
  Result<> set_attributes(const volume::AttributePlace& place, const repo::Node& node,
                          const std::filesystem::path& shown);

  const bool is_root_;
  std::vector<std::string> notes_;
};

}  // namespace breakwater::datapath
