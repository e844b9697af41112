#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace breakwater {

namespace fs = std::filesystem;

namespace {

Code code_of(int problem) {
  switch (problem) {
    case ENOENT:
    case ENOTDIR:
      return Code::kNotFound;
    case EEXIST:
      return Code::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kForbidden;
    case EINVAL:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return Code::kInvalid;
    case EOPNOTSUPP:
    case ENOSYS:
      return Code::kUnsupported;
    case EAGAIN:
    case EBUSY:
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return Code::kUnavailable;
    case ETIMEDOUT:
      return Code::kTimeout;
    default:
      return Code::kInternal;
  }
}

Error system_error(int problem, std::string_view doing, const fs::path& path) {
  return Error(code_of(problem), fmt::format("{} {}: {}", doing, path.string(),
                                             std::generic_category().message(problem)));
}

tl::unexpected<Error> errno_failure(std::string_view doing, const fs::path& path) {
  return tl::unexpected<Error>(errno_error(doing, path));
}

Result<> write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_failure("writing", path);
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

// Everything up to the rename; the caller removes the temporary file on failure.
Result<> write_temporary(Fd fd, const fs::path& temporary, std::string_view content, int mode) {
  TRY(write_all(fd.get(), content, temporary));
  if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) {
    return errno_failure("setting the mode of", temporary);
  }
  if (::fsync(fd.get()) != 0) return errno_failure("syncing", temporary);
  if (::close(fd.release()) != 0) return errno_failure("closing", temporary);
  return {};
}

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (valid()) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  if (valid()) ::close(fd_);
}

int Fd::release() { return std::exchange(fd_, -1); }

Error errno_error(std::string_view doing, const fs::path& path) {
  return system_error(errno, doing, path);
}

Result<std::string> read_file(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_failure("opening", path);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return errno_failure("reading", path);
  std::string content;
  size_t filled = 0;
  content.resize(static_cast<size_t>(info.st_size) + 1);  // one more shows the end without a resize
  while (true) {
    const ssize_t n = ::read(fd.get(), content.data() + filled, content.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_failure("reading", path);
    if (n == 0) break;
    filled += static_cast<size_t>(n);
    if (filled == content.size()) content.resize(content.size() * 2);
  }
  content.resize(filled);
  return content;
}

Result<> write_file(const fs::path& path, std::string_view content, int mode) {
  const fs::path directory = directory_of(path);
  std::string temporary = directory / ("." + path.filename().string() + ".XXXXXX");
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return errno_failure("creating", temporary);
  Result<> written = write_temporary(std::move(fd), temporary, content, mode);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = errno_failure("renaming a new file to", path);
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return while_doing(std::move(written), "writing {}", path.string());
  }
  return sync_directory(directory);
}

Result<> make_directories(const fs::path& path, int mode) {
  if (path.empty() || ::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) return {};
  if (errno == ENOENT && path.has_relative_path() && path != path.parent_path()) {
    TRY(make_directories(path.parent_path(), mode));
    if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) return {};
  }
  if (errno != EEXIST) return errno_failure("creating directory", path);
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    return fail(Code::kAlreadyExists, "{} exists and is no directory", path.string());
  }
  return {};
}

Result<> sync_directory(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return errno_failure("opening directory", path);
  if (::fsync(fd.get()) != 0) return errno_failure("syncing directory", path);
  return {};
}

Result<TempDir> TempDir::create(const fs::path& parent, std::string_view prefix) {
  std::string path = parent / (std::string(prefix) + "XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) {
    return errno_failure("creating a temporary directory in", parent);
  }
  return TempDir(fs::path(path));
}

TempDir::TempDir(TempDir&& other) noexcept
    : path_(std::exchange(other.path_, {})), kept_(other.kept_) {}

TempDir::~TempDir() {
  if (path_.empty() || kept_) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace breakwater
