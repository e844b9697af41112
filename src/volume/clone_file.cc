#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/file.h"
#include "volume/block_volume.h"
#include "volume/file_copy.h"

namespace breakwater::volume {
namespace {

namespace fs = std::filesystem;

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
