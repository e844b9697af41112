#include "sandbox/storage_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/file.h"
#include "sandbox/directory_volume.h"
#include "volume/block_volume.h"

namespace breakwater::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVolumes = "volumes";
constexpr const char* kSnapshots = "snapshots";
constexpr std::string_view kRaw = ".raw";
constexpr std::string_view kDirectory = ".dir";
constexpr std::string_view kPending = ".pending";
// Of volume::clone_file and of directory volumes.
constexpr std::string_view kTemporary[] = {".raw-tmp-", ".dir-tmp-"};

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
  TRY(make_directories(directory.root_ / kVolumes));
  TRY(make_directories(directory.root_ / kSnapshots));
  return directory;
}

fs::path StorageDirectory::place(const char* folder, const std::string& name,
                                 VolumeMode mode) const {
  return root_ / folder / (name + std::string(mode == VolumeMode::kBlock ? kRaw : kDirectory));
}

fs::path StorageDirectory::volume_path(const std::string& name, VolumeMode mode) const {
  const fs::path path = place(kVolumes, name, mode);
  return mode == VolumeMode::kBlock ? path : path / kVolumeData;
}

Result<> StorageDirectory::create_volume(const std::string& name, uint64_t size,
                                         VolumeMode mode) const {
  TRY(check_name("volume", name));
  const fs::path file = place(kVolumes, name, mode);
  TRY(write_file(mark_of(file), ""));
  if (mode == VolumeMode::kFilesystem) return create_directory_volume(file, size, std::nullopt);
  return resize(file, size, true);
}

Result<> StorageDirectory::create_volume_from(const std::string& handle, const std::string& name,
                                              uint64_t size) const {
  TRY(check_name("volume", name));
  const VolumeMode mode = TRY(find_snapshot(handle)).mode;
  const fs::path file = place(kVolumes, name, mode), from = place(kSnapshots, handle, mode);
  TRY(write_file(mark_of(file), ""));
  if (mode == VolumeMode::kFilesystem) return create_directory_volume(file, size, from);
  auto copied = volume::clone_file(from, file);
  if (!copied && !copied.error().is(Code::kAlreadyExists)) {
    return tl::unexpected(std::move(copied).error());
  }
  return resize(file, size, false);
}

Result<> StorageDirectory::acknowledge_volume(const std::string& name) const {
  TRY(remove_file(mark_of(place(kVolumes, name, VolumeMode::kBlock))));
  return remove_file(mark_of(place(kVolumes, name, VolumeMode::kFilesystem)));
}

Result<> StorageDirectory::create_snapshot(const std::string& volume,
                                           const std::string& handle) const {
  TRY(check_name("volume", volume));
  TRY(check_name("snapshot", handle));
  const fs::path directory = place(kVolumes, volume, VolumeMode::kFilesystem);
  if (is_directory_volume(directory)) {
    const fs::path to = place(kSnapshots, handle, VolumeMode::kFilesystem);
    return is_directory_volume(to) ? Result<>() : create_directory_volume(to, 0, directory);
  }
  auto copied = volume::clone_file(place(kVolumes, volume, VolumeMode::kBlock),
                                   place(kSnapshots, handle, VolumeMode::kBlock));
  if (copied || copied.error().is(Code::kAlreadyExists)) return {};
  return tl::unexpected(std::move(copied).error());
}

Result<StorageDirectory::SnapshotInfo> StorageDirectory::find_snapshot(
    const std::string& handle) const {
  TRY(check_name("snapshot", handle));
  SnapshotInfo info;
  fs::path file = place(kSnapshots, handle, VolumeMode::kFilesystem);
  if (is_directory_volume(file)) {
    info.mode = VolumeMode::kFilesystem;
    info.size = TRY(directory_volume_size(file));
    file /= kVolumeSize;  // written when it was taken
  } else {
    file = place(kSnapshots, handle, VolumeMode::kBlock);
  }
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return fail(Code::kNotFound, "snapshot \"{}\" does not exist", handle);
    return tl::unexpected(errno_error("looking at", file));
  }
  if (info.mode == VolumeMode::kBlock) info.size = static_cast<uint64_t>(status.st_size);
  info.created = Time(std::chrono::seconds(status.st_mtim.tv_sec) +
                      std::chrono::nanoseconds(status.st_mtim.tv_nsec));
  return info;
}

Result<> StorageDirectory::remove_volume(const std::string& name) const {
  TRY(check_name("volume", name));
  TRY(remove_file(place(kVolumes, name, VolumeMode::kBlock)));
  TRY(remove_directory_volume(place(kVolumes, name, VolumeMode::kFilesystem)));
  return acknowledge_volume(name);
}

Result<> StorageDirectory::remove_snapshot(const std::string& handle) const {
  TRY(check_name("snapshot", handle));
  TRY(remove_file(place(kSnapshots, handle, VolumeMode::kBlock)));
  return remove_directory_volume(place(kSnapshots, handle, VolumeMode::kFilesystem));
}

Result<> StorageDirectory::sweep(
    const std::function<Result<bool>(const std::string& volume)>& exists) const {
  for (const char* folder : {kVolumes, kSnapshots}) {
    for (const std::string& name : TRY(names_in(root_ / folder))) {
      const bool left_over =
          name.starts_with('.') || std::ranges::any_of(kTemporary, [&](std::string_view mark) {
            return name.find(mark) != std::string::npos;
          });
      if (left_over) TRY(remove_everything(root_ / folder / name));
    }
  }
  for (const std::string& name : TRY(names_in(root_ / kVolumes))) {
    if (!name.ends_with(kPending)) continue;
    const fs::path file = name.substr(0, name.size() - kPending.size());
    if (file.extension() != kRaw && file.extension() != kDirectory) continue;
    const std::string volume = file.stem();
    if (TRY(exists(volume))) {
      TRY(acknowledge_volume(volume));
    } else {
      TRY(remove_volume(volume));
    }
  }
  return {};
}

}  // namespace breakwater::sandbox
