#include "volume/file_io.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/file.h"

namespace breakwater::volume {
namespace {

constexpr uint64_t kZeroBuffer = 1 << 20;

}  // namespace

Result<> read_fully(int fd, uint64_t offset, std::span<std::byte> out,
                    const std::filesystem::path& path) {
  while (!out.empty()) {
    const ssize_t count = pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0) {
      if (errno == EINTR) continue;
      return tl::unexpected(errno_error("reading", path));
    }
    if (count == 0) {
      return fail(Code::kInvalid, "{} ends at byte {}, {} bytes before what was asked for",
                  path.string(), offset, out.size());
    }
    out = out.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return {};
}

Result<> write_fully(int fd, uint64_t offset, std::span<const std::byte> data,
                     const std::filesystem::path& path) {
  while (!data.empty()) {
    const ssize_t count = pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0) {
      if (errno == EINTR) continue;
      return tl::unexpected(errno_error("writing", path));
    }
    data = data.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return {};
}

Result<> fill_with_zeros(int fd, uint64_t offset, uint64_t length,
                         const std::filesystem::path& path) {
  const std::vector<std::byte> zeros(std::min(length, kZeroBuffer));
  while (length > 0) {
    const uint64_t count = std::min<uint64_t>(length, zeros.size());
    TRY(write_fully(fd, offset, {zeros.data(), count}, path));
    offset += count;
    length -= count;
  }
  return {};
}

Result<Extents> file_data_extents(int fd, uint64_t size, const std::filesystem::path& path) {
  Extents extents;
  uint64_t at = 0;
  while (at < size) {
    const off_t data = lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // nothing but a hole from here on
    if (data < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) return Extents{{0, size}};
    if (data < 0) return tl::unexpected(errno_error("looking for data in", path));
    const off_t hole = lseek(fd, data, SEEK_HOLE);
    if (hole < 0) return tl::unexpected(errno_error("looking for holes in", path));
    const uint64_t begin = static_cast<uint64_t>(data);
    if (begin >= size) break;
    const uint64_t end = std::min(static_cast<uint64_t>(hole), size);
    extents.push_back({begin, end - begin});
    at = end;
  }
  return normalize(std::move(extents));
}

}  // namespace breakwater::volume
