#include "repo/restore_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/file.h"
#include "repo/utf8.h"

namespace breakwater::repo {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDepth = 400;            // each level keeps a descriptor open
constexpr uint64_t kBatchBytes = 16u << 20;  // of blobs that are fetched together
constexpr size_t kBatchBlobs = 4096;
constexpr uint32_t kSetuid = 0x00800000, kSetgid = 0x00400000, kSticky = 0x00100000;  // Go's

tl::unexpected<Error> system_failure(std::string_view doing, const fs::path& path) {
  return tl::unexpected(errno_error(doing, path));
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

mode_t unix_mode(uint32_t mode) {
  return (mode & 0777) | ((mode & kSetuid) != 0 ? S_ISUID : 0) |
         ((mode & kSetgid) != 0 ? S_ISGID : 0) | ((mode & kSticky) != 0 ? S_ISVTX : 0);
}

timespec to_timespec(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {seconds.time_since_epoch().count(), (time - seconds).count()};
}

bool all_zero(ByteSpan data) {
  return std::ranges::all_of(data, [](std::byte b) { return b == std::byte{0}; });
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
                  path.string(), quote_name(name));
    }
  }
  return {};
}

class TreeRestorer {
 public:
  TreeRestorer(Repository& repository, const fs::path& target, const CancelToken& cancel,
               const RestoreTreeProgress& progress)
      : repository_(repository),
        target_(target),
        cancel_(cancel),
        progress_(progress),
        is_root_(::geteuid() == 0) {}

  Result<RestoreTreeResult> run(const Id& root, const std::vector<std::string>& filter) {
    TRY(make_directories(target_));
    root_ = Fd(::open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root_.valid()) return system_failure("opening", target_);
    TRY(restore_directory(root_.get(), {}, root, filter));
    if (::syncfs(root_.get()) != 0) return system_failure("syncing", target_);
    return std::move(result_);
  }

 private:
  using Filter = std::span<const std::string>;
  // Where a blob goes in the file that is being written.
  using Places = std::map<Id, std::vector<uint64_t>>;

  Result<> restore_directory(int directory, const fs::path& path, const Id& tree_id,
                             Filter filter) {
    if (++depth_ > kMaxDepth)
      return fail(Code::kUnsupported, "{} is nested too deeply", path.string());
    const Tree tree =
        TRY(while_doing(repository_.load_tree(tree_id), "restoring directory /{}", path.string()));
    TRY(check_names(tree, path));
    bool found = filter.empty();
    for (const Node& node : tree) {
      if (!filter.empty() && node.name != filter[0]) continue;
      found = true;
      const Filter below = filter.empty() ? filter : filter.subspan(1);
      TRY(while_doing(restore_node(directory, path / node.name, node, below), "restoring /{}",
                      quote_name((path / node.name).string())));
    }
    if (!found)
      return fail(Code::kNotFound, "the snapshot has no \"{}\" in /{}", filter[0], path.string());
    --depth_;
    return {};
  }

  Result<> restore_node(int directory, const fs::path& path, const Node& node, Filter filter) {
    TRY(cancel_.check());
    if (!filter.empty() && node.type != "dir") {
      return fail(Code::kNotFound, "it is not a directory");
    }
    if (node.type == "dir") {
      TRY(restore_subdirectory(directory, path, node, filter));
    } else if (node.type == "file") {
      TRY(restore_file(directory, path, node));
    } else if (node.type == "symlink") {
      TRY(restore_symlink(directory, path, node));
    } else {
      result_.skipped.push_back(
          fmt::format("/{}: a {} is not restored", quote_name(path.string()), node.type));
    }
    if (progress_) progress_(result_);
    return {};
  }

