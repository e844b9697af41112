#include "volume/shared_extents.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/file.h"
#include "volume/block_volume.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

namespace breakwater::volume {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kBatch = 512;  // extents asked for at once
constexpr size_t kTrialSize = 64 << 10;
// Where any of these is set, the physical place says nothing about the content.
constexpr uint32_t kDoubtful = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
                               FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_ENCRYPTED |
                               FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE |
                               FIEMAP_EXTENT_DATA_TAIL;

struct File {
  Fd fd;
  fs::path path;
  uint64_t size = 0;
  dev_t device = 0;
  ino_t inode = 0;
};

// A piece of a file that has a place on disk. What no piece covers reads as zeros.
struct Piece {
  Extent range;
  uint64_t physical = 0;
  bool certain = false;  // equal place means equal content
};

Result<File> open_file(const fs::path& path) {
  File file;
  file.path = path;
  file.fd = Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.fd.valid()) return tl::unexpected(errno_error("opening", path));
  struct stat status {};
  if (fstat(file.fd.get(), &status) != 0) return tl::unexpected(errno_error("looking at", path));
  if (!S_ISREG(status.st_mode)) {
    return fail(Code::kInvalid, "{} is not a regular file", path.string());
  }
  file.size = static_cast<uint64_t>(status.st_size);
  file.device = status.st_dev;
  file.inode = status.st_ino;
  return file;
}

// Only file systems known to give physical places that mean what they say.
bool can_tell(const File& file) {
  struct statfs status {};
  if (fstatfs(file.fd.get(), &status) != 0) return false;
  if (status.f_type == BTRFS_SUPER_MAGIC) return true;
  if (status.f_type != XFS_SUPER_MAGIC) return false;
  // Places on XFS's realtime device are counted from its own start.
  struct fsxattr attributes {};
  return ioctl(file.fd.get(), FS_IOC_FSGETXATTR, &attributes) == 0 &&
         (attributes.fsx_xflags & FS_XFLAG_REALTIME) == 0;
}

void add_piece(std::vector<Piece>& pieces, const fiemap_extent& extent, uint64_t size) {
  // Preallocated and never written: reads as zeros, like a hole.
  if ((extent.fe_flags & FIEMAP_EXTENT_UNWRITTEN) && !(extent.fe_flags & kDoubtful)) return;
  if (extent.fe_logical >= size) return;
  const bool shared = extent.fe_flags & FIEMAP_EXTENT_SHARED;
  pieces.push_back({{extent.fe_logical, std::min(extent.fe_length, size - extent.fe_logical)},
                    extent.fe_physical,
                    shared && !(extent.fe_flags & kDoubtful)});
}

// Nothing if the file system does not answer.
Result<std::optional<std::vector<Piece>>> map_file(const File& file) {
  std::vector<std::byte> buffer(sizeof(fiemap) + kBatch * sizeof(fiemap_extent));
  std::vector<Piece> pieces;
  uint64_t at = 0;
  while (at < file.size) {
    std::fill(buffer.begin(), buffer.end(), std::byte{0});
    auto* request = reinterpret_cast<fiemap*>(buffer.data());
    request->fm_start = at;
    request->fm_length = std::numeric_limits<uint64_t>::max() - at;
    request->fm_flags = FIEMAP_FLAG_SYNC;
    request->fm_extent_count = kBatch;
    if (ioctl(file.fd.get(), FS_IOC_FIEMAP, request) != 0) {
      if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EBADR) return std::nullopt;
      return tl::unexpected(errno_error("asking for the extents of", file.path));
    }
    if (request->fm_mapped_extents == 0) break;
    const uint64_t start = at;
    bool last = false;
    for (uint32_t i = 0; i < request->fm_mapped_extents; ++i) {
      const fiemap_extent& extent = request->fm_extents[i];
      add_piece(pieces, extent, file.size);
      at = extent.fe_logical + extent.fe_length;
      last = extent.fe_flags & FIEMAP_EXTENT_LAST;
    }
    if (last) break;
    if (at <= start) return std::nullopt;  // it would go on forever
  }
  return pieces;
}

// The ranges where both have the same place.
Extents equal_places(const std::vector<Piece>& a, const std::vector<Piece>& b) {
  Extents equal;
  for (auto left = a.begin(), right = b.begin(); left != a.end() && right != b.end();) {
    const uint64_t begin = std::max(left->range.offset, right->range.offset);
    const uint64_t end = std::min(left->range.end(), right->range.end());
    const bool same = left->certain && right->certain &&
                      left->physical - left->range.offset == right->physical - right->range.offset;
    if (begin < end && same) equal.push_back({begin, end - begin});
    left->range.end() < right->range.end() ? ++left : ++right;
  }
  return normalize(std::move(equal));
}

Extents ranges(const std::vector<Piece>& pieces) {
  Extents extents;
  for (const Piece& piece : pieces) extents.push_back(piece.range);
  return normalize(std::move(extents));
}

// What is in `a` and not in `b`.
Extents subtract(const Extents& a, const Extents& b) {
  Extents rest;
  auto cut = b.begin();
  for (const Extent& extent : a) {
    uint64_t at = extent.offset;
    while (cut != b.end() && cut->end() <= at) ++cut;
    for (auto next = cut; next != b.end() && next->offset < extent.end(); ++next) {
      if (next->offset > at) rest.push_back({at, next->offset - at});
      at = next->end();
    }
    if (at < extent.end()) rest.push_back({at, extent.end() - at});
  }
  return rest;
}

}  // namespace

Result<std::optional<Extents>> changed_between(const fs::path& old_path, const fs::path& new_path) {
  const File before = TRY(open_file(old_path));
  const File after = TRY(open_file(new_path));
  if (before.device != after.device || !can_tell(before) || !can_tell(after)) return std::nullopt;
  if (before.inode == after.inode) return Extents{};
  const auto old_pieces = TRY(map_file(before));
  const auto new_pieces = TRY(map_file(after));
  if (!old_pieces || !new_pieces) return std::nullopt;
  // Where neither file has a piece both read as zeros.
  Extents changed = subtract(unite(ranges(*old_pieces), ranges(*new_pieces)),
                             equal_places(*old_pieces, *new_pieces));
  if (after.size > before.size) changed.push_back({before.size, after.size - before.size});
  return intersect(normalize(std::move(changed)), normalize({{0, after.size}}));
}

bool shares_extents(const fs::path& directory) {
  const auto scratch = TempDir::create(directory, ".extents");
  if (!scratch) return false;
  const fs::path one = scratch->path() / "one", two = scratch->path() / "two";
  if (!write_file(one, std::string(kTrialSize, 'x'))) return false;
  const auto method = clone_file(one, two);
  if (!method || *method != CopyMethod::kReflink) return false;
  const auto changed = changed_between(one, two);
  return changed && *changed && (*changed)->empty();
}

}  // namespace breakwater::volume
