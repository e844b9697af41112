#include "cli/story_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/subprocess.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBuffer = 1 << 20;
// File systems keep some of the volume for themselves.
constexpr double kFilesShare = 0.45, kRandomShare = 1.0 / 16, kChangedShare = 0.01;
constexpr uint64_t kLargestFile = 32 << 20;
constexpr uint64_t kTreeBytes = 40 << 20;  // of a volume that is a directory

Result<> write_random_file(const fs::path& path, uint64_t size, Random& random) {
  Bytes content(size);
  random.fill(content);
  return write_file(path, as_text(content), 0644);
}

// Copies regular files of this machine, in the order in which they are found, until `budget` is
// spent.
Result<> copy_files(const fs::path& to, uint64_t budget) {
  std::error_code error;
  for (const char* root : {"/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/share", "/usr/include"}) {
    const auto options = fs::directory_options::skip_permission_denied;
    for (auto entry = fs::recursive_directory_iterator(root, options, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      if (!entry->is_regular_file(error) || entry->is_symlink(error)) continue;
      const uint64_t size = entry->file_size(error);
      if (error || size > kLargestFile) continue;
      if (size > budget) return {};
      const fs::path target = to / entry->path().relative_path();
      fs::create_directories(target.parent_path(), error);
      if (!fs::copy_file(entry->path(), target, error)) continue;
      budget -= size;
    }
  }
  return {};
}

}  // namespace

Result<> fill_disk(const fs::path& disk, const fs::path& work, Random& random) {
  std::error_code error;
  const uint64_t size = fs::file_size(disk, error);
  if (error) return fail(Code::kNotFound, "there is no raw volume {}", disk.string());
  const fs::path tree = work / "files";
  TRY(make_directories(tree));
  TRY(write_random_file(tree / "random.bin",
                        static_cast<uint64_t>(static_cast<double>(size) * kRandomShare), random));
  TRY(copy_files(tree, static_cast<uint64_t>(static_cast<double>(size) * kFilesShare)));
  TRY(run_checked(
      {"mke2fs", "-q", "-F", "-t", "ext4", "-E", "nodiscard", "-d", tree.string(), disk.string()}));
  fs::remove_all(tree, error);
  return {};
}

Result<> change_one_percent(const fs::path& disk, const fs::path& work, Random& random) {
  std::error_code error;
  const auto bytes =
      static_cast<uint64_t>(static_cast<double>(fs::file_size(disk, error)) * kChangedShare);
  constexpr int kFiles = 4;
  std::string commands;
  for (int i = 0; i < kFiles; ++i) {
    const fs::path file = work / ("change-" + std::to_string(i));
    TRY(write_random_file(file, bytes / kFiles, random));
    commands += "write " + file.string() + " " + file.filename().string() + "\n";
  }
  const fs::path script = work / "change.debugfs";
  TRY(write_file(script, commands));
  TRY(run_checked({"debugfs", "-w", "-f", script.string(), disk.string()}));
  return check_file_system(disk);
}

Result<> fill_tree(const fs::path& tree, Random& random) {
  TRY(copy_files(tree, kTreeBytes));
  TRY(write_random_file(tree / "random.bin", kTreeBytes / 8, random));
  TRY(make_directories(tree / "empty folder"));
  std::error_code error;
  fs::create_symlink("random.bin", tree / "link", error);
  if (!error) fs::create_hard_link(tree / "random.bin", tree / "second name", error);
  if (error) return fail(Code::kInternal, "filling {}: {}", tree.string(), error.message());
  return {};
}

Result<> change_tree(const fs::path& tree, Random& random) {
  return write_random_file(tree / "new.bin", kTreeBytes / 100, random);
}

Result<std::string> describe_tree(const fs::path& tree) {
  // Directories have no size of their own: file systems differ in it.
  const std::string script =
      "cd \"$0\" && find . -mindepth 1 -path ./lost+found -prune -o -type d -printf "
      "'%p %y %m %U %G %T@\\n' -o -printf '%p %y %m %U %G %s %T@ %n %l\\n' | LC_ALL=C sort && "
      "find . -path ./lost+found -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 -r "
      "sha256sum";
  return run_checked({"sh", "-c", script, tree.string()});
}

Result<> check_file_system(const fs::path& disk) {
  return while_doing(run_checked({"e2fsck", "-f", "-n", disk.string()}), "checking {}",
                     disk.string())
      .map([](const std::string&) {});
}

Result<std::optional<uint64_t>> first_difference(const fs::path& a, const fs::path& b) {
  Fd one(open(a.c_str(), O_RDONLY | O_CLOEXEC)), two(open(b.c_str(), O_RDONLY | O_CLOEXEC));
  if (!one.valid()) return tl::unexpected(errno_error("opening", a));
  if (!two.valid()) return tl::unexpected(errno_error("opening", b));
  std::vector<char> left(kBuffer), right(kBuffer);
  for (uint64_t offset = 0;;) {
    const ssize_t n = pread(one.get(), left.data(), kBuffer, static_cast<off_t>(offset));
    const ssize_t m = pread(two.get(), right.data(), kBuffer, static_cast<off_t>(offset));
    if (n < 0) return tl::unexpected(errno_error("reading", a));
    if (m < 0) return tl::unexpected(errno_error("reading", b));
    const auto common = static_cast<size_t>(std::min(n, m));
    for (size_t i = 0; std::memcmp(left.data(), right.data(), common) != 0 && i < common; ++i) {
      if (left[i] != right[i]) return offset + i;
    }
    if (n != m) return offset + common;
    if (n == 0) return std::nullopt;
    offset += static_cast<uint64_t>(n);
  }
}

}  // namespace breakwater::cli
