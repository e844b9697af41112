// Whole files and directories, and file descriptors that close themselves.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace breakwater {

// Owns a file descriptor. Movable.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();

 private:
  int fd_ = -1;
};

// The Error for the current errno: kNotFound for ENOENT, kForbidden for EACCES, …
Error errno_error(std::string_view doing, const std::filesystem::path& path);

Result<std::string> read_file(const std::filesystem::path& path);
// Writes a temporary file beside `path`, syncs it, renames it over `path` and syncs the directory:
// after a crash there is the old content or the new, never a mixture. `mode` as in chmod.
Result<> write_file(const std::filesystem::path& path, std::string_view content, int mode = 0644);
Result<> make_directories(const std::filesystem::path& path, int mode = 0755);
// Syncs a directory, so that names created in it survive a crash.
Result<> sync_directory(const std::filesystem::path& path);

// A directory of its own under `parent`, removed with everything in it at the end.
class TempDir {
 public:
  static Result<TempDir> create(const std::filesystem::path& parent, std::string_view prefix);
  TempDir(TempDir&&) noexcept;
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }
  // Leaves the directory where it is when this object goes.
  void keep() { kept_ = true; }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  bool kept_ = false;
};

}  // namespace breakwater
