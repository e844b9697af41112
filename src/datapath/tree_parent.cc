#include "datapath/tree_parent.h"

#include <algorithm>

#include "datapath/volume_layout.h"

namespace breakwater::datapath {
namespace {

// Errors that mean "this parent is of no use", not "try again".
bool is_of_no_use(const Error& error) {
  return error.is(Code::kNotFound) || error.is(Code::kCorrupt) || error.is(Code::kInvalid) ||
         error.is(Code::kUnsupported);
}

}  // namespace

Result<std::vector<std::string>> snapshot_path(const std::string& path) {
  std::vector<std::string> parts;
  for (const auto& part : std::filesystem::path(path)) {
    if (part == ".." || part.native().find('\0') != std::string::npos) {
      return fail(Code::kInvalid, "\"{}\" is no path in a snapshot", path);
    }
    if (!part.empty() && part != "/" && part != ".") parts.push_back(part.string());
  }
  return parts;
}

const repo::Node* find_node(const std::optional<repo::Tree>& tree, const std::string& name) {
  if (!tree) return nullptr;
  const auto node = std::ranges::find(*tree, name, &repo::Node::name);
  return node == tree->end() ? nullptr : &*node;
}

Result<> TreeParent::find(const TreeBackupOptions& options) {
  if (options.parent == "none") return {};
  if (options.parent) {
    auto named = find_named_snapshot(repository_, *options.parent);
    if (!named && !is_of_no_use(named.error())) return tl::unexpected(std::move(named).error());
    if (named) snapshot_ = std::move(*named);
    return {};
  }
  auto snapshots = repository_.snapshots();
  if (!snapshots) {
    if (is_of_no_use(snapshots.error())) return {};
    return tl::unexpected(std::move(snapshots).error());
  }
  for (const repo::Snapshot& snapshot : *snapshots) {  // oldest first
    if (snapshot.hostname == options.hostname && snapshot.paths == options.paths) {
      snapshot_ = snapshot;
    }
  }
  return {};
}

Result<std::optional<repo::Tree>> TreeParent::load(const repo::Id& id) {
  auto tree = repository_.load_tree(id);
  if (tree) return std::move(*tree);
  if (is_of_no_use(tree.error())) return std::nullopt;
  return tl::unexpected(std::move(tree).error());
}

Result<std::optional<repo::Tree>> TreeParent::root() {
  if (!snapshot_) return std::nullopt;
  return load(snapshot_->tree);
}

Result<std::optional<repo::Tree>> TreeParent::below(const repo::Node* directory) {
  if (!directory || directory->type != "dir" || !directory->subtree) return std::nullopt;
  return load(*directory->subtree);
}

bool TreeParent::is_unchanged(const repo::Node* before, const repo::Node& now) const {
  if (!before || before->type != "file" || before->size != now.size || before->mtime != now.mtime ||
      before->ctime != now.ctime || before->inode != now.inode) {
    return false;
  }
  uint64_t size = 0;
  for (const repo::Id& id : before->content) {
    const auto place = repository_.find(repo::BlobType::kData, id);
    if (!place) return false;
    size += place->plain_length();
  }
  return size == now.size;
}

}  // namespace breakwater::datapath
