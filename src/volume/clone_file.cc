#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "base/file.h"
#include "volume/block_volume.h"
#include "volume/file_io.h"

namespace breakwater::volume {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCopyBuffer = 1 << 20;

// The file being written: without a name where the file system can (then a crash leaves nothing),
// else with a temporary one.
class Draft {
 public:
  static Result<Draft> create(const fs::path& directory, const fs::path& to, mode_t mode) {
    Draft draft;
    draft.fd_ = Fd(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
    if (draft.fd_.valid()) return draft;
    std::string name = to.string() + "-tmp-XXXXXX";
    draft.fd_ = Fd(mkostemp(name.data(), O_CLOEXEC));
    if (!draft.fd_.valid()) return tl::unexpected(errno_error("creating a file beside", to));
    draft.name_ = name;
    if (fchmod(draft.fd_.get(), mode) != 0) {
      return tl::unexpected(errno_error("setting the mode of", name));
    }
    return draft;
  }

  Draft(Draft&& other) noexcept : fd_(std::move(other.fd_)), name_(std::move(other.name_)) {
    other.name_.clear();
  }
  Draft& operator=(Draft&&) = delete;
  ~Draft() {
    if (!name_.empty()) unlink(name_.c_str());
  }

  int fd() const { return fd_.get(); }

  // Gives it its name; linking, unlike renaming, never replaces what is there.
  Result<> publish(const fs::path& to) {
    const std::string self =
        name_.empty() ? fmt::format("/proc/self/fd/{}", fd_.get()) : name_.string();
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
    return tl::unexpected(errno_error("naming", to));
  }

 private:
  Draft() = default;
  Fd fd_;
  fs::path name_;
};

// Copies a range inside the kernel as far as that is possible; returns how much that was.
uint64_t copy_in_kernel(int from, int to, const Extent& extent) {
  off_t source = static_cast<off_t>(extent.offset);
  off_t target = source;
  uint64_t done = 0;
  while (done < extent.length) {
    const ssize_t count = copy_file_range(from, &source, to, &target, extent.length - done, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<uint64_t>(count);
  }
  return done;
}

Result<> copy_extent(int from, int to, const Extent& extent, const fs::path& from_path,
                     const fs::path& to_path) {
  uint64_t done = copy_in_kernel(from, to, extent);
  std::vector<std::byte> buffer(std::min<uint64_t>(extent.length - done, kCopyBuffer));
  while (done < extent.length) {
    const uint64_t count = std::min<uint64_t>(extent.length - done, buffer.size());
    const std::span<std::byte> part(buffer.data(), count);
    TRY(read_fully(from, extent.offset + done, part, from_path));
    TRY(write_fully(to, extent.offset + done, part, to_path));
    done += count;
  }
  return {};
}

Result<CopyMethod> copy_content(int from, int to, uint64_t size, const fs::path& from_path,
                                const fs::path& to_path) {
  if (ioctl(to, FICLONE, from) == 0) return CopyMethod::kReflink;
  if (ftruncate(to, static_cast<off_t>(size)) != 0) {
    return tl::unexpected(errno_error("resizing", to_path));
  }
  for (const Extent& extent : TRY(file_data_extents(from, size, from_path))) {
    TRY(copy_extent(from, to, extent, from_path, to_path));
  }
  return CopyMethod::kSparse;
}

}  // namespace

Result<CopyMethod> clone_file(const fs::path& from, const fs::path& to) {
  const Fd source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) return tl::unexpected(errno_error("opening", from));
  struct stat status {};
  if (fstat(source.get(), &status) != 0) return tl::unexpected(errno_error("looking at", from));
  if (!S_ISREG(status.st_mode)) {
    return fail(Code::kInvalid, "{} is not a regular file", from.string());
  }
  struct stat existing {};
  if (lstat(to.c_str(), &existing) == 0) {  // before copying gigabytes; publish() has the last word
    return fail(Code::kAlreadyExists, "{} exists already", to.string());
  }
  const fs::path directory = to.has_parent_path() ? to.parent_path() : fs::path(".");
  Draft draft = TRY(Draft::create(directory, to, status.st_mode & 0777));
  const CopyMethod method =
      TRY(copy_content(source.get(), draft.fd(), static_cast<uint64_t>(status.st_size), from, to));
  if (fsync(draft.fd()) != 0) return tl::unexpected(errno_error("syncing", to));
  TRY(draft.publish(to));
  TRY(sync_directory(directory));
  return method;
}

}  // namespace breakwater::volume
