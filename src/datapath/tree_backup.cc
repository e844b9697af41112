#include "datapath/tree_backup.h"

#include <fcntl.h>

#include <algorithm>

#include "datapath/file_node.h"
#include "datapath/tree_parent.h"
#include "datapath/tree_store.h"
#include "volume/directory.h"

namespace breakwater::datapath {
namespace {

namespace fs = std::filesystem;
using repo::Id;
using repo::Node;
using repo::Tree;

constexpr int kMaxDepth = 400;  // each level keeps a descriptor open
constexpr std::chrono::milliseconds kTickInterval{100};

using FdPtr = std::shared_ptr<const Fd>;

Result<FdPtr> open_shared(int at, const fs::path& name, const fs::path& shown) {
  return std::make_shared<const Fd>(TRY(volume::open_directory(at, name, shown)));
}

// The folders of the snapshot above and at the sources.
struct Branch {
  std::map<std::string, Branch> below;
  const TreeSource* source = nullptr;
  fs::path from;  // of a folder above a source, where it is on disk; "" for a mere name
};

Result<> add_source(Branch& root, const TreeSource& source) {
  const auto parts = TRY(snapshot_path(source.path));
  fs::path from = fs::absolute(source.from).lexically_normal();
  if (from.filename().empty()) from = from.parent_path();
  Branch* branch = &root;
  std::vector<Branch*> passed;
  for (const std::string& part : parts) {
    passed.push_back(branch);
    if (branch->source) break;
    branch = &branch->below[part];
  }
  if (branch->source || !branch->below.empty()) {
    return fail(Code::kInvalid, "two of the sources contain each other at \"{}\"", source.path);
  }
  branch->source = &source;
  for (size_t i = parts.size(); i-- > 1 && from.filename() == parts[i];) {
    from = from.parent_path();
    passed[i]->from = from;
  }
  return {};
}

// One run of backup_tree.
class TreeBackup {
 public:
  TreeBackup(repo::Repository& repository, const Clock& clock, const TreeBackupOptions& options,
             const CancelToken& cancel, const OnProgress& on_progress)
      : repository_(repository),
        clock_(clock),
        options_(options),
        cancel_(cancel),
        on_progress_(on_progress),
        parent_(repository) {}

  Result<TreeBackupResult> run() {
    started_ = clock_.now();
    TRY(check_options());
    TRY(cancel_.check());
    lock_ = TRY(while_doing(repository_.lock(false), "locking the repository"));
    TRY(while_doing(repository_.load_index(), "loading the repository's index"));
    TRY(while_doing(parent_.find(options_), "finding the parent"));
    auto root = store_all();
    if (!root) {
      // For the next run. Not without the lock: what we would write could be pruned at once.
      if (lock_->check()) static_cast<void>(repository_.flush());
      return tl::unexpected(root.error());
    }
    TreeBackupResult result;
    result.snapshot = TRY(save_snapshot(*root));
    if (parent_.snapshot()) result.parent = parent_.snapshot()->id;
    result.progress = counters_.progress(total_);
    result.files = summary_.total_files_processed;
    if (on_progress_) on_progress_(result.progress);
    return result;
  }

 private:
  Result<> check_options() {
    if (options_.sources.empty()) return fail(Code::kInvalid, "there is nothing to back up");
    for (const TreeSource& source : options_.sources) TRY(add_source(top_, source));
    if (!options_.paths.empty()) return {};
    for (const TreeSource& source : options_.sources) {
      options_.paths.push_back(source.path.empty() ? "/" : source.path);
    }
    return {};
  }

  Result<Id> store_all() {
    TreeStore store(repository_, counters_, options_.threads, [this] { return tick(); });
    store_ = &store;
    auto root = std::make_shared<PendingTree>();
    root->path = "/";
    if (parent_.snapshot()) root->previous = parent_.snapshot()->tree;
    const auto before = TRY(parent_.root());
    TRY(walk_branch(top_, root, before));
    const Id id = TRY(store.finish());
    summary_.tree_blobs = store.trees().tree_blobs;
    summary_.data_added = store.trees().tree_bytes;
    summary_.dirs_new = store.trees().dirs_new;
    summary_.dirs_changed = store.trees().dirs_changed;
    summary_.dirs_unmodified = store.trees().dirs_unmodified;
    return id;
  }

