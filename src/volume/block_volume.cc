#include "volume/block_volume.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"
#include "volume/file_io.h"

namespace breakwater::volume {
namespace {

namespace fs = std::filesystem;

// Devices zero whole pages; what sticks out is written.
constexpr uint64_t kDeviceBlock = 4096;

// What was opened.
struct Opened {
  Fd fd;
  fs::path path;
  uint64_t size = 0;
  bool device = false;
  bool created = false;

  std::string describe() const {
    return fmt::format("{} {}", device ? "device" : "file", path.string());
  }
};

Result<Opened> inspect(Opened opened) {
  struct stat status {};
  if (fstat(opened.fd.get(), &status) != 0) {
    return tl::unexpected(errno_error("looking at", opened.path));
  }
  if (S_ISREG(status.st_mode)) {
    opened.size = static_cast<uint64_t>(status.st_size);
    return opened;
  }
  if (!S_ISBLK(status.st_mode)) {
    return fail(Code::kInvalid, "{} is neither a regular file nor a block device",
                opened.path.string());
  }
  opened.device = true;
  if (ioctl(opened.fd.get(), BLKGETSIZE64, &opened.size) != 0) {
    return tl::unexpected(errno_error("asking for the size of", opened.path));
  }
  return opened;
}

Error open_error(const fs::path& path) {
  if (errno == EISDIR) {
    return Error(Code::kInvalid, fmt::format("{} is a directory", path.string()));
  }
  return errno_error("opening", path);
}

class FileReader final : public BlockReader {
 public:
  explicit FileReader(Opened opened) : opened_(std::move(opened)) {}

  uint64_t size() const override { return opened_.size; }
  std::string describe() const override { return opened_.describe(); }

  Result<> read(uint64_t offset, std::span<std::byte> out) override {
    return read_fully(opened_.fd.get(), offset, out, opened_.path);
  }

  Result<Extents> data_extents() override {
    if (opened_.device) return normalize({{0, opened_.size}});
    return file_data_extents(opened_.fd.get(), opened_.size, opened_.path);
  }

 private:
  const Opened opened_;
};

class FileWriter final : public BlockWriter {
 public:
  explicit FileWriter(Opened opened) : opened_(std::move(opened)) {}

  uint64_t size() const override { return opened_.size; }
  std::string describe() const override { return opened_.describe(); }

  Result<> read(uint64_t offset, std::span<std::byte> out) override {
    return read_fully(opened_.fd.get(), offset, out, opened_.path);
  }

  Result<> write(uint64_t offset, std::span<const std::byte> data) override {
    return write_fully(opened_.fd.get(), offset, data, opened_.path);
  }

  Result<> write_zeros(uint64_t offset, uint64_t length) override {
    if (length == 0) return {};
    return opened_.device ? zero_device(offset, length) : punch(offset, length);
  }

  Result<> sync() override {
    if (fsync(opened_.fd.get()) != 0) return tl::unexpected(errno_error("syncing", opened_.path));
    if (!opened_.created) return {};
    const fs::path parent = opened_.path.parent_path();
    return sync_directory(parent.empty() ? fs::path(".") : parent);
  }

 private:
  Result<> punch(uint64_t offset, uint64_t length) {
    const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    while (fallocate(opened_.fd.get(), mode, static_cast<off_t>(offset),
                     static_cast<off_t>(length)) != 0) {
      if (errno == EINTR) continue;
      if (errno == EOPNOTSUPP || errno == ENOSYS) {
        return fill_with_zeros(opened_.fd.get(), offset, length, opened_.path);
      }
      return tl::unexpected(errno_error("punching a hole in", opened_.path));
    }
    return {};
  }

  Result<> zero_device(uint64_t offset, uint64_t length) {
    const uint64_t end = offset + length;
    const uint64_t first = (offset + kDeviceBlock - 1) / kDeviceBlock * kDeviceBlock;
    const uint64_t last = end / kDeviceBlock * kDeviceBlock;
    if (first >= last) return fill(offset, length);
    uint64_t range[2] = {first, last - first};
    if (ioctl(opened_.fd.get(), BLKZEROOUT, range) != 0) return fill(offset, length);
    TRY(fill(offset, first - offset));
    return fill(last, end - last);
  }

  Result<> fill(uint64_t offset, uint64_t length) {
    return fill_with_zeros(opened_.fd.get(), offset, length, opened_.path);
  }

  const Opened opened_;
};

}  // namespace

Result<std::unique_ptr<BlockReader>> open_block_reader(const fs::path& path) {
  Opened opened;
  opened.path = path;
  opened.fd = Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.fd.valid()) return tl::unexpected(open_error(path));
  return std::make_unique<FileReader>(TRY(inspect(std::move(opened))));
}

Result<std::unique_ptr<BlockWriter>> open_block_writer(const fs::path& path, uint64_t size) {
  Opened opened;
  opened.path = path;
  opened.fd = Fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!opened.fd.valid() && errno == ENOENT) {
    opened.fd = Fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    opened.created = true;
  }
  if (!opened.fd.valid()) return tl::unexpected(open_error(path));
  opened = TRY(inspect(std::move(opened)));
  if (opened.device && opened.size < size) {
    return fail(Code::kInvalid, "device {} has {} bytes, and {} are needed", path.string(),
                opened.size, size);
  }
  if (!opened.device) {
    if (ftruncate(opened.fd.get(), static_cast<off_t>(size)) != 0) {
      return tl::unexpected(errno_error("resizing", path));
    }
    opened.size = size;
  }
  return std::make_unique<FileWriter>(std::move(opened));
}

}  // namespace breakwater::volume
