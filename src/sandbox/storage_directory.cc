#include "sandbox/storage_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/file.h"
#include "volume/block_volume.h"

namespace breakwater::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRaw = ".raw";
constexpr std::string_view kPending = ".pending";
constexpr std::string_view kTemporary = ".raw-tmp-";  // of volume::clone_file

fs::path mark_of(const fs::path& file) { return file.string() + std::string(kPending); }

Result<> check_name(std::string_view what, const std::string& name) {
  if (is_storage_name(name)) return {};
  return fail(Code::kInvalid, "{} \"{}\" is none of this driver", what, name);
}

Result<> remove_file(const fs::path& file) {
  if (::unlink(file.c_str()) == 0 || errno == ENOENT) return {};
  return tl::unexpected(errno_error("removing", file));
}

// Sets the size, but never cuts data off unless `may_shrink`.
Result<> resize(const fs::path& file, uint64_t size, bool may_shrink) {
  const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return tl::unexpected(errno_error("opening", file));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return tl::unexpected(errno_error("looking at", file));
  const auto present = static_cast<uint64_t>(status.st_size);
  if (present != size && (may_shrink || present < size) &&
      ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return tl::unexpected(errno_error("resizing", file));
  }
  if (::fsync(fd.get()) != 0) return tl::unexpected(errno_error("syncing", file));
  return sync_directory(file.parent_path());
}

Result<std::vector<std::string>> names_in(const fs::path& directory) {
  std::error_code problem;
  std::vector<std::string> names;
  for (fs::directory_iterator it(directory, problem), end; !problem && it != end;
       it.increment(problem)) {
    names.push_back(it->path().filename().string());
  }
  if (problem) {
    return fail(Code::kInternal, "reading directory {}: {}", directory.string(), problem.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

bool is_storage_name(std::string_view name) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= 200 && alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '-' || c == '.' || c == '_'; });
}

Result<StorageDirectory> StorageDirectory::open(const fs::path& root) {
  std::error_code problem;
  const fs::path absolute = fs::absolute(root, problem);
  if (problem) return fail(Code::kInvalid, "{}: {}", root.string(), problem.message());
  StorageDirectory directory(absolute.lexically_normal());
  TRY(make_directories(directory.root_ / "volumes"));
  TRY(make_directories(directory.root_ / "snapshots"));
  return directory;
}

fs::path StorageDirectory::volume_path(const std::string& name) const {
  return root_ / "volumes" / (name + std::string(kRaw));
}

fs::path StorageDirectory::snapshot_path(const std::string& handle) const {
  return root_ / "snapshots" / (handle + std::string(kRaw));
}

Result<> StorageDirectory::create_volume(const std::string& name, uint64_t size) const {
  TRY(check_name("volume", name));
  const fs::path file = volume_path(name);
  TRY(write_file(mark_of(file), ""));
  return resize(file, size, true);
}

Result<> StorageDirectory::create_volume_from(const std::string& handle, const std::string& name,
                                              uint64_t size) const {
  TRY(check_name("volume", name));
  TRY(find_snapshot(handle));
  const fs::path file = volume_path(name);
  TRY(write_file(mark_of(file), ""));
  auto copied = volume::clone_file(snapshot_path(handle), file);
  if (!copied && !copied.error().is(Code::kAlreadyExists)) {
    return tl::unexpected(std::move(copied).error());
  }
  return resize(file, size, false);
}

Result<> StorageDirectory::acknowledge_volume(const std::string& name) const {
  return remove_file(mark_of(volume_path(name)));
}

Result<> StorageDirectory::create_snapshot(const std::string& volume,
                                           const std::string& handle) const {
  TRY(check_name("volume", volume));
  TRY(check_name("snapshot", handle));
  auto copied = volume::clone_file(volume_path(volume), snapshot_path(handle));
  if (copied || copied.error().is(Code::kAlreadyExists)) return {};
  return tl::unexpected(std::move(copied).error());
}

Result<StorageDirectory::SnapshotInfo> StorageDirectory::find_snapshot(
    const std::string& handle) const {
  TRY(check_name("snapshot", handle));
  struct stat status {};
  const fs::path file = snapshot_path(handle);
  if (::stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return fail(Code::kNotFound, "snapshot \"{}\" does not exist", handle);
    return tl::unexpected(errno_error("looking at", file));
  }
  return SnapshotInfo{static_cast<uint64_t>(status.st_size),
                      Time(std::chrono::seconds(status.st_mtim.tv_sec) +
                           std::chrono::nanoseconds(status.st_mtim.tv_nsec))};
}

Result<> StorageDirectory::remove_volume(const std::string& name) const {
  TRY(check_name("volume", name));
  TRY(remove_file(volume_path(name)));
  return remove_file(mark_of(volume_path(name)));
}

Result<> StorageDirectory::remove_snapshot(const std::string& handle) const {
  TRY(check_name("snapshot", handle));
  return remove_file(snapshot_path(handle));
}

Result<> StorageDirectory::sweep(
    const std::function<Result<bool>(const std::string& volume)>& exists) const {
  for (const char* folder : {"volumes", "snapshots"}) {
    for (const std::string& name : TRY(names_in(root_ / folder))) {
      const bool left_over = name.starts_with('.') || name.find(kTemporary) != std::string::npos;
      if (left_over) TRY(remove_file(root_ / folder / name));
    }
  }
  const std::string suffix = std::string(kRaw) + std::string(kPending);
  for (const std::string& name : TRY(names_in(root_ / "volumes"))) {
    if (!name.ends_with(suffix)) continue;
    const std::string volume = name.substr(0, name.size() - suffix.size());
    if (TRY(exists(volume))) {
      TRY(acknowledge_volume(volume));
    } else {
      TRY(remove_volume(volume));
    }
  }
  return {};
}

}  // namespace breakwater::sandbox
