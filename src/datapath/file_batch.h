// Files that are open and wait for their content. Private to datapath/.
//
// A restore opens files in the order of the trees; which blobs they need is sorted by pack, so that
// many small files are fetched with few reads, and fetched on several threads. One thread calls it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <vector>

#include "base/file.h"
#include "datapath/counters.h"
#include "datapath/file_metadata.h"
#include "repo/repository.h"

namespace breakwater::datapath {

class FileBatch {
 public:
  // All references outlive it. `tick` is called on the calling thread while run() works.
  FileBatch(repo::Repository& repository, Counters& counters, FileMetadata& metadata, int threads,
            std::function<Result<>()> tick);

  // `fd` is a regular file, open for reading and writing. `existing`: what it holds is compared,
  // and only what differs is fetched; else it is empty. Returns its size. kCorrupt when a blob is
  // in no index. `path` is for messages.
  Result<uint64_t> add(Fd fd, std::filesystem::path path, repo::Node node, bool existing);
  // Whether run() should come before the next add().
  bool full() const;
  // Writes the content of all files, then their metadata, and closes them. Zeros become holes.
  Result<> run();

 private:
  struct File {
    Fd fd;
    std::filesystem::path path;
    repo::Node node;
    std::vector<uint64_t> offsets;  // of the blobs, and the end
    bool existing = false;
  };
  // A blob's place in a pack, and where it goes.
  struct Piece {
    uint32_t pack = 0;  // index into packs_
    uint32_t place = 0;
    uint32_t length = 0;
    uint32_t file = 0;
    uint64_t blob = 0;  // index into its content
  };

  Result<> compare();
  Result<> compare_blob(File& file, uint64_t blob, Bytes& buffer, char& same);
  void plan();
  void add_piece(uint32_t file, uint64_t blob);
  Result<> write_group(uint64_t group);
  Result<> find_damage(const std::vector<const Piece*>& pieces, Error error);
  Result<> write_blob(const Piece& piece, ByteSpan data);
  const repo::Id& id_of(const Piece& piece) const;

  repo::Repository& repository_;
  Counters& counters_;
  FileMetadata& metadata_;
  const int threads_;
  const std::function<Result<>()> tick_;
  const repo::Id zeros_;  // the chunk of zeros that holes are cut into

  std::vector<File> files_;
  uint64_t bytes_ = 0, blobs_ = 0;
  std::vector<std::vector<char>> same_;  // of files_: which blobs are there already
  std::map<repo::Id, uint32_t> pack_numbers_;
  std::vector<repo::Id> packs_;
  std::vector<Piece> pieces_;     // by pack and place
  std::vector<uint64_t> groups_;  // where in pieces_ a group starts; the last is their end
};

}  // namespace breakwater::datapath