  // On the calling thread, several times a second.
  Result<> tick() {
    TRY(cancel_.check());
    TRY(lock_->check());
    ticked_ = clock_.monotonic();
    if (on_progress_) on_progress_(counters_.progress(total_));
    return {};
  }
  Result<> tick_if_due() {
    TRY(cancel_.check());
    if (clock_.monotonic() - ticked_ < kTickInterval) return {};
    return tick();
  }

  static PendingTreePtr make_below(const PendingTreePtr& tree, size_t slot, const Node* before) {
    auto below = std::make_shared<PendingTree>();
    below->parent = tree;
    below->slot = slot;
    below->path = tree->path / tree->nodes[slot].name;
    if (before && before->type == "dir") below->previous = before->subtree;
    ++tree->missing;
    return below;
  }

  // A folder of the snapshot that lies above the sources.
  Result<> walk_branch(const Branch& branch, const PendingTreePtr& tree,
                       const std::optional<Tree>& before) {
    if (branch.source) {  // its entries stand at the root
      const fs::path& from = branch.source->from;
      const FdPtr fd = TRY(open_shared(AT_FDCWD, from, from));
      tree->path = from;
      return walk(fd, tree, before, 1, options_.skip_lost_and_found);
    }
    std::vector<FdPtr> directories;  // of the sources among the entries
    for (const auto& [name, below] : branch.below) {
      directories.push_back(nullptr);
      tree->nodes.push_back(TRY(describe_branch(name, below, directories.back())));
    }
    size_t slot = 0;
    for (const auto& [name, below] : branch.below) {
      const Node* old = find_node(before, name);
      TRY(enter_branch(below, tree, slot, directories[slot], old));
      ++slot;
    }
    return store_->release(tree);
  }

  Result<> enter_branch(const Branch& branch, const PendingTreePtr& tree, size_t slot,
                        const FdPtr& directory, const Node* old) {
    if (tree->nodes[slot].type == "file") return add_file(directory, tree, slot, old);
    if (tree->nodes[slot].type != "dir") return {};
    const auto old_tree = TRY(parent_.below(old));
    const PendingTreePtr below = make_below(tree, slot, old);
    if (!branch.source) return walk_branch(branch, below, old_tree);
    below->path = branch.source->from;
    return walk(directory, below, old_tree, 1, options_.skip_lost_and_found);
  }

  Result<Node> describe_branch(const std::string& name, const Branch& branch, FdPtr& directory) {
    const fs::path from = branch.source ? branch.source->from : branch.from;
    if (from.empty()) {
      Node node;
      node.name = name;
      node.type = "dir";
      node.mode = kGoDirectory | 0755;
      return node;
    }
    if (branch.source && !fs::is_directory(fs::symlink_status(from))) {
      return describe_single(name, from, directory);
    }
    directory = TRY(open_shared(AT_FDCWD, from, from));
    return describer_.describe_directory(directory->get(), name, from);
  }

  // A source that is no directory.
  Result<Node> describe_single(const std::string& name, const fs::path& from, FdPtr& directory) {
    const fs::path folder = from.has_parent_path() ? from.parent_path() : ".";
    directory = TRY(open_shared(AT_FDCWD, folder, folder));
    auto node = TRY(describer_.describe(directory->get(), from.filename(), from));
    if (!node) return fail(Code::kNotFound, "{} does not exist", from.string());
    if (node->name != name || node->type == "socket") {
      return fail(Code::kInvalid, "{} cannot be backed up as \"{}\"", from.string(), name);
    }
    return std::move(*node);
  }

