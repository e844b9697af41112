// Fills packs with sealed blobs, uploads them on a few threads, and writes index files.
//
// One pack is filled for each blob type. At most `upload_threads` packs are under way and one
// more waits; while it does, add() waits too, so memory is bounded. Packs reach an index file after
// they are stored: at flush(), every 50 000 blobs, and every five minutes, so that an interrupted
// job finds what it uploaded.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "repo/index.h"
#include "repo/index_file.h"
#include "repo/pack.h"
#include "repo/sealed_files.h"

namespace breakwater::repo {

struct PackWriterSettings {
  size_t pack_size = 16u << 20;
  int upload_threads = 2;  // 0: add() and flush() upload themselves
};

class PackWriter {
 public:
  // Everything borrowed outlives it. Threads start with the first full pack.
  PackWriter(SealedFiles& files, Index& index, Random& random, const Clock& clock,
             PackWriterSettings settings);
  // Stops after the uploads under way; what was not flushed is lost.
  ~PackWriter();

  // Copies `sealed` into a pack. Returns the error of an earlier upload, if there was one: this
  // writer then stores nothing more.
  Result<> add(BlobType type, const Id& id, ByteSpan sealed, uint32_t uncompressed_length);
  // Returns when every blob that add() took before is in a stored pack and in a stored index.
  Result<> flush();
  // The error of an earlier upload, if there was one.
  Result<> healthy();
  // Makes `error` the answer to whatever comes next.
  void give_up(const Error& error);

 private:
  struct Filling {
    std::mutex mutex;
    std::optional<PackBuilder> pack;
  };

  Result<> enqueue(FinishedPack pack);
  Result<> upload_now(FinishedPack pack);
  void work();
  Result<> upload(FinishedPack pack);
  Result<> save_index_if_due();
  Result<> save_index();
  Result<> first_error() const;  // mutex_ is held

  SealedFiles& files_;
  Index& index_;
  Random& random_;
  const Clock& clock_;
  const PackWriterSettings settings_;
  std::array<Filling, 2> filling_;

  std::mutex mutex_;  // for all that follows
  std::condition_variable changed_;
  std::deque<FinishedPack> queue_;
  int busy_ = 0;
  bool stop_ = false;
  std::optional<Error> error_;
  std::vector<IndexedPack> unindexed_;
  size_t unindexed_blobs_ = 0;
  Duration unindexed_since_{};
  std::vector<std::thread> threads_;
};

}  // namespace breakwater::repo
