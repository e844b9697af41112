#include "blob/local_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <mutex>

#include "base/file.h"
#include "blob/key.h"

namespace breakwater::blob {
namespace {

namespace fs = std::filesystem;

constexpr int kDirectoryMode = 0700;
// A directory may vanish between its creation and its use, when its last object is removed.
constexpr int kCreateAttempts = 20;

// Whether we would make this directory again just as it is: somebody may have opened it to a group.
bool is_ours(const fs::path& directory) {
  struct stat info;
  return ::lstat(directory.c_str(), &info) == 0 && (info.st_mode & 07777) == kDirectoryMode &&
         info.st_uid == ::geteuid();
}

bool is_missing(int error) { return error == ENOENT || error == ENOTDIR; }

Result<> write_all(int fd, ByteSpan data, const fs::path& path) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return tl::unexpected(errno_error("writing", path));
    data = data.subspan(static_cast<size_t>(written));
  }
  return {};
}

// Fewer bytes than asked for means that the file is shorter than its caller saw it.
Result<> read_all(int fd, uint64_t offset, std::span<std::byte> out, const fs::path& path) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(errno_error("reading", path));
    if (got == 0) return fail(Code::kUnavailable, "{} shrank while it was read", path.string());
    out = out.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return {};
}

class DirectoryReader {
 public:
  explicit DirectoryReader(const fs::path& path) : directory_(::opendir(path.c_str())) {}
  DirectoryReader(const DirectoryReader&) = delete;
  ~DirectoryReader() {
    if (directory_) ::closedir(directory_);
  }
  bool opened() const { return directory_ != nullptr; }
  // The next name except "." and "..", or nothing.
  const char* next() {
    while (const dirent* entry = ::readdir(directory_)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") return entry->d_name;
    }
    return nullptr;
  }

 private:
  DIR* directory_;
};

class LocalStore final : public ObjectStore {
 public:
  LocalStore(LocalSettings settings, Random& random)
      : settings_(std::move(settings)), random_(random) {}

  Result<Bytes> get(const std::string& key) override {
    struct stat info;
    const Fd fd = TRY(open_object(key, info));
    Bytes data(static_cast<size_t>(info.st_size));
    TRY(read_all(fd.get(), 0, data, path_of(key)));
    return data;
  }

  Result<Bytes> get_range(const std::string& key, uint64_t offset, uint64_t length) override {
    struct stat info;
    const Fd fd = TRY(open_object(key, info));
    const auto size = static_cast<uint64_t>(info.st_size);
    if (offset > size || length > size - offset) {
      return fail(Code::kInvalid, "object {} has {} bytes, asked for {} from {}", key, size, length,
                  offset);
    }
    Bytes data(length);
    TRY(read_all(fd.get(), offset, data, path_of(key)));
    return data;
  }

  Result<ObjectInfo> head(const std::string& key) override {
    TRY(check(key));
    struct stat info;
    if (::stat(path_of(key).c_str(), &info) == 0) {
      if (S_ISREG(info.st_mode)) return ObjectInfo{key, static_cast<uint64_t>(info.st_size)};
    } else if (!is_missing(errno)) {
      return tl::unexpected(errno_error("looking at", path_of(key)));
    }
    return fail(Code::kNotFound, "object {} does not exist in {}", key, describe());
  }

  Result<> put(const std::string& key, ByteSpan data) override {
    TRY(check(key));
    const fs::path path = path_of(key);
    const fs::path temporary = TRY(write_temporary(path, data));
    if (::rename(temporary.c_str(), path.c_str()) == 0) return sync_parent(path);
    const Error error = errno_error("storing", path);
    ::unlink(temporary.c_str());
    return tl::unexpected(error);
  }

  Result<> put_new(const std::string& key, ByteSpan data) override {
    TRY(check(key));
    const fs::path path = path_of(key);
    const fs::path temporary = TRY(write_temporary(path, data));
    int error = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
    if (error == EPERM || error == EOPNOTSUPP || error == ENOSYS) {  // no hard links here
      const int moved =
          ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
      error = moved == 0 ? 0 : errno;
    }
    ::unlink(temporary.c_str());
    if (error == 0) return sync_parent(path);
    if (error == EEXIST) return fail(Code::kAlreadyExists, "object {} exists already", key);
    errno = error;
    return tl::unexpected(errno_error("storing", path));
  }

  Result<> remove(const std::string& key) override {
    TRY(check(key));
    const fs::path path = path_of(key);
    if (::unlink(path.c_str()) != 0) {
      if (is_missing(errno) || errno == EISDIR) return {};
      return tl::unexpected(errno_error("removing", path));
    }
    // Without this, expired backups would leave a growing heap of empty directories.
    fs::path directory = path.parent_path();
    while (directory != settings_.root && is_ours(directory) && ::rmdir(directory.c_str()) == 0) {
      directory = directory.parent_path();
    }
    return settings_.sync ? sync_existing(directory) : Result<>{};
  }

  Result<Listing> list(const std::string& prefix, bool fold_directories) override {
    TRY(check_prefix(prefix));
    const size_t slash = prefix.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
    Listing listing;
    TRY(list_folder(folder, prefix, fold_directories, listing));
    std::ranges::sort(listing.objects, {}, &ObjectInfo::key);
    std::ranges::sort(listing.prefixes);
    return listing;
  }

  Result<> prepare_writing() override {
    TRY(create_directories(settings_.root));
    if (::access(settings_.root.c_str(), W_OK | X_OK) != 0) {
      return tl::unexpected(errno_error("writing to directory", settings_.root));
    }
    if (fs::is_directory(settings_.root)) return {};
    return fail(Code::kInvalid, "{} is no directory", settings_.root.string());
  }