  // The entries of a directory, and everything below.
  Result<> walk(const FdPtr& directory, const PendingTreePtr& tree,
                const std::optional<Tree>& before, int depth, bool skip_lost_and_found) {
    if (depth > kMaxDepth) {
      return fail(Code::kUnsupported, "{} is nested too deeply", tree->path.string());
    }
    for (std::string& name : TRY(volume::list_directory(directory->get(), tree->path))) {
      if (skip_lost_and_found && name == volume::kLostAndFound) continue;
      TRY(tick_if_due());
      auto node = TRY(describer_.describe(directory->get(), name, tree->path / name));
      if (!node || node->type == "socket") continue;
      tree->nodes.push_back(std::move(*node));
    }
    for (size_t slot = 0; slot < tree->nodes.size(); ++slot) {
      const std::string& type = tree->nodes[slot].type;
      if (type == "dir") {
        TRY(add_directory(directory, tree, slot, before, depth));
      } else if (type == "file") {
        TRY(add_file(
            directory, tree, slot,
            find_sorted(before,
                        tree->nodes[slot].name)));  // from then on the node is another thread's
      }
    }
    return store_->release(tree);
  }

  Result<> add_file(const FdPtr& directory, const PendingTreePtr& tree, size_t slot,
                    const Node* old) {
    Node& node = tree->nodes[slot];
    ++summary_.total_files_processed;
    total_ += node.size;
    if (parent_.is_unchanged(old, node)) {
      node.content = old->content;
      ++summary_.files_unmodified;
      counters_.done += node.size;
      return {};
    }
    ++(old ? summary_.files_changed : summary_.files_new);
    return store_->add_file(tree, slot, directory);
  }

  Result<> add_directory(const FdPtr& directory, const PendingTreePtr& tree, size_t slot,
                         const std::optional<Tree>& before, int depth) {
    const Node* old = find_sorted(before, tree->nodes[slot].name);
    const fs::path path = tree->path / tree->nodes[slot].name;
    auto fd = open_shared(directory->get(), tree->nodes[slot].name, path);
    if (!fd && fd.error().is(Code::kNotFound)) {
      tree->nodes[slot].type.clear();  // it has vanished
      return {};
    }
    if (!fd) return tl::unexpected(std::move(fd).error());
    const auto old_tree = TRY(parent_.below(old));
    return walk(*fd, make_below(tree, slot, old), old_tree, depth + 1, false);
  }

  // Trees are sorted; one that is not only costs reading.
  static const Node* find_sorted(const std::optional<Tree>& tree, const std::string& name) {
    if (!tree) return nullptr;
    const auto node = std::ranges::lower_bound(*tree, name, {}, &Node::name);
    return node == tree->end() || node->name != name ? nullptr : &*node;
  }

  Result<Id> save_snapshot(const Id& root) {
    TRY(while_doing(repository_.flush(), "storing the last packs"));
    TRY(cancel_.check());
    TRY(lock_->check());
    repo::Snapshot snapshot;
    snapshot.time = started_;
    if (parent_.snapshot()) snapshot.parent = parent_.snapshot()->id;
    snapshot.tree = root;
    snapshot.paths = options_.paths;
    snapshot.hostname = options_.hostname;
    snapshot.tags = options_.tags;
    summary_.backup_start = started_;
    summary_.backup_end = clock_.now();
    summary_.data_blobs = counters_.blobs;
    summary_.data_added += counters_.blob_bytes;
    summary_.data_added_packed = counters_.moved;
    summary_.total_bytes_processed = counters_.done;
    snapshot.summary = summary_;
    return while_doing(repository_.save_snapshot(std::move(snapshot)), "storing the snapshot");
  }

  repo::Repository& repository_;
  const Clock& clock_;
  TreeBackupOptions options_;
  const CancelToken& cancel_;
  const OnProgress& on_progress_;

  Time started_{};
  Duration ticked_{};
  Branch top_;
  std::unique_ptr<repo::Lock> lock_;
  TreeParent parent_;
  FileDescriber describer_;
  TreeStore* store_ = nullptr;  // while store_all() runs
  Counters counters_;
  uint64_t total_ = 0;
  repo::Summary summary_;
};

}  // namespace

Result<TreeBackupResult> backup_tree(repo::Repository& repository, const Clock& clock,
                                     const TreeBackupOptions& options, const CancelToken& cancel,
                                     const OnProgress& on_progress) {
  return TreeBackup(repository, clock, options, cancel, on_progress).run();
}

}  // namespace breakwater::datapath
