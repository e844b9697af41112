// What Repository::check() does, by the rules of `restic check`.
//
// 1. Every index loads, and where a pack is in several they say the same. 2. Every indexed pack
// exists and has the size that its blobs make. 3. Every snapshot loads. 4. Every tree that a
// snapshot reaches loads, its nodes are well formed, and what they refer to is indexed. 5. With
// read_data every pack matches its name, its header says what the index says, and every blob
// decodes to its id. Packs in no index are only a hint. Used once, by one thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "repo/blob_codec.h"
#include "repo/index.h"
#include "repo/index_file.h"
#include "repo/repository.h"
#include "repo/sealed_files.h"

namespace breakwater::repo {

class Checker {
 public:
  using Report = Repository::CheckReport;

  Checker(SealedFiles& files, CodecPool& codecs, const CancelToken& cancel)
      : files_(files), codecs_(codecs), cancel_(cancel) {}

  // An error only when the store cannot be read at all, or when cancelled.
  Result<Report> run(bool read_data, const Repository::CheckProgress& progress);

 private:
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args);
  template <class... Args>
  void hint(fmt::format_string<Args...> format, Args&&... args);

  Result<> read_indexes();
  void add_indexed(const Id& index, IndexedPack&& pack);
  Result<> compare_pack_files();
  Result<> check_snapshots(const std::vector<StoredFile>& snapshots);
  Result<> walk(const Id& root, const std::string& snapshot);
  void check_node(const Node& node, const std::string& where, std::vector<Id>& subtrees);
  Result<Tree> load_tree(const Id& id);
  Result<> read_packs(const Repository::CheckProgress& progress);
  void check_pack(const Id& id, const std::vector<PackedBlob>& blobs);
  void check_blobs(const Id& id, const std::vector<PackedBlob>& blobs, ByteSpan file);

  SealedFiles& files_;
  CodecPool& codecs_;
  const CancelToken& cancel_;
  Report report_;
  std::map<Id, std::vector<PackedBlob>> packs_;  // as indexed, blobs by offset
  Index index_;
  std::set<Id> seen_trees_;
};

}  // namespace breakwater::repo
