// The snapshot that files are compared with. Private to datapath/.
#pragma once

#include <optional>
#include <string>

#include "datapath/tree_backup.h"

namespace breakwater::datapath {

// Components of a path in a snapshot: "/shop//disk" is {"shop", "disk"}; "." is left out.
// kInvalid for "..".
Result<std::vector<std::string>> snapshot_path(const std::string& path);

// The entry of a tree, or null.
const repo::Node* find_node(const std::optional<repo::Tree>& tree, const std::string& name);

class TreeParent {
 public:
  // `repository` outlives it, its index is loaded.
  explicit TreeParent(repo::Repository& repository) : repository_(repository) {}

  // Finds the snapshot that the options mean. Damaged ones are passed over: a parent only saves
  // work. Only a store that cannot be reached is an error.
  Result<> find(const TreeBackupOptions& options);

  const std::optional<repo::Snapshot>& snapshot() const { return snapshot_; }
  // Its trees; nothing where there is none, or it is damaged.
  Result<std::optional<repo::Tree>> root();
  Result<std::optional<repo::Tree>> below(const repo::Node* directory);

  // Whether `now`, a regular file, is the file that `before` describes, and all its blobs are in
  // the index. As restic compares: size, modification and change time, inode.
  bool is_unchanged(const repo::Node* before, const repo::Node& now) const;

 private:
  Result<std::optional<repo::Tree>> load(const repo::Id& id);

  repo::Repository& repository_;
  std::optional<repo::Snapshot> snapshot_;
};

}  // namespace breakwater::datapath
