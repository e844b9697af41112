#include "datapath/volume_layout.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace breakwater::datapath {
namespace {

using repo::Id;
using repo::Node;
using repo::Repository;
using repo::Tree;

constexpr uint32_t kGoModeDirectory = 0x80000000;  // os.ModeDir
constexpr std::string_view kExtentName = "extent";

Node file_node(std::string name, uint64_t size, std::vector<Id> content, Time modified) {
  Node node;
  node.name = std::move(name);
  node.mode = 0600;
  node.mtime = node.atime = node.ctime = modified;
  node.size = size;
  node.content = std::move(content);
  return node;
}

Node directory_node(std::string name, const Id& subtree, Time modified) {
  Node node;
  node.name = std::move(name);
  node.type = "dir";
  node.mode = kGoModeDirectory | 0700;
  node.mtime = node.atime = node.ctime = modified;
  node.subtree = subtree;
  return node;
}

Result<Id> save(Repository& repository, const Tree& tree, SavedTrees& saved) {
  const auto blob = TRY(repository.save_tree(tree));
  if (blob.added) {
    saved.added.push_back(blob.id);
    saved.packed_bytes += blob.packed_size;
  }
  return blob.id;
}

Result<Id> save_extents(Repository& repository, const StoredFile& file, uint64_t chunk_size,
                        uint64_t extent_size, SavedTrees& saved) {
  const uint64_t chunks_each = extent_size / chunk_size;
  Tree folder;
  for (uint64_t first = 0; first < file.content.size(); first += chunks_each) {
    const uint64_t last = std::min<uint64_t>(first + chunks_each, file.content.size());
    const uint64_t size = std::min(extent_size, file.size - first * chunk_size);
    const auto begin = file.content.begin();
    std::vector<Id> part(begin + static_cast<ptrdiff_t>(first),
                         begin + static_cast<ptrdiff_t>(last));
    const Tree extent{file_node(std::string(kExtentName), size, std::move(part), Time{})};
    const Id tree = TRY(save(repository, extent, saved));
    folder.push_back(directory_node(fmt::format("{:08}", folder.size()), tree, Time{}));
  }
  return save(repository, folder, saved);
}

// One volume found while walking through a snapshot.
struct Found {
  std::string path;
  Node node;
  std::optional<Tree> extents;  // of a folder of extents
};

bool is_folder_of_extents(const Tree& tree) {
  for (size_t i = 0; i < tree.size(); ++i) {
    if (tree[i].type != "dir" || !tree[i].subtree) return false;
    if (tree[i].name != fmt::format("{:08}", i)) return false;
  }
  return !tree.empty();
}

Result<StoredFile> load(Repository& repository, Found found) {
  if (!found.extents) {
    return StoredFile{found.path, found.node.size, std::move(found.node.content)};
  }
  StoredFile file{found.path, 0, {}};
  for (const Node& extent : *found.extents) {
    Tree tree = TRY(repository.load_tree(*extent.subtree));
    if (tree.size() != 1 || tree[0].type != "file" || tree[0].name != kExtentName) {
      return fail(Code::kInvalid, "{} is a directory", found.path);
    }
    file.size += tree[0].size;
    file.content.insert(file.content.end(), tree[0].content.begin(), tree[0].content.end());
  }
  return file;
}

// Collects volumes until there are two.
Result<> walk(Repository& repository, const Tree& tree, const std::string& path,
              std::vector<Found>& found) {
  for (const Node& node : tree) {
    if (found.size() > 1) return {};
    const std::string here = path + "/" + node.name;
    if (node.type == "file") found.push_back({here, node, std::nullopt});
    if (node.type != "dir" || !node.subtree) continue;
    Tree below = TRY(repository.load_tree(*node.subtree));
    if (is_folder_of_extents(below)) {
      found.push_back({here, node, std::move(below)});
    } else {
      TRY(walk(repository, below, here, found));
    }
  }
  return {};
}

Result<Found> find_only(Repository& repository, const Tree& root) {
  std::vector<Found> found;
  TRY(walk(repository, root, "", found));
  if (found.empty()) return fail(Code::kNotFound, "the snapshot holds no file");
  if (found.size() > 1) {
    return fail(Code::kInvalid, "the snapshot holds several files, among them {} and {}: name one",
                found[0].path, found[1].path);
  }
  return std::move(found[0]);
}

Result<Found> find_path(Repository& repository, Tree tree, const std::string& path) {
  std::string walked;
  std::string_view rest = path;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(name.size());
    const bool last = rest.find_first_not_of('/') == std::string_view::npos;
    const auto node =
        std::find_if(tree.begin(), tree.end(), [name](const Node& n) { return n.name == name; });
    if (node == tree.end()) return fail(Code::kNotFound, "the snapshot holds no {}", path);
    walked += "/" + node->name;
    if (last && node->type == "file") return Found{walked, *node, std::nullopt};
    if (node->type != "dir" || !node->subtree) {
      return fail(Code::kInvalid, "{} is a {}, not a volume", walked, node->type);
    }
    const Node directory = *node;
    tree = TRY(repository.load_tree(*directory.subtree));
    if (!last) continue;
    if (!is_folder_of_extents(tree)) return fail(Code::kInvalid, "{} is a directory", walked);
    return Found{walked, directory, std::move(tree)};
  }
}

}  // namespace

Result<SavedTrees> save_volume_trees(Repository& repository, const StoredFile& file,
                                     uint64_t chunk_size, Time modified,
                                     const LayoutLimits& limits) {
  const std::string name = file.path.substr(file.path.find_first_not_of('/'));
  SavedTrees saved;
  Tree root;
  if (file.size <= limits.flat) {
    root.push_back(file_node(name, file.size, file.content, modified));
  } else {
    const Id folder = TRY(save_extents(repository, file, chunk_size, limits.extent, saved));
    root.push_back(directory_node(name, folder, modified));
  }
  saved.root = TRY(save(repository, root, saved));
  return saved;
}

Result<StoredFile> load_volume_trees(Repository& repository, const Id& root,
                                     const std::string& path) {
  Tree tree = TRY(repository.load_tree(root));
  if (path.find_first_not_of('/') == std::string::npos) {
    return load(repository, TRY(find_only(repository, tree)));
  }
  return load(repository, TRY(find_path(repository, std::move(tree), path)));
}

Result<repo::Snapshot> find_named_snapshot(Repository& repository, const std::string& name) {
  if (const auto id = Id::parse(name)) return repository.load_snapshot(*id);
  return repo::find_snapshot(TRY(repository.snapshots()), name);
}

}  // namespace breakwater::datapath
