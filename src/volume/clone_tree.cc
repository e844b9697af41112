#include "volume/clone_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <optional>

#include "base/file.h"
#include "volume/attributes.h"
#include "volume/directory.h"
#include "volume/file_copy.h"

namespace breakwater::volume {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 400;  // each level keeps two descriptors open

class TreeCopy {
 public:
  TreeCopy(const fs::path& from, const fs::path& to) : from_(from), to_(to) {}

  Result<> run() {
    source_ = TRY(open_directory(AT_FDCWD, from_, from_));
    target_ = TRY(open_directory(AT_FDCWD, to_, to_));
    TRY(copy_directory(source_.get(), target_.get(), {}, 1));
    if (::syncfs(target_.get()) != 0) return tl::unexpected(errno_error("syncing", to_));
    return {};
  }

 private:
  struct Entry {
    int from = -1;  // directory
    int to = -1;
    std::string name;
    fs::path path;  // below the top
    struct stat status {};
  };

  Result<> copy_directory(int from, int to, const fs::path& path, int depth) {
    if (depth > kMaxDepth) {
      return fail(Code::kUnsupported, "{} is nested too deeply", (from_ / path).string());
    }
    for (const std::string& name : TRY(list_directory(from, from_ / path))) {
      Entry entry{from, to, name, path / name, {}};
      if (::fstatat(from, name.c_str(), &entry.status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        return tl::unexpected(errno_error("looking at", from_ / entry.path));
      }
      TRY(copy_entry(entry, depth));
    }
    struct stat status {};
    if (::fstat(from, &status) != 0) return tl::unexpected(errno_error("looking at", from_ / path));
    return copy_metadata({from, {}}, {to, {}}, status, path);
  }

  Result<> copy_entry(const Entry& entry, int depth) {
    if (S_ISDIR(entry.status.st_mode)) return copy_subdirectory(entry, depth);
    if (entry.status.st_nlink > 1) {
      const auto [first, fresh] = links_.try_emplace(entry.status.st_ino, entry.path);
      if (!fresh) return link(entry, first->second);
    }
    if (S_ISREG(entry.status.st_mode)) return copy_file(entry);
    return copy_special(entry);
  }

  Result<> copy_subdirectory(const Entry& entry, int depth) {
    auto from = open_directory(entry.from, entry.name, from_ / entry.path);
    if (!from && from.error().is(Code::kNotFound)) return {};
    if (!from) return tl::unexpected(std::move(from).error());
    if (::mkdirat(entry.to, entry.name.c_str(), 0700) != 0) return failure("creating", entry);
    const Fd to = TRY(open_directory(entry.to, entry.name, to_ / entry.path));
    return copy_directory(from->get(), to.get(), entry.path, depth + 1);
  }

  Result<> link(const Entry& entry, const fs::path& first) {
    if (::linkat(target_.get(), first.c_str(), entry.to, entry.name.c_str(), 0) == 0) return {};
    return failure("linking", entry);
  }

  Result<> copy_file(const Entry& entry) {
    const Fd from(
        ::openat(entry.from, entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!from.valid() && errno == ENOENT) {
      links_.erase(entry.status.st_ino);
      return {};
    }
    if (!from.valid()) return tl::unexpected(errno_error("opening", from_ / entry.path));
    const Fd to(::openat(entry.to, entry.name.c_str(),
                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!to.valid()) return failure("creating", entry);
    TRY(copy_content(from.get(), to.get(), static_cast<uint64_t>(entry.status.st_size),
                     from_ / entry.path, to_ / entry.path));
    return copy_metadata({from.get(), {}}, {to.get(), {}}, entry.status, entry.path);
  }

  Result<> copy_special(const Entry& entry) {
    if (S_ISLNK(entry.status.st_mode)) {
      std::string target(PATH_MAX + 1, '\0');
      const ssize_t size =
          ::readlinkat(entry.from, entry.name.c_str(), target.data(), target.size());
      if (size < 0) return tl::unexpected(errno_error("reading the link", from_ / entry.path));
      target.resize(static_cast<size_t>(size));
      if (::symlinkat(target.c_str(), entry.to, entry.name.c_str()) != 0) {
        return failure("creating", entry);
      }
    } else if (::mknodat(entry.to, entry.name.c_str(), entry.status.st_mode,
                         entry.status.st_rdev) != 0) {
      return failure("creating", entry);
    }
    return copy_metadata({-1, path_at(entry.from, entry.name)}, {-1, path_at(entry.to, entry.name)},
                         entry.status, entry.path);
  }

  // In an order in which nothing undoes what came before.
  Result<> copy_metadata(const AttributePlace& from, const AttributePlace& to,
                         const struct stat& status, const fs::path& path) {
    const bool open = to.fd >= 0;
    const char* name = to.path.c_str();
    if (is_root_ && (open ? ::fchown(to.fd, status.st_uid, status.st_gid)
                          : ::lchown(name, status.st_uid, status.st_gid)) != 0) {
      return tl::unexpected(errno_error("setting the owner of", to_ / path));
    }
    if (!S_ISLNK(status.st_mode) && (open ? ::fchmod(to.fd, status.st_mode & 07777)
                                          : ::chmod(name, status.st_mode & 07777)) != 0) {
      return tl::unexpected(errno_error("setting the mode of", to_ / path));
    }
    const auto attributes = TRY(read_attributes(from, from_ / path));
    TRY(write_attributes(to, attributes, to_ / path));
    const timespec times[2] = {status.st_atim, status.st_mtim};
    if ((open ? ::futimens(to.fd, times)
              : ::utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW)) != 0) {
      return tl::unexpected(errno_error("setting the times of", to_ / path));
    }
    return {};
  }

  tl::unexpected<Error> failure(std::string_view doing, const Entry& entry) const {
    return tl::unexpected(errno_error(doing, to_ / entry.path));
  }

  const fs::path from_, to_;
  const bool is_root_ = ::geteuid() == 0;
  Fd source_, target_;
  std::map<ino_t, fs::path> links_;  // files with several names: the first one copied
};

}  // namespace

Result<> clone_tree(const fs::path& from, const fs::path& to) {
  return while_doing(TreeCopy(from, to).run(), "copying {}", from.string());
}

}  // namespace breakwater::volume
