#include "datapath/tree_restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <span>

#include "datapath/file_batch.h"
#include "datapath/tree_parent.h"
#include "datapath/volume_layout.h"
#include "repo/utf8.h"
#include "volume/directory.h"

namespace breakwater::datapath {
namespace {

namespace fs = std::filesystem;
using repo::Id;
using repo::Node;
using repo::Tree;

constexpr size_t kMaxDepth = 400;  // each level keeps a descriptor open

tl::unexpected<Error> system_failure(std::string_view doing, const fs::path& path) {
  return tl::unexpected(errno_error(doing, path));
}

// Whether the entries could be files of one directory.
Result<> check_names(const Tree& tree, const fs::path& path) {
  std::set<std::string_view> names;
  for (const Node& node : tree) {
    const std::string_view name = node.name;
    const bool good = !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
                      name.find('\0') == name.npos && names.insert(name).second;
    if (!good) {
      return fail(Code::kCorrupt, "directory {} of the snapshot has the impossible entry \"{}\"",
                  path.string(), repo::quote_name(name));
    }
  }
  return {};
}

// One run of restore_tree.
class TreeRestorer {
 public:
  TreeRestorer(repo::Repository& repository, const fs::path& target,
               const TreeRestoreOptions& options, const CancelToken& cancel,
               const OnProgress& on_progress)
      : repository_(repository),
        target_(target),
        options_(options),
        cancel_(cancel),
        on_progress_(on_progress),
        batch_(repository, counters_, metadata_, options.threads, [this] { return tick(); }) {}

  Result<TreeRestoreResult> run() {
    TRY(cancel_.check());
    if (options_.lock) {
      lock_ = TRY(while_doing(repository_.lock(false), "locking the repository"));
    }
    TRY(while_doing(repository_.load_index(), "loading the repository's index"));
    const repo::Snapshot snapshot = TRY(find_named_snapshot(repository_, options_.snapshot));
    result_.snapshot = snapshot.id;
    TRY(while_doing(restore(snapshot), "restoring snapshot {} to {}", snapshot.id.short_string(),
                    target_.string()));
    result_.progress = counters_.progress(total_);
    result_.notes = std::move(metadata_.notes());
    if (on_progress_) on_progress_(result_.progress);
    return std::move(result_);
  }

 private:
  using Filter = std::span<const std::string>;

  Result<> restore(const repo::Snapshot& snapshot) {
    std::vector<std::string> filter = TRY(snapshot_path(options_.path));
    std::optional<Node> top;  // what becomes the target itself
    if (options_.as_volume) {
      top = TRY(find_top(snapshot, filter));
      filter.clear();
    }
    TRY(make_directories(target_));
    root_ = Fd(::open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root_.valid()) return system_failure("opening", target_);
    const Id& tree = top ? *top->subtree : snapshot.tree;
    auto walked = restore_directory(root_.get(), {}, tree, filter);
    // After an error too: what was reached before it is whole.
    if (walked || !cancel_.cancelled()) TRY(batch_.run());
    TRY(std::move(walked));
    if (top) TRY(metadata_.set(root_.get(), *top, target_));
    if (::syncfs(root_.get()) != 0) return system_failure("syncing", target_);
    return {};
  }

  // Nothing for the root of the snapshot.
  Result<std::optional<Node>> find_top(const repo::Snapshot& snapshot,
                                       std::vector<std::string> path) {
    const bool asked = !path.empty();
    if (!asked && snapshot.paths.size() == 1) {
      path = snapshot_path(snapshot.paths[0]).value_or(std::vector<std::string>());
    }
    std::optional<Node> top;
    Id tree = snapshot.tree;
    for (const std::string& name : path) {
      const std::optional<Tree> nodes = TRY(repository_.load_tree(tree));
      const Node* node = find_node(nodes, name);
      if (node && node->type == "dir" && node->subtree) {
        tree = *node->subtree;
        top = *node;
        continue;
      }
      if (!asked) return std::nullopt;
      return fail(Code::kNotFound, "the snapshot has no directory \"{}\"", options_.path);
    }
    return top;
  }

  // On the calling thread, several times a second.
  Result<> tick() {
    TRY(cancel_.check());
    if (lock_) TRY(lock_->check());
    if (on_progress_) on_progress_(counters_.progress(total_));
    return {};
  }

  Result<> restore_directory(int directory, const fs::path& path, const Id& tree_id,
                             Filter filter) {
    if (++depth_ > kMaxDepth) {
      return fail(Code::kUnsupported, "{} is nested too deeply", path.string());
    }
    const Tree tree =
        TRY(while_doing(repository_.load_tree(tree_id), "restoring directory /{}", path.string()));
    TRY(check_names(tree, path));
    if (options_.exact && filter.empty()) TRY(remove_others(directory, path, tree));
    bool found = filter.empty();
    for (const Node& node : tree) {
      if (!filter.empty() && node.name != filter[0]) continue;
      found = true;
      const Filter below = filter.empty() ? filter : filter.subspan(1);
      TRY(while_doing(restore_node(directory, path / node.name, node, below), "restoring /{}",
                      repo::quote_name((path / node.name).string())));
    }
    if (!found) {
      return fail(Code::kNotFound, "the snapshot has no \"{}\" in /{}", filter[0], path.string());
    }
    --depth_;
    return {};
  }

  Result<> remove_others(int directory, const fs::path& path, const Tree& tree) {
    std::set<std::string_view> names;
    for (const Node& node : tree) names.insert(node.name);
    for (const std::string& name : TRY(volume::list_directory(directory, target_ / path))) {
      if (names.contains(name) || (path.empty() && name == volume::kLostAndFound)) continue;
      TRY(volume::remove_entry(directory, name, target_ / path / name));
    }
    return {};
  }

