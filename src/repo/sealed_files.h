// The files of a repository in its object store: names, and what all but packs and keys have in
// common: the record is JSON, compressed in version 2, sealed, and named by the SHA-256 of the
// file.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "blob/object_store.h"
#include "repo/crypto.h"
#include "repo/types.h"

namespace breakwater::repo {

enum class FileKind { kKey, kPack, kIndex, kSnapshot, kLock };

constexpr std::string_view kConfigKey = "config";

// "pack", "index", … for messages.
std::string_view kind_name(FileKind kind);
// "data/", "index/", …
std::string_view kind_folder(FileKind kind);
// "data/3f/3fa1…", "index/77c0…".
std::string key_of(FileKind kind, const Id& id);

struct StoredFile {
  Id id;
  uint64_t size = 0;
};

// All files of a kind, sorted by id. Names that are no ids are ignored, as restic does.
Result<std::vector<StoredFile>> list_files(blob::ObjectStore& store, FileKind kind);
// The bytes of a file, compared with its name; read once more before it is kCorrupt, for the fault
// may have been on the way.
Result<Bytes> load_file(blob::ObjectStore& store, FileKind kind, const Id& id);

// Thread-safe. `store` and `random` outlive it.
class SealedFiles {
 public:
  SealedFiles(blob::ObjectStore& store, Sealer sealer, Random& random);

  // What the config says; before, 2.
  void set_version(int version) { version_ = version; }
  int version() const { return version_; }
  blob::ObjectStore& store() const { return store_; }
  const Sealer& sealer() const { return sealer_; }

  // The JSON text of an index, a snapshot or a lock. kCorrupt names the file.
  Result<std::string> load(FileKind kind, const Id& id) const;
  // Stores JSON text; the file is durable when this returns.
  Result<Id> save(FileKind kind, std::string_view json);
  Result<> remove(FileKind kind, const Id& id);

 private:
  Result<std::string> decode(ByteSpan file) const;

  blob::ObjectStore& store_;
  Sealer sealer_;
  Random& random_;
  int version_ = 2;
};

// Makes a Random usable from several threads. `inner` outlives it.
class SharedRandom final : public Random {
 public:
  explicit SharedRandom(Random& inner) : inner_(inner) {}
  uint64_t next() override;
  void fill(std::span<std::byte> out) override;

 private:
  std::mutex mutex_;
  Random& inner_;
};

}  // namespace breakwater::repo
