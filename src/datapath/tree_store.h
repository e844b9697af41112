// The threads that read files and store them, and the trees that become complete thereby. Private
// to datapath/.
//
// The walker (tree_backup.cc) makes a PendingTree for each directory, puts the nodes of its entries
// into it and hands over the files that must be read. A tree is stored once nothing is missing in
// it: its id goes into the tree above, and so on up to the root. Whoever supplies the last missing
// part stores the tree.
//
// One thread reads a file and finds its chunks; hashing, compressing and storing them goes to
// whichever thread is free, so that one large file keeps all of them busy. Memory: per thread one
// chunk under way and one waiting, at most 8 MiB each; and the directories that are not complete.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/file.h"
#include "datapath/counters.h"
#include "repo/chunker.h"
#include "repo/repository.h"

namespace breakwater::datapath {

struct PendingTree {
  std::shared_ptr<PendingTree> parent;  // none of the root
  size_t slot = 0;                      // of its node there
  std::filesystem::path path;           // for messages
  repo::Tree nodes;                     // sorted; one without type has vanished and is left out
  std::optional<repo::Id> previous;     // its tree in the parent snapshot
  std::atomic<size_t> missing{1};       // files and subtrees, and one for the walker
};
using PendingTreePtr = std::shared_ptr<PendingTree>;

// Besides what Counters count.
struct TreeCounters {
  std::atomic<uint64_t> tree_blobs{0}, tree_bytes{0};
  std::atomic<uint64_t> dirs_new{0}, dirs_changed{0}, dirs_unmodified{0};
};

class TreeStore {
 public:
  // Called about every 100 ms while the calling thread waits; its error ends everything.
  using Tick = std::function<Result<>()>;

  // All references outlive it.
  TreeStore(repo::Repository& repository, Counters& counters, int threads, Tick tick);
  // Stops after the chunks under way.
  ~TreeStore();

  // The file of tree->nodes[slot], in the directory `at`: its content and size are filled in. One
  // more is missing in the tree from now on. Waits while too many files wait. Returns the error of
  // an earlier file, if there was one.
  Result<> add_file(const PendingTreePtr& tree, size_t slot, std::shared_ptr<const Fd> at);
  // One less is missing.
  Result<> release(const PendingTreePtr& tree);
  // Waits until the root is stored, and returns its id.
  Result<repo::Id> finish();

  const TreeCounters& trees() const { return trees_; }

 private:
  struct File {
    PendingTreePtr tree;
    size_t slot = 0;
    std::shared_ptr<const Fd> at;
    Fd fd;
    std::filesystem::path path;

    std::mutex mutex;
    std::vector<repo::Id> content;
    size_t missing = 1;  // chunks, and one for the reader
    uint64_t size = 0;
  };
  using FilePtr = std::shared_ptr<File>;
  struct Chunk {
    FilePtr file;
    size_t index = 0;
    Bytes data;
  };

  void work();
  Result<> read_file(const FilePtr& file);
  Result<bool> open_file(File& file);
  Result<> add_chunk(const FilePtr& file, Bytes data);
  Result<> add_zeros(File& file, uint64_t count);
  Result<> store_chunk(const Chunk& chunk);
  Result<> release_file(const FilePtr& file);
  Result<> save_blob(const repo::Id& id, ByteSpan data);
  Result<> store_tree(PendingTree& tree);
  void stop(Error error);
  // Waits until `ready`, with ticks.
  Result<> wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& ready);

  repo::Repository& repository_;
  Counters& counters_;
  TreeCounters trees_;
  const size_t thread_count_;
  const Tick tick_;
  const repo::ChunkerTables tables_;
  std::once_flag zeros_saved_;
  repo::Id zeros_;

  std::mutex mutex_;  // for all that follows
  std::condition_variable changed_;
  std::deque<FilePtr> files_;
  std::deque<Chunk> chunks_;
  bool stopped_ = false;
  std::optional<Error> error_;
  std::optional<repo::Id> root_;
  std::vector<std::thread> threads_;
};

}  // namespace breakwater::datapath