  Result<> restore_subdirectory(int directory, const fs::path& path, const Node& node,
                                Filter filter) {
    if (!node.subtree) return fail(Code::kCorrupt, "the directory has no subtree");
    if (::mkdirat(directory, node.name.c_str(), 0700) != 0 && errno != EEXIST) {
      return system_failure("creating", target_ / path);
    }
    const Fd fd(
        ::openat(directory, node.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) return system_failure("opening", target_ / path);
    TRY(restore_directory(fd.get(), path, *node.subtree, filter));
    ++result_.directories;
    return set_metadata(fd.get(), path, node);
  }

  Result<> restore_file(int directory, const fs::path& path, const Node& node) {
    TRY(make_way(directory, path, node));
    if (node.links > 1) {
      const auto [first, fresh] = first_links_.try_emplace({node.inode, node.device_id}, path);
      if (!fresh) {
        if (::linkat(root_.get(), first->second.c_str(), directory, node.name.c_str(), 0) == 0) {
          ++result_.links;
          return {};
        }
        return system_failure("linking", target_ / path);
      }
    }
    const Fd fd(::openat(directory, node.name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd.valid()) return system_failure("creating", target_ / path);
    result_.bytes += TRY(write_content(fd.get(), path, node));
    ++result_.files;
    return set_metadata(fd.get(), path, node);
  }

  Result<> restore_symlink(int directory, const fs::path& path, const Node& node) {
    TRY(make_way(directory, path, node));
    if (::symlinkat(node.linktarget.c_str(), directory, node.name.c_str()) != 0) {
      return system_failure("creating", target_ / path);
    }
    const timespec times[2] = {to_timespec(node.atime), to_timespec(node.mtime)};
    if (is_root_ &&
        ::fchownat(directory, node.name.c_str(), node.uid, node.gid, AT_SYMLINK_NOFOLLOW) != 0) {
      return system_failure("setting the owner of", target_ / path);
    }
    if (::utimensat(directory, node.name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return system_failure("setting the times of", target_ / path);
    }
    ++result_.links;
    return {};
  }

  Result<> make_way(int directory, const fs::path& path, const Node& node) {
    if (::unlinkat(directory, node.name.c_str(), 0) == 0 || errno == ENOENT) return {};
    return system_failure("replacing", target_ / path);
  }

  // The owner first: changing it clears setuid.
  Result<> set_metadata(int fd, const fs::path& path, const Node& node) {
    if (is_root_ && ::fchown(fd, node.uid, node.gid) != 0) {
      return system_failure("setting the owner of", target_ / path);
    }
    if (::fchmod(fd, unix_mode(node.mode)) != 0) {
      return system_failure("setting the mode of", target_ / path);
    }
    const timespec times[2] = {to_timespec(node.atime), to_timespec(node.mtime)};
    if (::futimens(fd, times) != 0) return system_failure("setting the times of", target_ / path);
    return {};
  }

  // Returns the size. Blobs are fetched some megabytes at a time, pack by pack.
  Result<uint64_t> write_content(int fd, const fs::path& path, const Node& node) {
    uint64_t offset = 0, pending = 0;
    std::map<Id, Places> packs;
    size_t blobs = 0;
    for (const Id& id : node.content) {
      const auto place = repository_.find(BlobType::kData, id);
      if (!place) return fail(Code::kCorrupt, "its blob {} is in no index", id.to_string());
      packs[place->pack][id].push_back(offset);
      offset += place->plain_length();
      pending += place->plain_length();
      if (pending < kBatchBytes && ++blobs < kBatchBlobs) continue;
      TRY(write_batch(fd, path, packs));
      packs.clear();
      pending = blobs = 0;
    }
    TRY(write_batch(fd, path, packs));
    // What ends in zeros was not written to its end.
    if (::ftruncate(fd, static_cast<off_t>(offset)) != 0) {
      return system_failure("setting the size of", target_ / path);
    }
    return offset;
  }

  Result<> write_batch(int fd, const fs::path& path, const std::map<Id, Places>& packs) {
    for (const auto& [pack, places] : packs) {
      TRY(cancel_.check());
      std::vector<Id> ids;
      for (const auto& [id, offsets] : places) ids.push_back(id);
      const auto write = [&](const Id& id, ByteSpan data) -> Result<> {
        if (all_zero(data)) return {};
        for (const uint64_t offset : places.at(id)) TRY(write_at(fd, path, offset, data));
        return {};
      };
      TRY(repository_.load_from_pack(pack, ids, write));
    }
    return {};
  }

  Result<> write_at(int fd, const fs::path& path, uint64_t offset, ByteSpan data) {
    while (!data.empty()) {
      const ssize_t written = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return system_failure("writing", target_ / path);
      data = data.subspan(static_cast<size_t>(written));
      offset += static_cast<uint64_t>(written);
    }
    return {};
  }

  Repository& repository_;
  const fs::path target_;
  const CancelToken& cancel_;
  const RestoreTreeProgress& progress_;
  const bool is_root_;
  Fd root_;
  size_t depth_ = 0;
  std::map<std::pair<uint64_t, uint64_t>, fs::path> first_links_;  // inode and device to path
  RestoreTreeResult result_;
};

}  // namespace

Result<RestoreTreeResult> restore_tree(Repository& repository, const Snapshot& snapshot,
                                       const fs::path& target, const RestoreTreeOptions& options,
                                       const CancelToken& cancel,
                                       const RestoreTreeProgress& progress) {
  TreeRestorer restorer(repository, target, cancel, progress);
  return while_doing(restorer.run(snapshot.tree, split_path(options.path)),
                     "restoring snapshot {} to {}", snapshot.id.short_string(), target.string());
}

}  // namespace breakwater::repo
