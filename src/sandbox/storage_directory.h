// Where the sandbox keeps volumes and snapshots: in two directories, those of mode Block as raw
// files, those of mode Filesystem as directories (directory_volume.h).
//
//   <root>/volumes/<PersistentVolume>.raw      <root>/snapshots/<handle>.raw
//   <root>/volumes/<PersistentVolume>.dir/     <root>/snapshots/<handle>.dir/
//
// "File" means either below. A file that is made for an object which does not exist yet has a mark
// beside it,
// `<file>.pending`, until the object exists. sweep() removes marked files without an object and
// nothing else: a file that was ever acknowledged goes only when its object's deletion policy says
// so. Thread-safe for different names; every function may be repeated after a crash.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/error.h"
#include "base/time.h"

namespace breakwater::sandbox {

enum class VolumeMode { kBlock, kFilesystem };

class StorageDirectory {
 public:
  // Makes the directories that are missing. `root` becomes absolute.
  static Result<StorageDirectory> open(const std::filesystem::path& root);

  // The raw file, or the directory to mount.
  std::filesystem::path volume_path(const std::string& name,
                                    VolumeMode mode = VolumeMode::kBlock) const;

  // A sparse file of `size` bytes, or an empty directory, marked pending. One that is there already
  // (left by a crash) is given the size.
  Result<> create_volume(const std::string& name, uint64_t size,
                         VolumeMode mode = VolumeMode::kBlock) const;
  // A copy of a snapshot, of its mode, at least `size` bytes, marked pending. kNotFound names the
  // handle.
  Result<> create_volume_from(const std::string& handle, const std::string& name,
                              uint64_t size) const;
  // The volume's object exists: the mark goes.
  Result<> acknowledge_volume(const std::string& name) const;
  // The volume as it is now, by reflink where the file system can; of a directory, file by file. A
  // snapshot that is there already is kept. kNotFound names the volume.
  Result<> create_snapshot(const std::string& volume, const std::string& handle) const;

  struct SnapshotInfo {
    uint64_t size = 0;  // of the volume it was taken of
    Time created{};
    VolumeMode mode = VolumeMode::kBlock;
  };
  // kNotFound if there is no such snapshot, kInvalid if the handle can be none.
  Result<SnapshotInfo> find_snapshot(const std::string& handle) const;

  // Removes file and mark; absent ones are no error.
  Result<> remove_volume(const std::string& name) const;
  Result<> remove_snapshot(const std::string& handle) const;

  // Removes what an interrupted creation left: temporary files, and marked volumes for which
  // `exists` says no. Only while nobody creates volumes.
  Result<> sweep(const std::function<Result<bool>(const std::string& volume)>& exists) const;

 private:
  explicit StorageDirectory(std::filesystem::path root) : root_(std::move(root)) {}
  std::filesystem::path place(const char* folder, const std::string& name, VolumeMode mode) const;
  std::filesystem::path root_;
};

// Whether `name` may name a file of the directory: letters, digits, '-', '.' and '_', starting with
// a letter or digit. Handles come from users, so that "../x" must not get through.
bool is_storage_name(std::string_view name);

}  // namespace breakwater::sandbox
