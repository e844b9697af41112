#include "volume/file_copy.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/file.h"
#include "volume/file_io.h"

namespace breakwater::volume {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCopyBuffer = 1 << 20;

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

}  // namespace

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

}  // namespace breakwater::volume
