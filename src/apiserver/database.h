// The SQLite file behind a Storage: one row per object and the counter of versions.
//
// WAL with synchronous=FULL: a write that was answered survives `kill -9` and power loss. The file
// is locked for as long as it is open, so that two servers cannot share it. Used by one thread at a
// time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "kube/kind.h"

namespace breakwater::apiserver {

using TableId = std::pair<std::string, std::string>;  // group, plural

class Database {
 public:
  // Creates the file if it is not there; its directory must exist. kCorrupt if it is no database of
  // ours, kUnavailable if another process has it open.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);
  virtual ~Database() = default;

  virtual Result<uint64_t> version() = 0;
  using Visit = std::function<Result<>(TableId table, kube::Key key, Json object)>;
  // Calls `visit` for every object; stops at its first error.
  virtual Result<> load(const Visit& visit) = 0;

  struct Write {
    TableId table;
    kube::Key key;
    uint64_t version = 0;
    std::string json;  // "" removes the row
  };
  // All or nothing, synced when it returns. `version` becomes the counter.
  virtual Result<> write(const std::vector<Write>& writes, uint64_t version) = 0;
};

}  // namespace breakwater::apiserver