  std::string describe() const override { return "directory " + settings_.root.string(); }

 private:
  fs::path path_of(const std::string& key) const { return settings_.root / key; }

  // A name that list() would hide is refused, so that what was put is always listed.
  static Result<> check(const std::string& key) {
    TRY(check_key(key));
    if (!is_temporary_name(key)) return {};
    return fail(Code::kInvalid, "object key \"{}\" ends like a temporary file's name", key);
  }

  Result<Fd> open_object(const std::string& key, struct stat& info) const {
    TRY(check(key));
    const fs::path path = path_of(key);
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid() && !is_missing(errno)) return tl::unexpected(errno_error("opening", path));
    if (fd.valid() && ::fstat(fd.get(), &info) != 0) {
      return tl::unexpected(errno_error("looking at", path));
    }
    if (fd.valid() && S_ISREG(info.st_mode)) return fd;
    return fail(Code::kNotFound, "object {} does not exist in {}", key, describe());
  }

  std::string temporary_suffix() {
    const std::lock_guard lock(random_mutex_);
    return fmt::format("-tmp-{:016x}", random_.next());
  }

  // A synced file beside `path`, whose directories are created.
  Result<fs::path> write_temporary(const fs::path& path, ByteSpan data) {
    const fs::path temporary = path.string() + temporary_suffix();
    Fd fd;
    for (int attempt = 0; attempt < kCreateAttempts && !fd.valid(); ++attempt) {
      if (attempt > 0) TRY(create_directories(path.parent_path()));
      fd = Fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                     settings_.file_mode | 0200));
      if (!fd.valid() && errno != ENOENT) break;
    }
    if (!fd.valid()) return tl::unexpected(errno_error("creating", temporary));
    Result<> done = write_all(fd.get(), data, temporary);
    if (done && ::fchmod(fd.get(), static_cast<mode_t>(settings_.file_mode)) != 0) {
      done = tl::unexpected(errno_error("setting the mode of", temporary));
    }
    if (done && settings_.sync && ::fsync(fd.get()) != 0) {
      done = tl::unexpected(errno_error("syncing", temporary));
    }
    if (done) return temporary;
    ::unlink(temporary.c_str());
    return tl::unexpected(done.error());
  }

  // Creates what is missing and syncs the directory above each, so that a crash loses none.
  Result<> create_directories(const fs::path& directory) {
    if (::mkdir(directory.c_str(), kDirectoryMode) != 0) {
      if (errno == EEXIST) return {};
      if (errno != ENOENT || directory == directory.parent_path()) {
        return tl::unexpected(errno_error("creating", directory));
      }
      TRY(create_directories(directory.parent_path()));
      // Somebody who removes the last object beside us may be faster; the caller tries again.
      if (::mkdir(directory.c_str(), kDirectoryMode) != 0) return {};
    }
    return settings_.sync ? sync_existing(directory.parent_path()) : Result<>{};
  }

  Result<> sync_parent(const fs::path& path) const {
    return settings_.sync ? sync_existing(path.parent_path()) : Result<>{};
  }

  // A directory that is gone needs no sync.
  static Result<> sync_existing(const fs::path& directory) {
    Result<> done = sync_directory(directory);
    if (!done && done.error().is(Code::kNotFound)) return {};
    return done;
  }

  // Calls `visit(key, info)` for what stands in `folder` ("" or ending in '/') until it returns
  // false.
  template <class Visit>
  Result<> visit_folder(const std::string& folder, const Visit& visit) const {
    const fs::path path = settings_.root / folder;
    DirectoryReader reader(path);
    if (!reader.opened()) {
      if (is_missing(errno)) return {};
      return tl::unexpected(errno_error("listing", path));
    }
    while (const char* name = reader.next()) {
      struct stat info;
      if (::stat((path / name).c_str(), &info) != 0) continue;  // gone by now
      if (S_ISREG(info.st_mode) && is_temporary_name(name)) continue;
      if (!TRY(visit(folder + name, info))) break;
    }
    return {};
  }

  // Adds what is in `folder` and starts with `prefix`.
  Result<> list_folder(const std::string& folder, const std::string& prefix, bool fold,
                       Listing& listing) const {
    const auto add = [&](const std::string& key, const struct stat& info) -> Result<bool> {
      if (!key.starts_with(prefix)) return true;
      if (S_ISREG(info.st_mode)) {
        listing.objects.push_back({key, static_cast<uint64_t>(info.st_size)});
      } else if (S_ISDIR(info.st_mode) && !fold) {
        TRY(list_folder(key + '/', prefix, fold, listing));
      } else if (S_ISDIR(info.st_mode) && TRY(has_object(key + '/'))) {
        listing.prefixes.push_back(key + '/');
      }
      return true;
    };
    return visit_folder(folder, add);
  }

  // Only a folder with an object below it exists, as in S3.
  Result<bool> has_object(const std::string& folder) const {
    bool found = false;
    const auto look = [&](const std::string& key, const struct stat& info) -> Result<bool> {
      found = S_ISREG(info.st_mode) || (S_ISDIR(info.st_mode) && TRY(has_object(key + '/')));
      return !found;
    };
    TRY(visit_folder(folder, look));
    return found;
  }

  const LocalSettings settings_;
  std::mutex random_mutex_;
  Random& random_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_local_store(LocalSettings settings, Random& random) {
  settings.root = settings.root.lexically_normal();
  if (!settings.root.has_filename()) settings.root = settings.root.parent_path();
  return std::make_unique<LocalStore>(std::move(settings), random);
}

}  // namespace breakwater::blob