  Result<> restore_node(int directory, const fs::path& path, const Node& node, Filter filter) {
    TRY(cancel_.check());
    if (!filter.empty() && node.type != "dir") {
      return fail(Code::kNotFound, "it is not a directory");
    }
    if (node.type == "dir") return restore_subdirectory(directory, path, node, filter);
    if (node.type == "file") return restore_file(directory, path, node);
    if (node.type == "symlink") return restore_symlink(directory, path, node);
    return restore_special(directory, path, node);
  }

  Result<> restore_subdirectory(int directory, const fs::path& path, const Node& node,
                                Filter filter) {
    if (!node.subtree) return fail(Code::kCorrupt, "the directory has no subtree");
    const char* name = node.name.c_str();
    if (::mkdirat(directory, name, 0700) != 0) {
      if (errno != EEXIST) return system_failure("creating", target_ / path);
      struct stat status {};
      const bool other =
          ::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(status.st_mode);
      if (other && options_.exact) {
        TRY(volume::remove_entry(directory, node.name, target_ / path));
        if (::mkdirat(directory, name, 0700) != 0) {
          return system_failure("creating", target_ / path);
        }
      }
    }
    const Fd fd = TRY(volume::open_directory(directory, node.name, target_ / path));
    TRY(restore_directory(fd.get(), path, *node.subtree, filter));
    ++result_.directories;
    return metadata_.set(fd.get(), node, target_ / path);
  }

  Result<> restore_file(int directory, const fs::path& path, const Node& node) {
    if (batch_.full()) TRY(batch_.run());
    if (node.links > 1) {
      const auto [first, fresh] = first_links_.try_emplace({node.inode, node.device_id}, path);
      if (!fresh) return restore_link(directory, path, node, first->second);
    }
    Fd fd = open_existing(directory, node);
    const bool existing = fd.valid();
    if (!existing) {
      TRY(make_way(directory, path, node));
      fd = Fd(::openat(directory, node.name.c_str(),
                       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (!fd.valid()) return system_failure("creating", target_ / path);
    }
    const uint64_t size = TRY(batch_.add(std::move(fd), target_ / path, node, existing));
    total_ += size;
    ++result_.files;
    return {};
  }

  // The file that is there, if its content may be mended instead of written anew. A hard link could
  // lead out of the target.
  Fd open_existing(int directory, const Node& node) {
    struct stat status {};
    const char* name = node.name.c_str();
    const bool fits = ::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISREG(status.st_mode) && status.st_nlink == 1 &&
                      static_cast<uint64_t>(status.st_size) == node.size;
    return fits ? Fd(::openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC))
                : Fd();
  }

  Result<> restore_link(int directory, const fs::path& path, const Node& node,
                        const fs::path& first) {
    TRY(make_way(directory, path, node));
    if (::linkat(root_.get(), first.c_str(), directory, node.name.c_str(), 0) != 0) {
      return system_failure("linking", target_ / path);
    }
    ++result_.links;
    return {};
  }

  Result<> restore_symlink(int directory, const fs::path& path, const Node& node) {
    TRY(make_way(directory, path, node));
    if (::symlinkat(node.linktarget.c_str(), directory, node.name.c_str()) != 0) {
      return system_failure("creating", target_ / path);
    }
    ++result_.links;
    return metadata_.set_at(directory, node, target_ / path);
  }

  Result<> restore_special(int directory, const fs::path& path, const Node& node) {
    const mode_t kind = node.type == "dev"       ? S_IFBLK
                        : node.type == "chardev" ? S_IFCHR
                        : node.type == "fifo"    ? S_IFIFO
                                                 : 0;
    const std::string shown = repo::quote_name(path.string());
    if (kind == 0) {
      metadata_.note(fmt::format("/{}: a {} is not restored", shown, node.type));
      return {};
    }
    TRY(make_way(directory, path, node));
    if (::mknodat(directory, node.name.c_str(), kind | 0600, static_cast<dev_t>(node.device)) !=
        0) {
      if (errno != EPERM) return system_failure("creating", target_ / path);
      metadata_.note(fmt::format("/{}: a {} cannot be made by this user", shown, node.type));
      return {};
    }
    ++result_.others;
    return metadata_.set_at(directory, node, target_ / path);
  }

  Result<> make_way(int directory, const fs::path& path, const Node& node) {
    if (options_.exact) return volume::remove_entry(directory, node.name, target_ / path);
    if (::unlinkat(directory, node.name.c_str(), 0) == 0 || errno == ENOENT) return {};
    return system_failure("replacing", target_ / path);
  }

  repo::Repository& repository_;
  const fs::path target_;
  const TreeRestoreOptions& options_;
  const CancelToken& cancel_;
  const OnProgress& on_progress_;

  std::unique_ptr<repo::Lock> lock_;
  Fd root_;
  size_t depth_ = 0;
  uint64_t total_ = 0;
  std::map<std::pair<uint64_t, uint64_t>, fs::path> first_links_;  // inode and device to path
  Counters counters_;
  FileMetadata metadata_;
  FileBatch batch_;
  TreeRestoreResult result_;
};

}  // namespace

Result<TreeRestoreResult> restore_tree(repo::Repository& repository, const fs::path& target,
                                       const TreeRestoreOptions& options, const CancelToken& cancel,
                                       const OnProgress& on_progress) {
  return TreeRestorer(repository, target, options, cancel, on_progress).run();
}

}  // namespace breakwater::datapath
