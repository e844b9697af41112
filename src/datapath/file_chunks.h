// A file read from its beginning to its end, cut as restic cuts it. Private to datapath/.
#pragma once

#include <filesystem>
#include <optional>

#include "repo/chunker.h"

namespace breakwater::datapath {

// Where the file has holes they are not read: a hole is cut into chunks of 512 KiB of zeros, as
// the same zeros would be if they were read. One thread at a time; fd and tables outlive it.
class FileChunks {
 public:
  // `path` is for messages. `status_size` and `allocated` (bytes on disk) tell whether there may be
  // holes.
  FileChunks(int fd, std::filesystem::path path, const repo::ChunkerTables& tables,
             uint64_t status_size, uint64_t allocated);

  struct Chunk {
    Bytes data;          // empty when there are
    uint64_t zeros = 0;  // so many chunks of kChunkMin zeros
  };
  // Nothing at the end of the file.
  Result<std::optional<Chunk>> next();
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  Result<std::optional<Chunk>> next_data();
  uint64_t zero_chunks();
  Result<ByteSpan> look_ahead();

  const int fd_;
  const std::filesystem::path path_;
  repo::Chunker chunker_;
  bool sparse_;
  uint64_t offset_ = 0;    // of the next byte that is not in a chunk yet
  uint64_t data_end_ = 0;  // up to here the file is known to be worth reading
  Bytes buffer_;           // a part of the file
  uint64_t buffered_at_ = 0;
  size_t buffered_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace breakwater::datapath
