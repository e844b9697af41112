// A backup repository in restic's format, version 2 (version 1 can be read).
//
// What Breakwater writes, restic lists, checks, dumps, restores and prunes, and the other way
// round. Order of durability: packs, then the index, then the snapshot; a crash at any point leaves
// a repository that `restic check` accepts, and blobs that reached an index are not uploaded again.
//
// A Repository is opened once and shared by the threads of one job: loading and saving blobs is
// thread-safe. Memory: the index takes about 50 bytes a blob; saving holds at most the packs being
// filled. Errors: a wrong password is kForbidden, a missing repository kNotFound, anything that
// does not match its checksum kCorrupt and names the file, and the pack and blob if there is one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "blob/object_store.h"
#include "repo/types.h"

namespace breakwater::repo {

// scrypt's cost. restic calibrates to about half a second; tests use less.
struct KdfParameters {
  uint32_t n = 32768, r = 8, p = 2;
};

struct Settings {
  Compression compression = Compression::kAuto;
  uint32_t pack_size = 16u << 20;  // a pack is closed once it has this many bytes
  int upload_threads = 2;          // packs that may be on their way to the store at once; 0: the
                                   // thread that fills a pack stores it (for simulations)
  // Decode every blob again before it is stored, as restic does by default.
  bool extra_verify = true;
  // How long lock() waits before it looks a second time for a lock that excludes its own. Shorter
  // than restic's 200 ms only where nobody else uses the repository (tests, simulation).
  Duration lock_recheck = std::chrono::milliseconds(200);
};

// What the repository needs from outside; everything outlives it.
struct Environment {
  blob::ObjectStore& store;
  const Clock& clock;
  Random& random;
  Logger log;
  std::string hostname;  // written into locks, keys and snapshots
  std::string username;
};

struct SavedBlob {
  Id id;
  bool added = false;        // false: it was there already
  uint64_t packed_size = 0;  // what it took in a pack; 0 unless added
};

class Lock;

class Repository {
 public:
  // Creates first key and config. kAlreadyExists when a config, a snapshot, an index or a pack is
  // there, or a key that `password` does not open: never over something that we merely cannot open.
  // Completes an init that was interrupted between key and config.
  static Result<> init(Environment environment, const std::string& password,
                       KdfParameters kdf = {});
  // Finds the key that `password` opens and reads the config; the index is read by load_index().
  static Result<std::unique_ptr<Repository>> open(Environment environment,
                                                  const std::string& password, Settings settings);
  // Whether a config is there, whoever may open it.
  static Result<bool> exists(blob::ObjectStore& store);

  virtual ~Repository() = default;

  virtual const Id& id() const = 0;  // of the config
  virtual int version() const = 0;   // 1 or 2
  // By which files are cut (chunker.h).
  virtual uint64_t chunker_polynomial() const = 0;

  // Writes a lock and keeps it fresh until the Lock is destroyed. kConflict names who holds one
  // that excludes it (host, pid, since when). `exclusive` for prune, forget and check.
  virtual Result<std::unique_ptr<Lock>> lock(bool exclusive) = 0;
  // Removes stale locks (30 minutes old, or of a dead process of this host), or all. Returns how
  // many.
  virtual Result<int> unlock(bool all) = 0;
  // Removes stale locks and every lock that names our host, of a living process or not: for a
  // process whose host name is its alone, as a pod's is. What it finds was left by its predecessor.
  virtual Result<int> unlock_own_host() = 0;

  // Reads all index files. Take the lock first: a prune could remove what an older index names.
  virtual Result<> load_index() = 0;
  virtual std::optional<BlobLocation> find(BlobType type, const Id& id) const = 0;

  // The verified plaintext. kNotFound if no index knows it, kCorrupt if it is damaged.
  virtual Result<Bytes> load_blob(BlobType type, const Id& id) = 0;
  // Several blobs of one pack with as few reads as possible; calls `deliver` for each, in the order
  // of their offsets, on the calling thread.
  using Deliver = std::function<Result<>(const Id& id, ByteSpan plaintext)>;
  virtual Result<> load_from_pack(const Id& pack, const std::vector<Id>& blobs,
                                  const Deliver& deliver) = 0;

  // Stores `plaintext` unless it is there. Compresses, encrypts and adds it to a pack; may wait for
  // an upload. An error of an earlier upload is returned by whichever call comes next.
  virtual Result<SavedBlob> save_blob(BlobType type, ByteSpan plaintext) = 0;
  // The same when the caller has hashed it already.
  virtual Result<SavedBlob> save_blob(BlobType type, const Id& id, ByteSpan plaintext) = 0;
  // Closes all packs, waits until they are stored, writes the index of what is new. After it, and
  // only then, may a snapshot refer to the blobs saved before.
  virtual Result<> flush() = 0;

  virtual Result<Tree> load_tree(const Id& id) = 0;
  virtual Result<SavedBlob> save_tree(const Tree& tree) = 0;

  // Writes the snapshot (after flush()) and sets its id.
  virtual Result<Id> save_snapshot(Snapshot snapshot) = 0;
  // All snapshots, oldest first. A damaged one is an error that names it.
  virtual Result<std::vector<Snapshot>> snapshots() = 0;
  virtual Result<Snapshot> load_snapshot(const Id& id) = 0;
  virtual Result<> remove_snapshot(const Id& id) = 0;

  // Everything `restic check` looks at. With `read_data` every pack is read and every blob
  // verified.
  struct CheckReport {
    std::vector<std::string> errors;  // one sentence each; empty: the repository is sound
    std::vector<std::string> hints;   // harmless: unreferenced packs, mixed packs
    uint64_t packs = 0, blobs = 0, snapshots = 0, bytes_read = 0;
  };
  using CheckProgress = std::function<void(uint64_t done_packs, uint64_t total_packs)>;
  virtual Result<CheckReport> check(bool read_data, const CancelToken& cancel,
                                    const CheckProgress& progress = {}) = 0;
};

// A lock file that lives as long as this object; refreshed every five minutes by a thread of its
// own.
class Lock {
 public:
  virtual ~Lock() = default;  // removes the lock file
  // kConflict once the lock could not be refreshed for so long that others may take it for stale:
  // stop writing. Long jobs ask between steps.
  virtual Result<> check() const = 0;
};

// The snapshot that `name` means: "latest", a full id, or a prefix of one that fits only one
// snapshot.
Result<Snapshot> find_snapshot(const std::vector<Snapshot>& snapshots, std::string_view name);

}  // namespace breakwater::repo
