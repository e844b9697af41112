#include "datapath/file_chunks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace breakwater::datapath {
namespace {

constexpr size_t kReadSize = 512 << 10;
constexpr size_t kUsualChunk = 3 << 19;  // 1.5 MiB, the mean

}  // namespace

FileChunks::FileChunks(int fd, std::filesystem::path path, const repo::ChunkerTables& tables,
                       uint64_t status_size, uint64_t allocated)
    : fd_(fd), path_(std::move(path)), chunker_(tables), sparse_(allocated < status_size) {}

Result<std::optional<FileChunks::Chunk>> FileChunks::next() {
  const uint64_t zeros = zero_chunks();
  if (zeros == 0) return next_data();
  offset_ += zeros * repo::kChunkMin;
  return Chunk{{}, zeros};
}

Result<std::optional<FileChunks::Chunk>> FileChunks::next_data() {
  Chunk chunk;
  while (true) {
    const ByteSpan ahead = TRY(look_ahead());
    if (ahead.empty()) break;
    const repo::Chunker::Step step = chunker_.feed(ahead);
    if (chunk.data.empty() && !step.cut) chunk.data.reserve(kUsualChunk);
    const ByteSpan taken = ahead.first(step.taken);
    chunk.data.insert(chunk.data.end(), taken.begin(), taken.end());
    offset_ += step.taken;
    if (step.cut) return chunk;
  }
  chunker_.reset();
  if (chunk.data.empty()) return std::nullopt;
  return chunk;
}

// How many chunks of zeros begin here, at the start of a chunk, without any data.
uint64_t FileChunks::zero_chunks() {
  if (!sparse_ || offset_ < data_end_) return 0;
  const auto from = static_cast<off_t>(offset_);
  off_t data = ::lseek(fd_, from, SEEK_DATA);
  if (data < 0 && errno == ENXIO) {
    struct stat status {};
    if (::fstat(fd_, &status) == 0) data = status.st_size;
    data_end_ = static_cast<uint64_t>(std::max<off_t>(data, 0));
  } else if (data >= 0) {
    data_end_ = static_cast<uint64_t>(std::max<off_t>(::lseek(fd_, data, SEEK_HOLE), 0));
  }
  if (data < 0) sparse_ = false;  // a file system that does not tell
  return data > from ? static_cast<uint64_t>(data - from) / repo::kChunkMin : 0;
}

// What follows, up to kReadSize bytes; empty at the end.
Result<ByteSpan> FileChunks::look_ahead() {
  const bool have = offset_ >= buffered_at_ && offset_ < buffered_at_ + buffered_;
  if (!have) {
    buffer_.resize(kReadSize);
    ssize_t count = 0;
    do {
      count = ::pread(fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return tl::unexpected(errno_error("reading", path_));
    buffered_at_ = offset_;
    buffered_ = static_cast<size_t>(count);
    bytes_read_ += buffered_;
  }
  const size_t skipped = offset_ - buffered_at_;
  return ByteSpan(buffer_).subspan(skipped, buffered_ - skipped);
}

}  // namespace breakwater::datapath
